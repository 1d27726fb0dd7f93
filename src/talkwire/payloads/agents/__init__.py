"""JSON objects about agents' work."""
