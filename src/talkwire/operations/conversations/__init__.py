"""The operations of conversations, their members and invitations."""
