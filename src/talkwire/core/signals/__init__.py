"""What goes on between users and is not stored in the log: presence, typing, calls, custom events."""
