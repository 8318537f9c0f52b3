"""
Report files: `form` gathers the monthly form's figures, `listing` streams the ledger's
entries, `workbook`, `table` and `print` write them as XLSX, CSV and PDF, and `making`
leads a report from its request to the file on disk.
"""
