"""Features for clients that were disconnected: sync, recovery of sessions, and returning the first result to a command
that is sent again."""
