"""Finds the first result of a command that a client sends again, without executing the command."""

from __future__ import annotations

from types import MappingProxyType

from talkwire.core.commands.desk.notes import SendNote
from talkwire.core.commands.messages import SendMessage
from talkwire.core.commands.server.retries import AnswerRetry, FirstAnswer
from talkwire.core.domain.access import acting_as, history_of, may_take_part, message_for_reader, must_be_trusted
from talkwire.core.domain.model import Actor, Message
from talkwire.core.features.catching_up.idempotency import answer_again
from talkwire.core.features.messages.sending import same_message
from talkwire.core.ports.handler import Queries
from talkwire.core.ports.transaction import Snapshot


def find_sent(snapshot: Snapshot, actor: Actor, command: SendMessage) -> Message | None:
    """Returns the message that was sent with the command's client message id before, in its current state; None if the
    command is no retry.

    Raises `conflict` if the client message id was used for another message. Also returns None for a sender who may not
    see the message now: executing the command will refuse it, or a hook (a function of the application) will redirect
    it.
    """
    if isinstance(command, SendNote):
        conversation = snapshot.conversation(command.conversation_id)
        if conversation is None or conversation.notes_id is None:
            return None
        command = command.message_in(conversation.notes_id)
    if command.client_message_id is None:
        return None
    if command.created_ms is not None or command.system:
        must_be_trusted(actor)
        sender_id = acting_as(actor, command.sender_id)
        first = snapshot.sent_message(command.conversation_id, sender_id, command.client_message_id)
        return None if first is None else same_message(first, command)
    sender_id = acting_as(actor, command.sender_id)
    member = snapshot.member(command.conversation_id, sender_id)
    if member is None or may_take_part(snapshot.user(sender_id), member) is not None:
        return None
    first = snapshot.sent_message(command.conversation_id, sender_id, command.client_message_id)
    return None if first is None else message_for_reader(same_message(first, command), history_of(actor, member))


def answer_retry(snapshot: Snapshot, actor: Actor, query: AnswerRetry) -> FirstAnswer | None:
    """Returns the result of a command that was executed before, found by its idempotency key or client message id; None
    if there is none.

    Raises `conflict` if the key or the id was used for another command, and everything that `answer_again` raises.
    """
    if query.key is not None:
        stored = snapshot.answers.find(query.key)
        if stored is not None:
            return FirstAnswer(answer_again(snapshot, actor, query.first, query.key, stored))
    if isinstance(query.first, SendMessage):
        message = find_sent(snapshot, actor, query.first)
        return None if message is None else FirstAnswer(message)
    return None


QUERIES: Queries = MappingProxyType({AnswerRetry: answer_retry})
