"""Rows of messages and of what belongs to them: versions, reactions, mentions, words, unread counts, imports."""
