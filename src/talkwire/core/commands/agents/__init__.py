"""Commands of agents about their work."""
