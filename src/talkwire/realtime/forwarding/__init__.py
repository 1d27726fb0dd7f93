"""Forwards requests for sessions and files of other nodes, over authenticated HTTP between nodes."""
