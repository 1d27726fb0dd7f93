"""Routes with which an application's backend connects its own systems to the chat."""
