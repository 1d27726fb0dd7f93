"""Protocols (interfaces) through which the chat uses what surrounds it: the database's transactions and tables, and the
bus between nodes; and through which presence, typing and calls use the chat.

The storage, bus, webhooks and engine packages implement the protocols. The modules here contain no logic except for
small value types.
"""
