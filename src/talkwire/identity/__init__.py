"""Who is calling: tokens and their keys, the accounts' passwords, the server's own secret.

Knows nothing of sockets, routes or tables: a token comes in as text, an `Identity` or a `ChatError` comes out.
"""
