"""Commands with which readers decide about cards, and authors end them."""

from __future__ import annotations

from typing import Annotated

import msgspec

from talkwire.core.commands.command import Change, Query
from talkwire.core.commands.meanings import a_text
from talkwire.core.domain.cards.card import CHOICE_COMMENT_MAX_LENGTH, CardChoice, InputValue
from talkwire.core.domain.model import Message

CARD_TIMER = "card"
"""Kind of the timers that fire when users are reminded of a card, and when it ends by itself. The key is the message's
id."""

CARD_NOTIFIED_MAX = 100
"""Most users who may choose and are notified of a card that does not name its users. If there are more, none of them
are."""

CHOICES_SHOWN_MAX = 100
"""Most choices of a card that a reader sees."""

OPEN_CARDS_MAX = 1000
"""Most open cards that are searched, the newest first, for those that wait for a user."""

ChoiceComment = Annotated[str, a_text("Why, in the user's words.", longest=CHOICE_COMMENT_MAX_LENGTH, shortest=1)]


class SeenCard(msgspec.Struct, frozen=True):
    """A message with a card, and what the reader has chosen of it (`mine`); None if nothing. `choices` are the first
    `CHOICES_SHOWN_MAX` of all choices that the reader may see."""

    message: Message
    mine: CardChoice | None
    choices: tuple[CardChoice, ...] = ()


class WaitingCards(msgspec.Struct, frozen=True):
    """Messages with open cards that wait for the reader's choice, the newest first, and how many there are, at most
    `OPEN_CARDS_MAX`."""

    messages: tuple[Message, ...]
    count: int


class CardReceipt(msgspec.Struct, frozen=True):
    """A message whose card's decision has ended, and the choices that decided it, as far as names are shown."""

    message: Message
    by: tuple[CardChoice, ...]


class ActOnCard(Change[SeenCard], frozen=True, tag="ActOnCard"):
    """Chooses actions of a card. In a poll, they replace the user's earlier choice, and an empty list takes it back. Of
    other cards a user chooses one action, once; the same again changes nothing.

    Raises `invalid_request` for actions that cannot be chosen and for an `input` that does not fill in the action's
    form, `forbidden` for users whom the card does not ask, and `conflict` for another choice, and after the end.
    """

    message_id: str
    action_ids: tuple[str, ...]
    input: dict[str, InputValue] | None = None
    comment: ChoiceComment | None = None
    sender_id: str | None = None


class CloseCard(Change[SeenCard], frozen=True, tag="CloseCard"):
    """Closes a poll, for its author and the conversation's moderators. The same again changes nothing. Raises
    `conflict` after another end."""

    message_id: str


class CancelCard(Change[SeenCard], frozen=True, tag="CancelCard"):
    """Cancels a card, for its author, the owner of an agent that wrote it, and the backend. The same again changes
    nothing. Raises `conflict` after another end."""

    message_id: str


class GetCard(Query[SeenCard], frozen=True, tag="GetCard"):
    message_id: str


class ListWaitingCards(Query[WaitingCards], frozen=True, tag="ListWaitingCards"):
    """Lists at most `limit` open cards that wait for the actor's choice; without polls."""

    limit: int = 50


class GetReceipt(Query[CardReceipt], frozen=True, tag="GetReceipt"):
    """Returns what a receipt states of a decision. Raises `conflict` while the card is open."""

    message_id: str
