"""Talkwire as a library: the `Talkwire` class with its ASGI application, for running the chat in a Python program."""
