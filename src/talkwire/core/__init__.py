"""The chat itself: its rules, its commands and events, and the engine that carries them out.

domain/     values, events, errors and access rules: pure functions and data
commands/   what callers can ask for, one module a feature; commands/server/ has what only the server itself asks for
ports/      what the chat needs from a database, a bus and the parts around it: protocols
features/   how each command is decided, one module a feature
connected/  indexes in memory of the users that are connected to this node
cluster/    the log as it reaches this node, leases, and questions to other nodes
signals/    what is not stored: presence, typing, calls, custom events
engine/     the entry point for all commands, limits, hooks, observers, live notifications

The core knows no HTTP, Socket.IO, SQL or Redis.
"""
