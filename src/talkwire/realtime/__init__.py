"""Connections to clients: links HTTP, WebSockets and long polling to the protocols in `talkwire.wire` and to the chat.

scheduling/  deadlines, and fair shares of the event loop for all clients
http/        HTTP connections and their limits
engine/      Engine.IO sessions, and the hub that sends frames to their connections
socketio/    a Socket.IO server: namespaces, sockets, acks; knows nothing of chat
forwarding/  requests for sessions and files of other nodes
transport/   WebSockets and long polling
serving/     listening sockets, start and orderly shutdown
clients/     the chat's state of each socket, and the sockets that can resume
delivery/    events and signals to the sockets that may receive them
recovery/    sockets that resume after their connection broke
chat/        the namespace in which clients' events become commands of the chat
"""
