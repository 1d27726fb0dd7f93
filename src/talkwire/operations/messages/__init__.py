"""The operations of messages and of what belongs to them: threads, receipts, offers, searches, typing."""
