"""The vocabularies that clients speak: each a table from event names and payloads to commands, and from events to event
names and payloads. Dialects know the chat, but neither sockets nor each other."""
