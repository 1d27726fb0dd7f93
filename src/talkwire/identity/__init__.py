"""Authentication: tokens and their keys, passwords of accounts, the server's own secret.

Knows nothing of sockets, routes or tables: takes a token as text and returns an `Identity`, or raises a `ChatError`.
"""
