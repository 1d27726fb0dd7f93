"""The actors (ids with roles) in whose name parts of the server issue commands to the chat.

No user can have the id of such an actor: a user id is not empty and contains no `/`, and only operators' tokens may
name `talkwire`.
"""

from __future__ import annotations

from talkwire.core.domain.model import Actor

BACKEND = Actor("talkwire/application", "Application", "service")
"""The program that embeds the server. As the application's backend, it may act for any user."""

NODE = Actor("talkwire/node", "Node", "admin")
"""Writes a node's records: its lease, its connected users, its calls."""

OFFLINE_QUEUE = Actor("talkwire/mail", "Talkwire", "admin")
"""Records which items of the offline queues users have received."""

STARTER = Actor("talkwire", "Talkwire", "admin")
"""Looks at the accounts when a node starts."""

RECOVERY = Actor("talkwire/recovery", "Talkwire", "admin")
"""Stores and finds recoverable sessions."""

PREVIEWER = Actor("talkwire", "Talkwire", "admin")
"""Stores the previews of links in messages."""

PRUNER = Actor("talkwire", "Talkwire", "admin")
"""Prunes messages and events older than the retention time."""

KEY_INDEXER = Actor("talkwire", "Talkwire", "admin")
"""Indexes conversations by keys of their metadata."""

SWEEPER = Actor("talkwire", "Talkwire", "admin")
"""Removes files and uploads without references."""

ERASER = Actor("talkwire", "Talkwire", "admin")
"""Finishes the erasure of users."""

TEAM_CHANGER = Actor("talkwire", "Talkwire", "admin")
"""Writes the memberships that follow from a changed team."""

TIMERS = Actor("talkwire", "Talkwire", "admin")
"""Ends offers, bans and mutes at their time."""

NOTIFIER = Actor("", "", "service")
"""Reads the names that live notifications show."""

PUSH_SENDER = Actor("talkwire/push", "Talkwire", "admin")
"""Reads and records what is sent to push services."""

RECEIPT_SIGNER = Actor("talkwire/receipts", "Talkwire", "admin")
"""Reads the keys with which receipts of decisions are signed."""

DESK_COUNTER = Actor("talkwire", "Talkwire", "admin")
"""Counts the conversations of teams for their connected members."""

UNREAD_COUNTER = Actor("", "")
"""Reads the unread counts of connected users."""
