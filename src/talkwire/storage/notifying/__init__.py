"""Stores users' notifications, their preferences for them, and the pushes to their devices."""
