"""Protocols for what surrounds the chat: the database's transactions and tables, the bus, the chat's own executor.

Storage and bus implement them. The modules here contain no logic but small value types.
"""
