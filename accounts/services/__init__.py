"""What may be done with keys, and the record of everything that is done."""
