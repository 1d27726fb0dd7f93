"""Notifications and users' preferences for them."""
