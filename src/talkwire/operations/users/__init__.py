"""The operations of users: profiles, presence, preferences, notifications, blocks."""
