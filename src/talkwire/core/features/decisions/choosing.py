"""Choosing actions of cards. The writer decides in its transaction, so of all who press at once one decides.

A choice of a card that is no poll is final. When a choice decides, the event of the decision, the audit log's entry and
the choice are stored together.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from msgspec import UNSET
from msgspec.structs import replace

from talkwire.core.commands.cards.deciding import ActOnCard, SeenCard
from talkwire.core.domain.access import acting_as, blocked, is_muted, muted
from talkwire.core.domain.cards.card import (
    ACTION_ID_MAX_LENGTH,
    CARD_ACTIONS_MAX,
    CHOICE_COMMENT_MAX_LENGTH,
    CardAction,
    CardChoice,
    MessageCard,
)
from talkwire.core.domain.cards.card_inputs import check_filled_in
from talkwire.core.domain.cards.deciding import card_at, decided, is_asked, is_decisive, missing_for, with_choice
from talkwire.core.domain.errors import ChatError, invalid
from talkwire.core.domain.events import CardActed
from talkwire.core.domain.model import Actor, Message
from talkwire.core.domain.moderation.audit import Act
from talkwire.core.domain.texts import check_id, check_short_text
from talkwire.core.features.cards.ends import card_of, end_card, has_ended, record_end, seen_card
from talkwire.core.features.messages.messages import Participation, need_message, visible_message
from talkwire.core.features.notifying.notifications import read_decisions
from talkwire.core.ports.handler import ChangeHandler, Changes
from talkwire.core.ports.stores import Question
from talkwire.core.ports.transaction import Prefetch, Transaction


def needs_of_act(actor: Actor, command: ActOnCard, needs: Prefetch) -> None:
    need_message(needs, command.message_id)


def check_act(command: ActOnCard) -> None:
    if len(command.action_ids) > CARD_ACTIONS_MAX:
        raise invalid("actionIds", f"must have at most {CARD_ACTIONS_MAX} items")
    for index, id_ in enumerate(command.action_ids):
        check_short_text(f"actionIds[{index}]", id_, ACTION_ID_MAX_LENGTH)
    if len(set(command.action_ids)) < len(command.action_ids):
        raise invalid("actionIds", "must not name an action twice")
    if command.comment is not None:
        check_short_text("comment", command.comment, CHOICE_COMMENT_MAX_LENGTH)
    if command.sender_id is not None:
        check_id("senderId", command.sender_id)


def act_on_card(tx: Transaction, actor: Actor, command: ActOnCard) -> SeenCard:
    """Stores what a user chooses of a card, decides the card if that is enough, and returns it."""
    user_id = acting_as(actor, command.sender_id)
    message, part = visible_message(tx, user_id, command.message_id)
    card = card_at(card_of(message), tx.now_ms)
    before = tx.cards.choice(message.id, user_id)
    choice = CardChoice(user_id, _checked_actions(card, command), tx.now_ms, command.input, command.comment)
    if before is not None and _is_same(before, choice):
        return seen_card(tx, message, before)
    if not card.is_open:
        raise has_ended(card)
    _must_be_asked(tx, message, card, part)
    if before is not None and not card.asked.is_poll:
        details = {"actionIds": list(before.action_ids)}
        raise ChatError(
            "conflict", "You have chosen already, and this choice is final.", details, cause="retry_differs"
        )
    if before is None and not choice.action_ids:
        return seen_card(tx, message, None)
    return _choose(tx, actor, message, before, choice)


def _is_same(before: CardChoice, choice: CardChoice) -> bool:
    return {*before.action_ids} == {*choice.action_ids} and (before.input or {}) == (choice.input or {})


def _checked_actions(card: MessageCard, command: ActOnCard) -> tuple[str, ...]:
    """Returns the ids of the chosen actions, in the card's order. Raises `invalid_request` for actions that cannot be
    chosen, too many of them, and an input that does not fill in the form."""
    asked, given = card.asked, command.action_ids
    choosable = {action.id: action for action in asked.choosable}
    for index, id_ in enumerate(given):
        if id_ not in choosable:
            raise invalid(f"actionIds[{index}]", f"must be an action that can be chosen: {', '.join(choosable)}")
    if not asked.is_poll and len(given) != 1:
        raise invalid("actionIds", "must name exactly one action")
    if len(given) > asked.max_choices:
        raise invalid("actionIds", f"must name at most {asked.max_choices} actions")
    _check_input([choosable[id_] for id_ in given], command)
    return tuple(id_ for id_ in choosable if id_ in given)


def _check_input(actions: Sequence[CardAction], command: ActOnCard) -> None:
    form = actions[0].input.form if actions and actions[0].input is not UNSET else None
    if form is not None:
        check_filled_in("input", form, command.input or {})
    elif command.input is not None:
        raise invalid("input", "is not possible: the action asks for none")


def _must_be_asked(tx: Transaction, message: Message, card: MessageCard, part: Participation) -> None:
    """Raises `forbidden` for a member whom the card does not ask, and `blocked` or `muted` for one who may not write
    now."""
    if not is_asked(card.asked, message.sender_id, part.user, part.member):
        raise ChatError("forbidden", "This card does not ask you.", cause="not_asked")
    if part.conversation.blocked:
        raise blocked()
    if is_muted(part.member, tx.now_ms):
        raise muted(part.member)


def _choose(tx: Transaction, actor: Actor, message: Message, before: CardChoice | None, choice: CardChoice) -> SeenCard:
    assert message.card is not None, "the caller has checked it"
    card = with_choice(message.card, before, choice)
    message = replace(message, card=card)
    hidden = card.asked.hides_names
    tx.record(CardActed(tx.next_pos(), tx.now_ms, message, choice.user_id, choice.action_ids, hidden))
    tx.cards.put_choice(message.id, choice)
    if card.asked.is_poll:
        return seen_card(tx, message, choice if choice.action_ids else None)
    read_decisions(tx, message, (choice.user_id,))
    if is_decisive(card, choice.action_ids[0]):
        chosen = [each for each in tx.cards.choices(message.id) if each.action_ids == choice.action_ids]
        message = record_end(tx, message, decided(card, chosen, choice))
        act = Act("card-decide", str(message.id), message.conversation_id, digest=card.digest)
        tx.audit.add(actor, (act,), tx.now_ms)
    elif not _is_reachable(tx, message, card):
        message = end_card(tx, message, card, "unreachable")
    return seen_card(tx, message, choice)


def _is_reachable(tx: Transaction, message: Message, card: MessageCard) -> bool:
    """Returns whether enough members who may choose now have not chosen yet, so that an action can still be decided."""
    missing = missing_for(card)
    question = Question(message.conversation_id, message.sender_id, card.asked)
    left = tx.cards.asked(question, now_ms=tx.now_ms, limit=missing, not_yet=message.id)
    return len(left) >= missing


CHANGES: Changes = MappingProxyType({ActOnCard: ChangeHandler(act_on_card, check_act, needs_of_act)})
