"""What the chat keeps with each socket: its user, dialect and rooms, and what it needs to resume."""
