"""What a client needs after it was disconnected: sync, session recovery, and the first result of a retried command."""
