"""The chat domain: model, commands, events, access rules, one module per feature.

Knows nothing of HTTP, Socket.IO, SQL or Redis. What it needs of a database it asks for through `core.transaction`.
"""
