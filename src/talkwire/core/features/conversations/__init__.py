"""Conversations: creating and changing them, members, invitations, moderation, and who may call whom."""
