"""What a kept answer may show when it is given again: what the actor may see now, with messages as they are now."""

from __future__ import annotations

from typing import Protocol

from msgspec.structs import replace

from talkwire.core.commands.conversations import ConversationView, MemberView
from talkwire.core.commands.invitations import CreatedInvitation
from talkwire.core.commands.receipts import ReadMark
from talkwire.core.domain.access import AccessFacts, as_seen, history_for, may_see_offer, must_see
from talkwire.core.domain.errors import ChatError, forbidden
from talkwire.core.domain.model import Actor, HistoryStart, Member, Message, Offer, Restriction

CODE_NOT_KEPT = (
    "This request has created an invitation already, whose code is shown only once. Delete that invitation and create "
    "another one under a new key."
)


class AnswerFacts(AccessFacts, Protocol):
    """What messages are now, and who may see them. A `Transaction` and a `Snapshot` both have it."""

    def message(self, message_id: int) -> Message | None: ...


def without_code(result: object) -> object:
    """Returns what may be kept of a result: the tables hold no invitation's code."""
    return replace(result, code="") if isinstance(result, CreatedInvitation) else result


def answer_now(facts: AnswerFacts, actor: Actor, result: object) -> object:
    """Returns what a command was answered with, with messages as they are now.

    Raises `conflict` for an invitation, whose code was shown and not kept, and `forbidden` and `banned` where the actor
    may not see the conversation, the message or the offer any more.
    """
    return _Answer(facts, actor).now(result)


class _Answer:
    """One answer. What it is about is nearly always one conversation, which is looked up once."""

    def __init__(self, facts: AnswerFacts, actor: Actor) -> None:
        self._facts = facts
        self._actor = actor
        self._histories: dict[str, HistoryStart] = {}

    def now(self, result: object) -> object:
        match result:
            case tuple():
                return tuple(self.now(each) for each in result)
            case Message():
                return self._message(result)
            case ConversationView():
                return self._conversation(result)
            case Offer(conversation_id=conversation_id):
                if not may_see_offer(result.id, self._history(conversation_id)):
                    raise forbidden()
            case CreatedInvitation(invitation=invitation):
                raise ChatError("conflict", CODE_NOT_KEPT, {"invitationId": invitation.id})
            case MemberView(member=member):
                self._history(member.conversation_id)
            case Member() | Restriction() | ReadMark():
                self._history(result.conversation_id)
        return result

    def _history(self, conversation_id: str) -> HistoryStart:
        history = self._histories.get(conversation_id)
        if history is None:
            history = self._histories[conversation_id] = history_for(self._facts, self._actor, conversation_id)
        return history

    def _message(self, first: Message) -> Message:
        history = self._history(first.conversation_id)
        message = self._facts.message(first.id)
        if message is None:
            raise forbidden()
        return must_see(message, history)

    def _conversation(self, first: ConversationView) -> ConversationView:
        history = self._history(first.conversation.id)
        if first.last_message is None:
            return first
        message = self._facts.message(first.last_message.id)
        return replace(first, last_message=None if message is None else as_seen(message, history))
