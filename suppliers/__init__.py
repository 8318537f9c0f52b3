"""Who sells: suppliers, producers, bases and certificates."""
