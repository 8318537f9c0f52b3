"""The endpoints of buyers and suppliers."""
