"""What was sold: the ledger, totals, months, declarations and report files."""
