"""What writes the ledger, its totals, the months and their files."""
