"""Payloads of notifications, of pushes to devices, and of the preferences for both."""
