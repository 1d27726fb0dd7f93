"""Checks a card that an author sends. Errors name the invalid member, such as `card.actions[1].label`."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import UNSET

from talkwire.core.domain.cards.card import (
    ACTION_ID_MAX_LENGTH,
    CARD_ACTIONS_MAX,
    CARD_FIELD_VALUE_MAX_LENGTH,
    CARD_FIELDS_MAX,
    CARD_LABEL_MAX_LENGTH,
    CARD_MAX_BYTES,
    CARD_SUBJECT_MAX_BYTES,
    CARD_TEXT_MAX_LENGTH,
    CARD_TITLE_MAX_LENGTH,
    CHOICES_NEEDED_MAX,
    NAMED_USERS_MAX,
    AskedCard,
    CardAction,
    CardWho,
)
from talkwire.core.domain.cards.card_inputs import check_form
from talkwire.core.domain.errors import ChatError, invalid
from talkwire.core.domain.model import message_number
from talkwire.core.domain.texts import check_id, check_line, check_name, check_short_text, check_url, json_fits
from talkwire.core.domain.times import ms_of

CARD_LIFETIME_MAX_MS = 366 * 24 * 60 * 60 * 1000
"""Longest time until a card ends, in milliseconds: a year, of 366 days."""

_encode = msgspec.json.Encoder().encode
_OF_POLLS = ("max", "results", "names")


def check_card(card: AskedCard) -> None:
    """Raises `invalid_request` for an invalid card, and `payload_too_large` for one that is too large."""
    check_line("card.title", card.title, CARD_TITLE_MAX_LENGTH)
    if card.text is not UNSET:
        check_short_text("card.text", card.text, CARD_TEXT_MAX_LENGTH)
    _check_fields(card)
    _check_actions(card.actions)
    _check_decide(card)
    if card.who is not UNSET:
        _check_who(card.who)
    if card.expires_at is not UNSET:
        ms_of("card.expiresAt", card.expires_at)
    if card.supersedes is not UNSET and message_number(card.supersedes) is None:
        raise invalid("card.supersedes", "must be the id of a message")
    if card.subject is not UNSET and not json_fits("card.subject", card.subject, CARD_SUBJECT_MAX_BYTES):
        raise ChatError("payload_too_large", f"card.subject: at most {CARD_SUBJECT_MAX_BYTES} bytes")
    if len(_encode(card)) > CARD_MAX_BYTES:
        raise ChatError("payload_too_large", f"card: at most {CARD_MAX_BYTES} bytes")


def expiry_of(card: AskedCard, now_ms: int) -> int | None:
    """Returns when a new card ends by itself, in milliseconds since 1970; None if it does not. Raises `invalid_request`
    for a time that is not between now and a year from now."""
    if card.expires_at is UNSET:
        return None
    expires_ms = ms_of("card.expiresAt", card.expires_at)
    if not now_ms < expires_ms <= now_ms + CARD_LIFETIME_MAX_MS:
        raise invalid("card.expiresAt", "must be in the future, at most a year from now")
    return expires_ms


def _check_fields(card: AskedCard) -> None:
    if card.fields is UNSET:
        return
    if len(card.fields) > CARD_FIELDS_MAX:
        raise invalid("card.fields", f"must have at most {CARD_FIELDS_MAX} items")
    for index, field in enumerate(card.fields):
        check_line(f"card.fields[{index}].label", field.label, CARD_LABEL_MAX_LENGTH)
        check_name(f"card.fields[{index}].value", field.value, CARD_FIELD_VALUE_MAX_LENGTH)


def _check_actions(actions: Sequence[CardAction]) -> None:
    if not 1 <= len(actions) <= CARD_ACTIONS_MAX:
        raise invalid("card.actions", f"must have 1 to {CARD_ACTIONS_MAX} items")
    for index, action in enumerate(actions):
        path = f"card.actions[{index}]"
        check_short_text(f"{path}.id", action.id, ACTION_ID_MAX_LENGTH)
        check_line(f"{path}.label", action.label, CARD_LABEL_MAX_LENGTH)
        if action.url is not UNSET:
            check_url(f"{path}.url", action.url)
        if action.input is not UNSET:
            if action.url is not UNSET:
                raise invalid(f"{path}.input", "is not possible for an action with a url, which is no choice")
            check_form(f"{path}.input", action.input)
    if len({action.id for action in actions}) < len(actions):
        raise invalid("card.actions", "must have actions with different ids")


def _check_decide(card: AskedCard) -> None:
    choosable = {action.id for action in card.actions if action.url is UNSET}
    if not choosable:
        raise invalid("card.actions", "must have an action that can be chosen: one without a url")
    if not card.is_poll:
        for name in _OF_POLLS:
            if getattr(card, name) is not UNSET:
                raise invalid(f"card.{name}", "is possible for polls only")
    elif card.max is not UNSET and not 1 <= card.max <= len(choosable):
        raise invalid("card.max", f"must be between 1 and {len(choosable)}, the number of actions")
    if card.is_poll and any(action.input is not UNSET for action in card.actions):
        raise invalid("card.actions", "must not have an input in a poll")
    if isinstance(card.decide, dict):
        _check_quorums(card.decide, choosable)


def _check_quorums(quorums: dict[str, int], choosable: set[str]) -> None:
    if not quorums:
        raise invalid("card.decide", "must name an action")
    if quorums.keys() - choosable:
        raise invalid("card.decide", "must name actions of the card that can be chosen")
    for action_id, needed in quorums.items():
        if not 1 <= needed <= CHOICES_NEEDED_MAX:
            raise invalid(f"card.decide.{action_id}", f"must be between 1 and {CHOICES_NEEDED_MAX}")


def _check_who(who: CardWho) -> None:
    for name, ids in (("users", who.users), ("agents", who.agents)):
        if ids is not UNSET:
            if not 1 <= len(ids) <= NAMED_USERS_MAX:
                raise invalid(f"card.who.{name}", f"must have 1 to {NAMED_USERS_MAX} items")
            for index, id_ in enumerate(ids):
                check_id(f"card.who.{name}[{index}]", id_)
    if who.roles is not UNSET and not who.roles:
        raise invalid("card.who.roles", "must name a role")
    if who.users is UNSET and who.roles is UNSET and who.agents is UNSET and who.author is not True:
        raise invalid("card.who", "must admit somebody: name users, roles or agents, or set author to true")
