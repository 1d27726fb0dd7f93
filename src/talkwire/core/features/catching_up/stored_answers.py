"""Adapts the stored result of a command to what the actor may see now, with the current state of messages."""

from __future__ import annotations

from typing import Protocol

from msgspec.structs import replace

from talkwire.core.commands.conversations import ConversationView, MemberView
from talkwire.core.commands.integration.webhooks import CreatedWebhook
from talkwire.core.commands.invitations import CreatedInvitation
from talkwire.core.commands.receipts import ReadMark
from talkwire.core.domain.access import AccessFacts, history_for, may_see_offer, message_for_reader, must_be_visible
from talkwire.core.domain.errors import ChatError, forbidden
from talkwire.core.domain.model import Actor, HistoryStart, Member, Message, Offer, Restriction

CODE_NOT_KEPT = (
    "This request has created an invitation already, whose code is shown only once. Delete that invitation and create "
    "another one under a new key."
)


class AnswerFacts(AccessFacts, Protocol):
    """The reads for messages and for who may see them. `Transaction` and `Snapshot` both provide them."""

    def message(self, message_id: int) -> Message | None: ...


SHOWN_ONCE = (
    "This request has created a webhook's secret already, which is shown only once. Rotate the secret under a new key."
)


def without_code(result: object) -> object:
    """Returns a result without an invitation's code and a webhook's secret, which stored answers must not contain."""
    match result:
        case CreatedInvitation():
            return replace(result, code="")
        case CreatedWebhook():
            return replace(result, secret="")
        case _:
            return result


def answer_now(facts: AnswerFacts, actor: Actor, result: object) -> object:
    """Returns the stored result of a command, with messages in their current state.

    Raises `conflict` for an invitation, whose code was shown once and not stored; `forbidden` or `banned` if the actor
    may no longer see the conversation, the message or the offer.
    """
    return _Answer(facts, actor).now(result)


class _Answer:
    """Rebuilds one stored result. Caches the actor's histories, because nearly all of a result is about one
    conversation."""

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
            case CreatedWebhook(view=view):
                raise ChatError("conflict", SHOWN_ONCE, {"webhookId": view.webhook.id})
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
        return must_be_visible(message, history)

    def _conversation(self, first: ConversationView) -> ConversationView:
        history = self._history(first.conversation.id)
        if first.last_message is None:
            return first
        message = self._facts.message(first.last_message.id)
        return replace(first, last_message=None if message is None else message_for_reader(message, history))
