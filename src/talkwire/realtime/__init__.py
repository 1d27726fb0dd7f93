"""The I/O shell: sockets of the operating system on one side, `talkwire.wire` and the chat on the other.

engine_server.py, socket_server.py   sessions, namespaces, who may connect; a Socket.IO server without chat
websocket.py    WebSockets, as uvicorn's protocol class;  polling.py  the other transport, as an ASGI application
hub.py          rooms; a frame shared by all its recipients, one write per connection and loop turn
dispatch.py     each connection's events in the order they came
heartbeat.py    one timing wheel for all deadlines
chat_namespace.py   the namespace in which a dialect's events become the chat's commands;  requests.py  their answers
event_delivery.py, signal_delivery.py   the other way: what has happened, and what goes on, to its audience
client.py       what the chat keeps with a socket, and its rooms
arrivals.py, recipients.py   which messages have arrived, as heartbeats prove it
"""
