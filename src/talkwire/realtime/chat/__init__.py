"""Namespaces that turn the events of a dialect into commands of the chat, and send the replies."""
