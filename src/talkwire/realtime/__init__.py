"""The I/O shell: sockets of the operating system on one side, `talkwire.wire` and the chat on the other.

server.py       SocketServer: sessions, namespaces, who may connect; a Socket.IO server without chat
websocket.py    WebSockets, as uvicorn's protocol class;  polling.py  the other transport, as an ASGI application
hub.py          rooms; a frame shared by all its recipients, one write per connection and loop turn
dispatch.py     each connection's events in the order they came
heartbeat.py    one timing wheel for all deadlines
chat_namespace.py   the namespace in which a dialect's events become the chat's commands
"""
