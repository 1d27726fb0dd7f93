"""The dialects: each maps event names and payloads of one kind of client to commands, and chat events back to event
names and payloads. Dialects depend on the chat, but neither on sockets nor on each other."""
