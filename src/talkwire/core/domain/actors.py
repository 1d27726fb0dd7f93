"""The server's own actors: in whose name its parts issue commands.

No user can be one of them: a user id is not empty and contains no `/`, and tokens for `talkwire` are the operator's.
"""

from __future__ import annotations

from talkwire.core.domain.model import Actor

BACKEND = Actor("talkwire/application", "Application", "service")
"""The program that embeds the server: its back end, which may act for any user."""

NODE = Actor("talkwire/node", "Node", "admin")
"""Keeps a node's records: its lease, who is connected to it, its calls."""

OFFLINE_QUEUE = Actor("talkwire/mail", "Talkwire", "admin")
"""Confirms what has arrived from users' offline queues."""

RECOVERY = Actor("talkwire/recovery", "Talkwire", "admin")
"""Stores and finds recoverable sessions."""

PRUNER = Actor("talkwire", "Talkwire", "admin")
"""Removes what is older than the retention."""

SWEEPER = Actor("talkwire", "Talkwire", "admin")
"""Removes files and uploads that nothing refers to."""

OFFER_EXPIRY = Actor("", "", "service")
"""Ends offers that have expired."""

NOTIFIER = Actor("", "", "service")
"""Looks up the names that live notifications show."""

UNREAD_COUNTER = Actor("", "")
"""Counts what connected users have not read."""
