"""A Socket.IO server: namespaces, sockets, rooms and acknowledgements. Knows nothing of chat."""
