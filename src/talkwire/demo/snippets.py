"""Users and conversations that the code snippets in the documentation name, and that `--demo` therefore creates.

The people of the demo's company are not among them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

ACCOUNT_EMAIL = "user@example.com"
ACCOUNT_PASSWORD = "password"  # noqa: S105 (the demo's, which listens on loopback only)
ACCOUNT_ID = "user"

MARKER = "general"
"""Id of the first conversation of a demo; its metadata holds the state of the filling."""

SNIPPET_MEMBERS = ("alice", "bob", "carol", "user-123", "test", "123")
"""Ids of the first members of the demo's first conversation; the demo's account joins them."""

SNIPPET_CONVERSATIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "talk-123": (ACCOUNT_ID, "alice", "bob"),
        "conv-456": ("user-123", "alice", "bob"),
        "test-conv": ("test", "alice", "bob"),
        "1": ("123", "alice", "bob"),
    }
)
