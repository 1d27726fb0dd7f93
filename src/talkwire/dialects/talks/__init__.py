"""The `talks` dialect: the Socket.IO events for clients of a marketplace, where users talk and make price offers."""
