"""Routes of moderation: mutes and bans in conversations, reports of messages, and the audit log."""
