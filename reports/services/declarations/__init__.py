"""
Sales made off the platform: a file is received, checked row by row, booked whole or not at all.

`uploads` takes it to the disk, `reading` and `xlsx` read it, `checking` looks at each row,
`loading` brings the rows into the database and compares them with what is there, `booking`
writes the ledger, `receiving` leads a declaration through its steps, `answering` says what
came of it and `evidence` keeps the scans that show it.
"""
