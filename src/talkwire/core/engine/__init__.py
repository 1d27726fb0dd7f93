"""The entry point for all commands (`Chat`), and what runs around them: rate limits, the application's hooks and
observers, notifications of connected users, and periodic cleaning."""
