"""Values of the features with which an application connects its own systems to the chat: webhooks."""
