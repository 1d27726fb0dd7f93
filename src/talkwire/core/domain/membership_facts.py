"""What is read of users' memberships, for the indexes in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from talkwire.core.domain.model import ConversationKind, HistoryStart


class ConversationFacts(NamedTuple):
    """What is read of a conversation."""

    kind: ConversationKind
    member_count: int


class Memberships(NamedTuple):
    """What is read of some users: which conversations they are in, their histories there (by user and conversation,
    where something lies before their time), and the facts of these conversations."""

    conversation_ids: Mapping[str, set[str]]
    histories: Mapping[str, Mapping[str, HistoryStart]]
    circles: Mapping[str, ConversationFacts]
