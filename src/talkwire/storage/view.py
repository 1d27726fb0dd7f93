"""The writer's cache between transactions: conversations, members and users as of one log position.

Only the writer's thread uses it. It is correct as long as the log's head is where the writer left it. When another node
has written since, the view is emptied and filled again from the database.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from talkwire.core.domain.model import Conversation, Member, User

CACHED_VALUES_MAX = 500_000
"""Number of cached values above which the view is emptied. Refilling it costs one statement for each table."""


@dataclass(slots=True)
class View:
    """The writer's cache of conversations, members (by conversation id and user id) and users, as of log position
    `pos`. All nodes know the migrations up to `known_revision`, and nodes that do not can start no more."""

    pos: int = -1
    conversations: dict[str, Conversation] = field(default_factory=dict)
    members: dict[tuple[str, str], Member] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    known_revision: int = 0

    def move_to(self, pos: int) -> None:
        """Empties the cache and sets its position to `pos`, the log's head, unless it has this position already: then
        no other node has written since. Also empties a cache of more than CACHED_VALUES_MAX values."""
        if pos != self.pos or len(self.members) + len(self.conversations) + len(self.users) > CACHED_VALUES_MAX:
            self.conversations.clear()
            self.members.clear()
            self.users.clear()
            self.pos = pos
