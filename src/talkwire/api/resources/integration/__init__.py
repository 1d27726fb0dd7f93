"""REST routes with which the application's backend connects its own systems to the chat, such as webhooks."""
