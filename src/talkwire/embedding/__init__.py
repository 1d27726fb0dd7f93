"""Talkwire as a library: the `Talkwire` class, its ASGI application, and the names of commands and events for hooks."""
