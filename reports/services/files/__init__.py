"""
Report files: `form` and `statement` gather figures, `listing` streams the ledger's entries,
`workbook` (with `filling`), `table` and `printing` write them as XLSX, CSV and PDF.
`asking` takes requests, `making` fulfils them, `keeping` guards the finished files.
"""
