"""
Pictures of the product's pages for `docs/screenshots/`: `make screenshots`.

The product runs as `make run` runs it, with the demo, in a data folder of its own.
"""
