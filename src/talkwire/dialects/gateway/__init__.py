"""The `gateway` dialect: the Socket.IO events for applications that send notifications to single users, and messages to
rooms."""
