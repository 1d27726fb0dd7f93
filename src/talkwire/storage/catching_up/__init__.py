"""What clients that were away read: events of the log, and what waits for offline users."""
