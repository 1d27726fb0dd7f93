"""Who handles a conversation with teams, and since when a customer waits: what other features change with it."""
