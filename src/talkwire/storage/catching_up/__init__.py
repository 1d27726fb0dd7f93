"""Reads the data that a client fetches after it was disconnected: missed events of the log, missed messages, and events
that are kept for offline users."""
