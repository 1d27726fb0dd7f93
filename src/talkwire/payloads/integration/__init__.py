"""The JSON objects of REST routes with which the application's backend connects its own systems to the chat."""
