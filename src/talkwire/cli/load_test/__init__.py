"""The command `talkwire load`, which load-tests a server with its own Socket.IO clients, from outside of the server."""
