"""The entry point for all commands, and what runs around them: limits, hooks, observers, live notifications."""
