"""Payloads of conversations, messages, users and other objects, for the messenger dialect and for REST; one module for
each feature."""
