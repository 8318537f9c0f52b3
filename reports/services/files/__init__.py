"""
Report files: `form`, `year_book` and `statement` gather figures, `listing` streams the
ledger's entries, `workbook` (with `filling`), `table` and `printing` write them as XLSX, CSV
and PDF. `asking` and `scheduling` ask for reports, `making` makes them, `keeping` guards the
finished files.
"""
