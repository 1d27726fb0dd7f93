"""The rules of deciding: who may choose an action of a card, and what a choice changes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from msgspec import UNSET
from msgspec.structs import replace

from talkwire.core.domain.access import is_muted
from talkwire.core.domain.cards.card import AskedCard, CardChoice, MessageCard
from talkwire.core.domain.model import Member, User


def admits(asked: AskedCard, author_id: str, user: User, member: Member, now_ms: int) -> bool:
    """Returns whether a member may choose: one whom the card asks, who is not muted now, nor banned."""
    return not (user.banned or is_muted(member, now_ms)) and is_asked(asked, author_id, user, member)


def is_asked(asked: AskedCard, author_id: str, user: User, member: Member) -> bool:
    """Returns whether a card asks a member. Without `who`, it asks all people, but its author only in a poll. It asks
    agents only if it names them."""
    who, is_author = asked.who, user.id == author_id
    if who is UNSET:
        return user.kind == "person" and (asked.is_poll or not is_author)
    if is_author and who.author is True:
        return True
    if user.kind == "agent":
        return who.agents is not UNSET and user.id in who.agents
    if who.users is not UNSET and user.id in who.users:
        return True
    return who.roles is not UNSET and member.role in who.roles and not is_author


def named_ids(asked: AskedCard) -> tuple[str, ...]:
    """Returns the users whom a card names as those who may choose."""
    return () if asked.who is UNSET or asked.who.users is UNSET else tuple(asked.who.users)


def card_at(card: MessageCard, now_ms: int) -> MessageCard:
    """Returns a card as of the time `now_ms`, in milliseconds since 1970: an open one whose time is over is expired,
    although its timer has not fired."""
    is_over = card.is_open and card.expires_ms is not None and card.expires_ms <= now_ms
    return replace(card, state="expired", ended_ms=card.expires_ms) if is_over else card


def with_choice(card: MessageCard, before: CardChoice | None, choice: CardChoice) -> MessageCard:
    """Returns a card with the counts after a user's choice, in place of an earlier one (`before`)."""
    counts = dict(card.counts)
    for action_id in () if before is None else before.action_ids:
        counts[action_id] -= 1
    for action_id in choice.action_ids:
        counts[action_id] = counts.get(action_id, 0) + 1
    in_order = {a.id: counts[a.id] for a in card.asked.actions if counts.get(a.id)}
    return replace(card, counts=in_order)


def without_user(card: MessageCard, user_id: str, action_ids: Collection[str]) -> MessageCard:
    """Returns a card without an erased user who has chosen these actions: while it is open, the choice counts no more;
    later it keeps counting, but the card names the user no more, and has no input of the user."""
    if not card.is_open:
        by = tuple(each for each in card.decided_by if each != user_id)
        is_last = card.decided_by[-1:] == (user_id,)  # of whom the input is
        return replace(card, decided_by=by, input=None if is_last else card.input)
    left = {id_: count - (id_ in action_ids) for id_, count in card.counts.items()}
    return replace(card, counts={id_: count for id_, count in left.items() if count})


def is_decisive(card: MessageCard, action_id: str) -> bool:
    """Returns whether the newest choice, of this action, decides the card. `card` has the counts with it."""
    decide = card.asked.decide
    if isinstance(decide, dict):
        return card.counts.get(action_id, 0) >= decide[action_id]
    return decide == "first"


def missing_for(card: MessageCard) -> int:
    """Returns how many more must choose at least until an action of a card with numbers of choices is decided."""
    quorums: Mapping[str, int] = card.asked.decide if isinstance(card.asked.decide, dict) else {}
    return min((needed - card.counts.get(id_, 0) for id_, needed in quorums.items()), default=0)


def decided(card: MessageCard, choices: Iterable[CardChoice], choice: CardChoice) -> MessageCard:
    """Returns a card that a choice has decided. `choices` are all choices of its action, this one included."""
    (action_id,) = choice.action_ids
    by = (*(each.user_id for each in choices if each.user_id != choice.user_id), choice.user_id)
    return replace(card, state="decided", action_id=action_id, input=choice.input, decided_by=by, ended_ms=choice.at_ms)
