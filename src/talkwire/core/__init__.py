"""The core, i.e. the chat itself: its rules, commands and events, and the engine that executes commands.

domain/     values, events, errors and access rules: pure functions and data
commands/   the commands of callers, one module a feature; commands/server/ has those that only the server issues
ports/      protocols (interfaces) of the database, the bus between nodes, and the parts of the chat that signals use
features/   the functions that execute commands, one module a feature
connected/  in-memory indexes of the users connected to this node
cluster/    delivery of committed events in order, leases (records of living nodes), and questions to other nodes
signals/    features that store nothing in the log of events: presence, typing, calls, custom events
engine/     the entry point for all commands, the execution of a batch of them, rate limits, hooks, observers,
            notifications of connected users
background_tasks.py  tasks on the event loop that nobody awaits
clock.py    the time of the process in milliseconds

The core knows no HTTP, Socket.IO, SQL or Redis.
"""
