"""Makes the cards of new messages."""

from __future__ import annotations

from msgspec import UNSET

from talkwire.core.commands.cards.deciding import CARD
from talkwire.core.domain.cards.card import AskedCard, MessageCard
from talkwire.core.domain.cards.card_checks import expiry_of
from talkwire.core.domain.cards.card_digest import digest_of
from talkwire.core.domain.errors import forbidden, invalid
from talkwire.core.domain.model import Conversation, User, message_number
from talkwire.core.features.cards.ends import end_card, must_be_open
from talkwire.core.ports.stores import Question
from talkwire.core.ports.transaction import Transaction


def new_card(tx: Transaction, author: User, conversation: Conversation, asked: AskedCard) -> MessageCard:
    """Returns the card of a new message, and ends the one whose place it takes.

    Raises `invalid_request` for a card that ends in the past, or that needs more choices of an action than there are
    members who may choose now; `forbidden` if it is to take the place of a message that has no card of its author in
    this conversation, and `conflict` if that card has ended.
    """
    card = MessageCard(asked, digest_of(asked), expires_ms=expiry_of(asked, tx.now_ms))
    if isinstance(asked.decide, dict):
        needed = max(asked.decide.values())
        found = len(tx.cards.asked(Question(conversation.id, author.id, asked), now_ms=tx.now_ms, limit=needed))
        if found < needed:
            raise invalid("card.decide", f"must need at most {found} choices: so many may choose now")
    if asked.supersedes is not UNSET:
        _supersede(tx, author, conversation, asked.supersedes)
    return card


def expect_end(tx: Transaction, message_id: int, card: MessageCard) -> None:
    """Sets the timer of a new message's card."""
    if card.expires_ms is not None:
        tx.timers.set(CARD, str(message_id), card.expires_ms)


def _supersede(tx: Transaction, author: User, conversation: Conversation, message_id: str) -> None:
    number = message_number(message_id)
    former = None if number is None else tx.message(number)
    if former is None or former.conversation_id != conversation.id or former.sender_id != author.id:
        raise forbidden("not_found")
    end_card(tx, former, must_be_open(tx, former), "superseded")
