"""Recovery of a session after a broken connection: its stored state, and the events it has missed.

Nearly all of a session's state is in its recovery token (`pid`), which the client sends. The database stores only what
changes later: rooms (conversations) opened or closed explicitly, a move to another node, and a deliberate end.
"""

from __future__ import annotations

from types import MappingProxyType

from talkwire.core.commands.server.recovery import (
    CountMissed,
    EndSession,
    EnsureSecret,
    FindSession,
    KeepSessionRoom,
    ListMissed,
    MissedEvents,
    MoveSession,
    RefreshSessions,
    StoredSession,
)
from talkwire.core.domain.access import must_be_operator
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import Actor
from talkwire.core.domain.pages import PAGE_MAX
from talkwire.core.features.catching_up.sync import first_page, missed_by, seen_by
from talkwire.core.ports.handler import ChangeHandler, Changes, NodeCommandHandlers, Queries
from talkwire.core.ports.transaction import LeaseTransaction, Snapshot, Transaction


def ensure_secret(tx: Transaction, actor: Actor, command: EnsureSecret) -> str:
    must_be_operator(actor)
    return tx.sessions.ensure_secret(command.name, command.value)


def keep_session_room(tx: LeaseTransaction, actor: Actor, command: KeepSessionRoom) -> None:
    must_be_operator(actor)
    tx.sessions.put_room(command.socket_id, command.conversation_id, command.opened, tx.now_ms)


def move_session(tx: LeaseTransaction, actor: Actor, command: MoveSession) -> None:
    must_be_operator(actor)
    tx.sessions.put(command.socket_id, command.node_id, None, tx.now_ms)


def end_session(tx: LeaseTransaction, actor: Actor, command: EndSession) -> None:
    must_be_operator(actor)
    tx.sessions.put(command.socket_id, command.node_id, tx.now_ms, tx.now_ms)


def refresh_sessions(tx: LeaseTransaction, actor: Actor, command: RefreshSessions) -> None:
    must_be_operator(actor)
    tx.sessions.refresh(command.socket_ids, tx.now_ms)
    tx.sessions.prune(tx.now_ms - command.keep_ms)


def find_session(snapshot: Snapshot, actor: Actor, query: FindSession) -> StoredSession:
    must_be_operator(actor)
    return snapshot.sessions.find(query.socket_id, query.node_id, snapshot.now_ms)


def count_missed(snapshot: Snapshot, actor: Actor, query: CountMissed) -> bool:
    if query.after < snapshot.sync.floor():
        return False
    return snapshot.sync.count_events_of(actor.user_id, query.after, query.most + 1) <= query.most


def list_missed(snapshot: Snapshot, actor: Actor, query: ListMissed) -> MissedEvents:
    """Returns a page of the events that concern the actor after the position `query.after` of the log up to
    `query.until`, and the position that the page reaches. Raises `cursor_expired` if the log no longer has all of these
    events."""
    if query.after < snapshot.sync.floor():
        raise ChatError("cursor_expired", "The events since this cursor are no longer stored. Reload everything.")
    found = missed_by(snapshot, actor.user_id, query.after, PAGE_MAX + 1, query.members_max)
    page, more = first_page([each for each in found if each[0].pos <= query.until], PAGE_MAX)
    pos = page[-1][0].pos if more else query.until
    events = snapshot.sync.with_covered_messages(list(seen_by(snapshot, actor.user_id, page)))
    return MissedEvents(tuple(events), pos)


CHANGES: Changes = MappingProxyType({EnsureSecret: ChangeHandler(ensure_secret)})

NODE_COMMANDS: NodeCommandHandlers = MappingProxyType(
    {
        KeepSessionRoom: keep_session_room,
        MoveSession: move_session,
        EndSession: end_session,
        RefreshSessions: refresh_sessions,
    }
)

QUERIES: Queries = MappingProxyType({FindSession: find_session, CountMissed: count_missed, ListMissed: list_missed})
