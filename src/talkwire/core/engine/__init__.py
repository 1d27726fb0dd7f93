"""The entry point for every command, and what happens around commands: limits, hooks, observers, live notifications."""
