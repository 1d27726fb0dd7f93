"""Finding what a command that comes a second time was answered with, without carrying it out."""

from __future__ import annotations

from types import MappingProxyType

from talkwire.core.access import acting_as, may_take_part
from talkwire.core.commands.messages import SendMessage
from talkwire.core.commands.retries import AnswerRetry, FirstAnswer
from talkwire.core.handler import Queries
from talkwire.core.idempotency import answer_again
from talkwire.core.model import Actor, Message
from talkwire.core.sending import same_message
from talkwire.core.transaction import Snapshot


def find_sent(snapshot: Snapshot, actor: Actor, command: SendMessage) -> Message | None:
    """The message that a retry asks for, as it is now; None when there is none yet. Raises `conflict` for another.

    None as well for who takes no part there: carrying the command out refuses them, or a hook sends it elsewhere.
    """
    if command.client_message_id is None:
        return None
    sender_id = acting_as(actor, command.sender_id)
    refusal = may_take_part(snapshot.user(sender_id), snapshot.member(command.conversation_id, sender_id))
    if refusal is not None:
        return None
    first = snapshot.sent_message(command.conversation_id, sender_id, command.client_message_id)
    return None if first is None else same_message(first, command)


def answer_retry(snapshot: Snapshot, actor: Actor, query: AnswerRetry) -> FirstAnswer | None:
    """None for a command that was not carried out yet. Raises `conflict` for another one under the same name."""
    if query.key is not None:
        stored = snapshot.answers.find(query.key)
        if stored is not None:
            return FirstAnswer(answer_again(stored, query.first, query.key))
    if isinstance(query.first, SendMessage):
        message = find_sent(snapshot, actor, query.first)
        return None if message is None else FirstAnswer(message)
    return None


QUERIES: Queries = MappingProxyType({AnswerRetry: answer_retry})
