"""Makes the cards of new messages."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET
from msgspec.structs import replace

from talkwire.core.commands.cards.deciding import CARD_NOTIFIED_MAX, CARD_TIMER
from talkwire.core.domain.cards.card import AskedCard, MessageCard
from talkwire.core.domain.cards.card_checks import expiry_of
from talkwire.core.domain.cards.card_digest import digest_of
from talkwire.core.domain.cards.deciding import named_ids
from talkwire.core.domain.errors import forbidden, invalid
from talkwire.core.domain.model import Conversation, Message, User, message_number
from talkwire.core.domain.nodes.peer import AGENTS_KNOWN, not_known_to_all
from talkwire.core.features.cards.ends import end_card, must_be_open, reminder_ms
from talkwire.core.ports.stores import Question
from talkwire.core.ports.transaction import Transaction


def new_card(tx: Transaction, author: User, conversation: Conversation, asked: AskedCard) -> MessageCard:
    """Returns the card of a new message, and ends the one whose place it takes.

    Raises `invalid_request` for a card that ends in the past, or that needs more choices of an action than there are
    members who may choose now; `forbidden` if it is to take the place of a message that has no card of its author in
    this conversation, and `conflict` if that card has ended; and `unavailable` while a node of an older version runs.
    """
    if tx.has_nodes_before(AGENTS_KNOWN):
        raise not_known_to_all("cards")
    card = MessageCard(asked, digest_of(asked), expires_ms=expiry_of(asked, tx.now_ms))
    if not asked.is_poll:
        needed = max(asked.decide.values()) if isinstance(asked.decide, dict) else 0
        limit = max(needed, CARD_NOTIFIED_MAX + 1)
        found = tx.cards.asked(Question(conversation.id, author.id, asked), now_ms=tx.now_ms, limit=limit)
        if len(found) < needed:
            raise invalid("card.decide", f"must need at most {len(found)} choices: so many may choose now")
        card = replace(card, notified_ids=_notified_ids(asked, found))
    if asked.supersedes is not UNSET:
        _supersede(tx, author, conversation, asked.supersedes)
    return card


def _notified_ids(asked: AskedCard, found: Sequence[str]) -> tuple[str, ...]:
    """Returns the users who are notified of a new card: those whom it names, else all who may choose (`found`), unless
    they are too many."""
    return named_ids(asked) or (tuple(sorted(found)) if len(found) <= CARD_NOTIFIED_MAX else ())


def expect_end(tx: Transaction, message: Message, card: MessageCard) -> None:
    """Sets the timer of a new message's card: for the reminder, or else for the end."""
    if card.expires_ms is not None:
        tx.timers.set(CARD_TIMER, str(message.id), reminder_ms(message, card) or card.expires_ms)


def _supersede(tx: Transaction, author: User, conversation: Conversation, message_id: str) -> None:
    number = message_number(message_id)
    former = None if number is None else tx.message(number)
    if former is None or former.conversation_id != conversation.id or former.sender_id != author.id:
        raise forbidden("not_found")
    end_card(tx, former, must_be_open(tx, former), "superseded")
