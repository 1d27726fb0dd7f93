"""Moderation of the whole server: reports of messages, and the audit log of what moderators, admins and the
application's backend do to others."""
