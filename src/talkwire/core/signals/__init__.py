"""Signals between users, which are not stored in the log: presence, typing, calls, custom events."""
