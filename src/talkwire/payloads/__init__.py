"""Payloads (JSON types) of conversations, messages, users and other objects, which dialects, the REST API, push and
webhooks share; one module for each feature."""
