"""Features with which an application connects its own systems to the chat: managing webhooks."""
