"""What is for sale: products, SKUs, prices, stock and recognitions."""
