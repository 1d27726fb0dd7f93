"""The dialects: each is the vocabulary of one kind of client application. It maps the event names and payloads of these
clients to the chat's commands, and the chat's events back to event names and payloads. Dialects depend on the chat, but
neither on sockets nor on each other."""
