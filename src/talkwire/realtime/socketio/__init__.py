"""A Socket.IO server: namespaces, sockets, rooms and acks. Knows nothing of chat."""
