"""Stores messages and all data that belongs to them: reactions, attachments, imports, receipts, threads, saved
messages, the search index, retention (how long messages are kept).

messages.py      the table of messages: rows, statements, reads
changes.py       the changes that a transaction makes to messages
"""
