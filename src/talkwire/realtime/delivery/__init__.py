"""Sends events and signals to the sockets that may receive them, and missed messages to returning users."""
