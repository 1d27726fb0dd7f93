"""Requests for sessions and files of other nodes, forwarded over authenticated HTTP between nodes."""
