"""Fires timers: ends offers, bans, mutes and the leases of streams at their time.

A timer fires in the writer: its effect and its removal are one transaction, so it fires once on any number of nodes.
The transaction's time decides whether it is due, which is the database's.

A new kind of timer is a row in `KINDS`. A command sets a timer of its kind with `tx.timers.set`; the tables of offers,
users and restrictions set theirs when they store an event. Something that is renewed often, such as a lease, need not
move its timer: when the timer fires, the function of its kind returns the new time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

from talkwire.core.commands.agents.turns import TURN_ALERT_TIMER, TURN_TIMER
from talkwire.core.commands.cards.deciding import CARD_TIMER
from talkwire.core.commands.server.timers import (
    BAN_TIMER,
    CONVERSATION_BAN_TIMER,
    MUTE_TIMER,
    OFFER_TIMER,
    AddMissingTimers,
    FindTimer,
    FiredTimers,
    FireTimers,
    NextTimer,
    PostponeTimer,
)
from talkwire.core.commands.streams.storing import STREAM_TIMER
from talkwire.core.domain.access import must_be_operator
from talkwire.core.domain.model import Actor
from talkwire.core.features.agents.turns import look_at_alert, look_at_turn
from talkwire.core.features.cards.ends import look_at_card
from talkwire.core.features.conversations.moderation import end_restriction
from talkwire.core.features.messages.offers import expire_offer
from talkwire.core.features.streams.leases import ASKING_MS, is_to_be_asked_about, look_at_lease
from talkwire.core.features.users.users import end_ban
from talkwire.core.ports.handler import ChangeHandler, Changes, Queries
from talkwire.core.ports.transaction import Snapshot, Transaction

Fire = Callable[[Transaction, str], "int | None"]
"""Function that does what a timer with this key is for, if the time has come by the row that it is about. Returns when
the timer is to fire again, in milliseconds since 1970, or None if it is done with."""

KINDS: Mapping[str, Fire] = MappingProxyType(
    {
        OFFER_TIMER: expire_offer,
        BAN_TIMER: end_ban,
        CONVERSATION_BAN_TIMER: partial(end_restriction, kind="ban"),
        MUTE_TIMER: partial(end_restriction, kind="mute"),
        STREAM_TIMER: look_at_lease,
        CARD_TIMER: look_at_card,
        TURN_TIMER: look_at_turn,
        TURN_ALERT_TIMER: look_at_alert,
    }
)


def fire_timers(tx: Transaction, actor: Actor, command: FireTimers) -> FiredTimers:
    """Fires timers that are due. Does nothing if others are due than the node has found, since another node then fires
    them. If the application is to be asked about streams, those that end with a text only are returned."""
    must_be_operator(actor)
    due = tx.timers.due(KINDS, tx.now_ms, command.limit)
    if not due or due[0] != command.first:
        return FiredTimers(is_own=False)
    late_ms, asked = [], []
    for timer in due:
        if command.is_asked and timer.kind == STREAM_TIMER and is_to_be_asked_about(tx, timer.key):
            asked.append(int(timer.key))
            tx.timers.set(timer.kind, timer.key, tx.now_ms + ASKING_MS)
            continue
        again_ms = KINDS[timer.kind](tx, timer.key)
        tx.timers.set(timer.kind, timer.key, again_ms)
        if again_ms is None:
            late_ms.append(tx.now_ms - timer.due_ms)
    return FiredTimers(tuple(late_ms), asked=tuple(asked))


def postpone_timer(tx: Transaction, actor: Actor, command: PostponeTimer) -> None:
    must_be_operator(actor)
    if tx.timers.due((command.timer.kind,), tx.now_ms, 1) == [command.timer]:
        tx.timers.set(command.timer.kind, command.timer.key, tx.now_ms + command.wait_ms)


def add_missing_timers(tx: Transaction, actor: Actor, command: AddMissingTimers) -> None:
    must_be_operator(actor)
    tx.timers.add_missing()


def find_timer(snapshot: Snapshot, actor: Actor, query: FindTimer) -> NextTimer | None:
    must_be_operator(actor)
    timer = snapshot.timers.first(KINDS)
    return None if timer is None else NextTimer(timer, timer.due_ms - snapshot.now_ms)


CHANGES: Changes = MappingProxyType(
    {
        FireTimers: ChangeHandler(fire_timers),
        PostponeTimer: ChangeHandler(postpone_timer),
        AddMissingTimers: ChangeHandler(add_missing_timers),
    }
)

QUERIES: Queries = MappingProxyType({FindTimer: find_timer})
