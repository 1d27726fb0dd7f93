"""The actors (ids with roles) in whose name parts of the server issue commands to the chat.

No user can have the id of such an actor: a user id is not empty and contains no `/`, and only operators' tokens may
name `talkwire`.
"""

from __future__ import annotations

from talkwire.core.domain.model import Actor

BACKEND = Actor("talkwire/application", "Application", "service")
"""Actor of the program that embeds the server. As the application's backend, it may act for any user."""

NODE = Actor("talkwire/node", "Node", "admin")
"""Actor that writes a node's records: its lease, its connected users, its calls."""

OFFLINE_QUEUE = Actor("talkwire/mail", "Talkwire", "admin")
"""Actor that records which items of the offline queues users have received."""

STARTER = Actor("talkwire", "Talkwire", "admin")
"""Actor that looks at the accounts when a node starts."""

RECOVERY = Actor("talkwire/recovery", "Talkwire", "admin")
"""Actor that stores and finds recoverable sessions."""

PREVIEWER = Actor("talkwire", "Talkwire", "admin")
"""Actor that stores the previews of links in messages."""

PRUNER = Actor("talkwire", "Talkwire", "admin")
"""Actor that prunes messages and events older than the retention time."""

KEY_INDEXER = Actor("talkwire", "Talkwire", "admin")
"""Actor that indexes conversations by keys of their metadata."""

SWEEPER = Actor("talkwire", "Talkwire", "admin")
"""Actor that removes files and uploads without references."""

ERASER = Actor("talkwire", "Talkwire", "admin")
"""Actor that finishes the erasure of users."""

TEAM_CHANGER = Actor("talkwire", "Talkwire", "admin")
"""Actor that writes the memberships that follow from a changed team."""

TIMERS = Actor("talkwire", "Talkwire", "admin")
"""Actor that ends offers, bans and mutes at their time."""

NOTIFIER = Actor("", "", "service")
"""Actor that reads the names that live notifications show."""

PUSH_SENDER = Actor("talkwire/push", "Talkwire", "admin")
"""Actor that reads and records what is sent to push services."""

RECEIPT_SIGNER = Actor("talkwire/receipts", "Talkwire", "admin")
"""Actor that reads the keys with which receipts of decisions are signed."""

DESK_COUNTER = Actor("talkwire", "Talkwire", "admin")
"""Actor that counts the conversations of teams for their connected members."""

UNREAD_COUNTER = Actor("", "")
"""Actor that reads the unread counts of connected users."""
