"""Values of moderation: reports of messages, and entries of the audit log."""
