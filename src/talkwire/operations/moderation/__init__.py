"""The operations of moderation: mutes and bans in conversations, reports, and the audit log."""
