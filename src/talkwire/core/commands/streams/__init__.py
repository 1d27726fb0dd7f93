"""The commands of messages that are written while others read them, and of ratings of agents' messages."""
