"""The namespace in which a dialect's events become the chat's commands, and their answers."""
