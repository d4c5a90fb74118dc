"""A retailer whose truth is known: people, what they do, and what each of them will do next.

`World` lives through days and yields event tables (events.py); `truth` writes what no layer may read.
"""
