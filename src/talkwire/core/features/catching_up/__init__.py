"""What a client needs after an absence: sync, session recovery, and the first answer for a repeated command."""
