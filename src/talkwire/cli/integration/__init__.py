"""The commands that connect an application's own systems to the chat: webhooks."""
