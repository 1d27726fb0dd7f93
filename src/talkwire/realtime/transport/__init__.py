"""The transports of Engine.IO: WebSockets and long polling."""
