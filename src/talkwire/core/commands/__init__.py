"""The commands and queries that callers can send to the chat, one module a feature. `command` has their base
classes."""
