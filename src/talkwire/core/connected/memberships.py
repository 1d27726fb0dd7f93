"""Indexes which cached users are in which conversation, and whether they are contacts.

Contacts are notified of each other's presence without subscribing: the members of a direct conversation, or of a group
of at most `members_max`. Each conversation is stored once, for all of its cached members.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from talkwire.core.domain.events import ConversationCreated, ConversationDeleted, Durable, MemberAdded, MemberRemoved
from talkwire.core.domain.membership_facts import ConversationFacts
from talkwire.core.domain.model import ConversationKind

CONTACTS_MAX = 100
"""The default of `members_max`."""

_FEW = 8


class ConversationMembership:
    """A conversation as of log position `pos`, with the ids of its cached members. `kind` is None until it is
    loaded."""

    __slots__ = ("kind", "member_count", "pos", "user_ids")

    def __init__(self) -> None:
        self.pos = 0
        self.kind: ConversationKind | None = None
        self.member_count = 0
        # A tuple uses a quarter of a set's memory, and most conversations have few members on a node.
        self.user_ids: tuple[str, ...] | set[str] = ()

    def add(self, user_id: str) -> None:
        if isinstance(self.user_ids, set):
            self.user_ids.add(user_id)
        elif user_id not in self.user_ids:
            self.user_ids = (*self.user_ids, user_id)
            if len(self.user_ids) > _FEW:
                self.user_ids = set(self.user_ids)

    def discard(self, user_id: str) -> None:
        if isinstance(self.user_ids, set):
            self.user_ids.discard(user_id)
        else:
            self.user_ids = tuple(known for known in self.user_ids if known != user_id)


class MembershipIndex:
    """Maps conversation ids to their cached members."""

    def __init__(self, members_max: int = CONTACTS_MAX) -> None:
        self._members_max = members_max
        self._circles: dict[str, ConversationMembership] = {}

    def get(self, conversation_id: str) -> ConversationMembership | None:
        return self._circles.get(conversation_id)

    def add(self, user_id: str, conversation_ids: Iterable[str]) -> None:
        """Adds a user who is now cached."""
        for conversation_id in conversation_ids:
            self._circle(conversation_id).add(user_id)

    def remove(self, user_id: str, conversation_ids: Iterable[str]) -> None:
        """Removes a user who is no longer cached, or no longer a member."""
        for conversation_id in conversation_ids:
            circle = self._circles.get(conversation_id)
            if circle is not None:
                circle.discard(user_id)
                if not circle.user_ids:
                    del self._circles[conversation_id]

    def fill(self, facts: Mapping[str, ConversationFacts], pos: int, later: Iterable[Durable]) -> None:
        """Sets the facts of conversations loaded as of a log position, and applies the events since then."""
        new = {id_: circle for id_ in facts if (circle := self._circles.get(id_)) is not None and circle.kind is None}
        for conversation_id, circle in new.items():
            circle.pos = pos
            circle.kind, circle.member_count = facts[conversation_id]
        for event in later:
            _count(event, new.get)

    def is_incomplete(self, conversation_id: str) -> bool:
        """Returns whether a cached user is in a conversation whose facts are not loaded."""
        circle = self._circles.get(conversation_id)
        return circle is not None and circle.kind is None

    def apply(self, event: Durable, is_cached: Callable[[str], bool]) -> None:
        """Updates the index with an event of the log."""
        match event:
            case ConversationCreated(conversation=conversation):
                for member in event.members:
                    if is_cached(member.user_id):
                        circle = self._circle(conversation.id)
                        circle.add(member.user_id)
                        if circle.kind is None:
                            circle.pos = event.pos
                            circle.kind, circle.member_count = conversation.kind, conversation.member_count
            case MemberAdded():
                _count(event, self._circles.get)
                for member in event.members:
                    if is_cached(member.user_id):
                        self._circle(event.conversation_id).add(member.user_id)
            case MemberRemoved():
                _count(event, self._circles.get)
                self.remove(event.user_id, (event.conversation_id,))
            case ConversationDeleted():
                self._circles.pop(event.conversation_id, None)

    def contacts(self, user_id: str, conversation_ids: Collection[str]) -> set[str]:
        """Returns the cached contacts of a user who is in these conversations."""
        found: set[str] = set()
        for conversation_id in conversation_ids:
            circle = self._circles.get(conversation_id)
            if circle is not None and self._is_of_contacts(circle):
                found.update(circle.user_ids)
        found.discard(user_id)
        return found

    def contact_conversations(
        self, conversation_ids: Iterable[str], facts: Mapping[str, ConversationFacts]
    ) -> tuple[str, ...]:
        """Returns which of these conversations make their members contacts: direct ones and small groups.

        The kind and size of a conversation are taken from `facts`, else from the index.
        """
        found: list[str] = []
        for conversation_id in conversation_ids:
            circle = facts.get(conversation_id) or self._circles.get(conversation_id)
            if circle is not None and self._is_of_contacts(circle):
                found.append(conversation_id)
        return tuple(found)

    def members(self, conversation_ids: Iterable[str]) -> set[str]:
        """Returns the cached users who are in any of these conversations."""
        circles = (self._circles.get(conversation_id) for conversation_id in conversation_ids)
        return {user_id for circle in circles if circle is not None for user_id in circle.user_ids}

    def _is_of_contacts(self, circle: ConversationMembership | ConversationFacts) -> bool:
        return circle.kind == "direct" or (circle.kind == "group" and circle.member_count <= self._members_max)

    def _circle(self, conversation_id: str) -> ConversationMembership:
        circle = self._circles.get(conversation_id)
        if circle is None:
            circle = self._circles[conversation_id] = ConversationMembership()
        return circle


def _count(event: Durable, circle_of: Callable[[str], ConversationMembership | None]) -> None:
    match event:
        case MemberAdded():
            circle, change = circle_of(event.conversation_id), len(event.members)
        case MemberRemoved():
            circle, change = circle_of(event.conversation_id), -1
        case _:
            return
    # The loaded facts may be newer than the event from the bus.
    if circle is not None and circle.kind is not None and event.pos > circle.pos:
        circle.pos = event.pos
        circle.member_count += change
