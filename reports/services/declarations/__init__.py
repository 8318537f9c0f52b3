"""
Sales made off the platform: a file is received, checked row by row, booked whole or not at all.

`reading` and `xlsx` read it, `checking` looks at each row, `loading` brings the rows into
the database and compares them with what is there, `booking` writes the ledger, `receiving`
leads a declaration through its steps and `answering` says what came of it.
"""
