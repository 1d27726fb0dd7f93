"""Adapts the stored result of a command, which a retry returns, to what the actor may see now, with the current state
of messages."""

from __future__ import annotations

from typing import Protocol

from msgspec.structs import replace

from talkwire.core.commands.cards.deciding import SeenCard
from talkwire.core.commands.conversations import ConversationView, MemberView
from talkwire.core.commands.desk.claims import HandlingView
from talkwire.core.commands.integration.webhooks import CreatedWebhook, PutWebhookResult
from talkwire.core.commands.invitations import CreatedInvitation
from talkwire.core.commands.members import AddedMembers
from talkwire.core.commands.messages import ThreadMark
from talkwire.core.commands.receipts import ReadMark
from talkwire.core.commands.streams.rating import MessageRating
from talkwire.core.domain.access import AccessFacts, history_for, may_see_offer, message_for_reader, must_be_visible
from talkwire.core.domain.errors import ChatError, forbidden
from talkwire.core.domain.model import Actor, HistoryStart, Member, Message, Offer, Restriction, SavedMessage
from talkwire.core.domain.moderation.reports import MessageReport

CODE_NOT_KEPT = (
    "This request has created an invitation already, whose code is shown only once. Delete that invitation and create "
    "another one under a new key."
)


class AnswerFacts(AccessFacts, Protocol):
    """An interface with the reads that are needed to adapt a stored result: messages, and the facts that decide who may
    see them. `Transaction` and `Snapshot` both provide it."""

    def message(self, message_id: int) -> Message | None: ...


SHOWN_ONCE = (
    "This request has created a webhook's secret already, which is shown only once. Rotate the secret under a new key."
)


def without_code(result: object) -> object:
    """Returns a copy of a command's result without the code of an invitation or the secret of a webhook, which must not
    be stored for retries. Other results are returned unchanged."""
    match result:
        case CreatedInvitation():
            return replace(result, code="")
        case CreatedWebhook():
            return replace(result, secret="")
        case PutWebhookResult():
            return replace(result, secret=None)
        case _:
            return result


def answer_now(facts: AnswerFacts, actor: Actor, result: object) -> object:
    """Returns the stored result of a command, with messages in their current state and without what the actor may not
    see.

    Raises `conflict` for a created invitation or webhook, whose code or secret was shown once and is not stored;
    `forbidden` or `banned` if the actor may no longer see the conversation, the message or the offer (proposed price).
    """
    return _Answer(facts, actor).now(result)


def _shown_once(result: CreatedInvitation | CreatedWebhook) -> ChatError:
    if isinstance(result, CreatedInvitation):
        return ChatError("conflict", CODE_NOT_KEPT, {"invitationId": result.invitation.id}, cause="not_shown_again")
    return ChatError("conflict", SHOWN_ONCE, {"webhookId": result.view.webhook.id}, cause="not_shown_again")


class _Answer:
    """Rebuilds one stored result of a command for an actor. Caches which part of each conversation the actor may see,
    because nearly all of a result is about one conversation."""

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
            case SavedMessage() | SeenCard():
                return replace(result, message=self._message(result.message))
            case ConversationView():
                return self._conversation(result)
            case Offer(conversation_id=conversation_id):
                if not may_see_offer(result.id, self._history(conversation_id)):
                    raise forbidden("hidden_history")
            case CreatedInvitation() | CreatedWebhook():
                raise _shown_once(result)
            case MemberView(member=member) | AddedMembers(members=(Member() as member, *_)):
                self._history(member.conversation_id)
            case (
                Member()
                | Restriction()
                | ReadMark()
                | ThreadMark()
                | MessageReport()
                | HandlingView()
                | MessageRating()
            ):
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
            raise forbidden("not_found")
        return must_be_visible(message, history)

    def _conversation(self, first: ConversationView) -> ConversationView:
        history = self._history(first.conversation.id)
        offer = first.last_offer
        if offer is not None and not may_see_offer(offer.id, history):
            first = replace(first, last_offer=None)
        if first.last_message is None:
            return first
        message = self._facts.message(first.last_message.id)
        return replace(first, last_message=None if message is None else message_for_reader(message, history))
