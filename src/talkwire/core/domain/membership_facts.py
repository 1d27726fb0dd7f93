"""Data types for users' memberships as read from the database to fill the node's in-memory indexes."""

from __future__ import annotations

from typing import NamedTuple

from talkwire.core.domain.model import Conversation, ConversationKind, HistoryStart, MemberPreferences, Notify


class ConversationFacts(NamedTuple):
    """A conversation's kind and number of members, which decide whether its members are contacts, i.e. see each other's
    presence, its default for notifications (`notify`, None for the default of its kind), and whether it has teams."""

    kind: ConversationKind
    member_count: int
    notify: Notify | None = None
    has_teams: bool = False

    @classmethod
    def of(cls, conversation: Conversation) -> ConversationFacts:
        return cls(
            conversation.kind, conversation.member_count, conversation.notify, has_teams=bool(conversation.team_ids)
        )


class Memberships(NamedTuple):
    """The conversations that some users are members of, as read from the database.

    `conversation_ids`: user id -> the conversations the user is in. `histories`: user id -> conversation id -> the
    point from which the user sees the conversation, without conversations that the user sees from their beginning.
    `staffed`: user id -> conversation id -> whether the user is also a member in their own right, of conversations of
    which they are members through a team. `unlisted`: user id -> those of these conversations that are not in the
    user's list. `preferences`: user id -> conversation id -> the user's settings, only where they differ from the
    default. `facts`: conversation id -> what is known of the conversation as a whole, of those that are in the list of
    one of the users.
    """

    conversation_ids: dict[str, set[str]]
    histories: dict[str, dict[str, HistoryStart]]
    staffed: dict[str, dict[str, bool]]
    unlisted: dict[str, set[str]]
    preferences: dict[str, dict[str, MemberPreferences]]
    facts: dict[str, ConversationFacts]
