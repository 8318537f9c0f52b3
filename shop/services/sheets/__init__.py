"""Listings as a workbook: taken home, changed in Excel, brought back, looked at, taken over."""
