"""The membership data that the indexes in memory are loaded from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from talkwire.core.domain.model import ConversationKind, HistoryStart


class ConversationFacts(NamedTuple):
    """The properties of a conversation that decide whether its members are contacts."""

    kind: ConversationKind
    member_count: int


class Memberships(NamedTuple):
    """The memberships of some users.

    `conversation_ids`: user id -> the conversations the user is in. `histories`: user id -> conversation id -> the
    user's history there, only where it does not start at the beginning. `facts`: conversation id -> the facts of that
    conversation.
    """

    conversation_ids: Mapping[str, set[str]]
    histories: Mapping[str, Mapping[str, HistoryStart]]
    facts: Mapping[str, ConversationFacts]
