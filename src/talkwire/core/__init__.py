"""The chat: its rules, commands and events, and the engine that executes them.

domain/     values, events, errors and access rules: pure functions and data
commands/   the commands of callers, one module a feature; commands/server/ has those that only the server issues
ports/      protocols of the database, the bus and the parts of the chat that signals use
features/   the handlers of commands, one module a feature
connected/  in-memory indexes of the users connected to this node
cluster/    the ordered feed of the log, leases, and questions to other nodes
signals/    ephemeral signals: presence, typing, calls, custom events
engine/     the entry point for all commands, limits, hooks, observers, live notifications
background_tasks.py  tasks on the event loop that nobody awaits

The core knows no HTTP, Socket.IO, SQL or Redis.
"""
