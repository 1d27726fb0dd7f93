"""Authentication: verifies tokens and their keys, hashes the passwords of accounts, and keeps the server's own secret.

It does not depend on sockets, routes or tables: from a token as text it returns an `Identity`, or raises a `ChatError`.
"""
