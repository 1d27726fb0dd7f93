"""Payloads (JSON types) of conversations, messages, users and other objects, which the messenger dialect and the REST
API share; one module for each feature."""
