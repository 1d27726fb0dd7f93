"""Messages and what belongs to them: reactions, attachments, imports, receipts, the search index, retention.

messages.py      rows, statements, reads      changes.py   what a transaction does to them
"""
