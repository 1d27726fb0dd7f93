"""Messages and what belongs to them: sending, edits, reactions, receipts, pins, files, offers, search."""
