"""The stored result of every command can be decoded again."""

from __future__ import annotations

import typing
from typing import Any

import msgspec
import pytest

from talkwire.core.commands.accounts import BanUser, GetUser, Login, RotateLogin, SetPassword
from talkwire.core.commands.agents.turns import ClaimedTurn, RenewedTurn
from talkwire.core.commands.cards.deciding import SeenCard
from talkwire.core.commands.command import Command
from talkwire.core.commands.conversations import ConversationView, MemberView
from talkwire.core.commands.desk.claims import HandlingView
from talkwire.core.commands.desk.teams import TeamBatch, TeamView
from talkwire.core.commands.integration.custom_events import SendReport
from talkwire.core.commands.integration.webhooks import CreatedWebhook, PutWebhookResult, WebhookView
from talkwire.core.commands.invitations import CreatedInvitation
from talkwire.core.commands.members import AddedMembers, RemovedMember
from talkwire.core.commands.messages import SendMessages, ThreadMark
from talkwire.core.commands.receipts import ReadMark, Unread
from talkwire.core.commands.server.timers import FiredTimers
from talkwire.core.commands.streams.rating import MessageRating
from talkwire.core.commands.streams.storing import BegunStream, KeptStreams
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import (
    Actor,
    Conversation,
    ConversationPreferences,
    File,
    Member,
    Message,
    Offer,
    Preferences,
    PresenceRecord,
    PushSubscription,
    Restriction,
    SavedMessage,
    Upload,
    User,
)
from talkwire.core.domain.moderation.reports import MessageReport
from talkwire.core.domain.parts.streams import Stream
from talkwire.core.engine.command_table import CHANGES
from talkwire.core.features.catching_up.idempotency import result_type
from talkwire.core.features.catching_up.stored_answers import answer_now


def test_a_command_declares_its_result_type() -> None:
    assert result_type(BanUser) is User
    assert result_type(SetPassword) in {None, type(None)}
    assert result_type(RotateLogin) == Login | None


def test_only_a_change_has_an_answer_to_keep() -> None:
    with pytest.raises(TypeError):
        result_type(GetUser)


SHOWS_NO_CONVERSATION = {
    User,
    type(None),
    Login,
    Upload,
    File,
    Preferences,
    ConversationPreferences,
    SendReport,
    PushSubscription,
    PresenceRecord,
    CreatedInvitation,
    CreatedWebhook,
    PutWebhookResult,
    RemovedMember,
    TeamBatch,
    FiredTimers,
    KeptStreams,
    RenewedTurn,
    ClaimedTurn,
    TeamView,
    WebhookView,
    int,
    str,
    bool,
}
"""Results that are returned unchanged, whatever the actor may see now."""

IS_DECIDED_AGAIN = {
    AddedMembers,
    Message,
    BegunStream,
    Stream,
    SavedMessage,
    Offer,
    ConversationView,
    Member,
    MemberView,
    Restriction,
    ReadMark,
    ThreadMark,
    MessageReport,
    HandlingView,
    MessageRating,
    SeenCard,
}


WITH_KEYS = [command for command in CHANGES if command is not SendMessages]
"""The commands that may be given a key. Messages are recognised by their client message ids instead."""


@pytest.mark.parametrize("command", WITH_KEYS, ids=lambda command: command.__name__)
def test_every_result_type_is_listed_as_checked_again_or_not(command: type[Command[Any]]) -> None:
    answer = result_type(command)
    kinds = {kind for kind in (typing.get_args(answer) or (answer,)) if kind is not Ellipsis}
    assert kinds <= SHOWS_NO_CONVERSATION | IS_DECIDED_AGAIN


class _Nobody:
    """A database in which the actor is a member of no conversation."""

    def user(self, user_id: str) -> User | None:
        return User(user_id, user_id, 0)

    def conversation(self, conversation_id: str) -> Conversation | None:
        return None

    def member(self, conversation_id: str, user_id: str) -> Member | None:
        return None

    def message(self, message_id: int) -> Message | None:
        raise AssertionError("who may not see it has nothing read")


_CONVERSATION = Conversation("c", "group", None, None, 1, 0, 0, 0)
_MEMBER = Member("c", "alice", "member", 0)


@pytest.mark.parametrize(
    "answer",
    [
        Message(1, "c", 1, "alice", "Alice", "text", 0),
        Offer(1, "c", "alice", "an offer", 1, "EUR", "pending", 0, 0),
        ConversationView(_CONVERSATION, None, None, None),
        _MEMBER,
        MemberView(_MEMBER, "Alice", None),
        Restriction("c", "bob", "ban", 1, "alice"),
        SavedMessage(Message(1, "c", 1, "alice", "Alice", "text", 0), 0, 1),
        ReadMark("c", 1, Unread(0, 0)),
        MessageReport("1", 1, "c", "bob", "alice", "spam", 0),
        HandlingView("c", "bob", closed=False),
        MessageRating("c", 1),
        ThreadMark("c", 1, following=True, read_seq=1, unread_count=0),
    ],
    ids=lambda answer: type(answer).__name__,
)
def test_a_retry_of_a_user_who_is_not_a_member_returns_nothing(answer: object) -> None:
    assert type(answer) in IS_DECIDED_AGAIN
    for result in (answer, (answer,)):
        with pytest.raises(ChatError) as refused:
            answer_now(_Nobody(), Actor("alice", "Alice"), result)
        assert refused.value.code == "forbidden"


@pytest.mark.parametrize("command", WITH_KEYS, ids=lambda command: command.__name__)
def test_every_stored_result_can_be_decoded(command: type[Command[Any]]) -> None:
    msgspec.json.Decoder(result_type(command))
