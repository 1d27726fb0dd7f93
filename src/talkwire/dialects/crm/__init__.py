"""The `crm` dialect: the Socket.IO events for clients of the chat in a customer relationship management system."""
