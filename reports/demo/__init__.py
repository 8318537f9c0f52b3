"""
Made-up organisations, products and sales with which the system can be tried out.

Nothing here is real, and it never loads in production. Unlike everything else it
writes tables of all apps: it stands in for what people and years would have done.
"""
