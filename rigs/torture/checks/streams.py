"""Checks that each socket received exactly the log's events in the log's order, live and after recovery.

The events of one conversation that a socket received between two moments must be a contiguous part of that
conversation's events in the log: so nothing is missing, nothing is repeated, and all clients see the same order. The
ends of that part are bounded by what a client knows: it must contain what was sent after the conversation was open,
and, if the socket stayed connected, everything up to the end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rigs.torture.checks.cursors import conversation_of
from rigs.torture.checks.violation import Findings
from rigs.torture.history import About, History, Received, ReceivedKind, Stream, Window
from rigs.torture.tables import MESSAGE_ID_BASE, LogRow, Tables
from rigs.torture.words import DIALECTS, Words

ORDER = "all see the same order"
HOLES = "no event is missing from what a socket receives"
TWICE = "no event is received twice"
STRANGE = "no event is received that is not in the log"

KINDS: Mapping[str, ReceivedKind] = {
    "MessageSent": "sent",
    "MessageEdited": "edited",
    "MessageDeleted": "deleted",
    "MessageReacted": "reacted",
    "MessagesRead": "read",
    "MessagesDelivered": "delivered",
}


@dataclass(frozen=True)
class Expected:
    """An event of the log, in the terms of clients. `doer` is the user who caused it: some dialects do not send it to
    that user's sockets.
    """

    pos: int
    key: tuple[object, ...]
    kind: ReceivedKind
    doer: str
    since: float
    """When the command that made it was sent first; -1 where that is not known."""
    deleted: bool = False
    """Whether its message is a tombstone by now."""


def expected_of(row: LogRow, tables: Tables, began: Mapping[int, float]) -> Expected | None:
    kind = KINDS.get(row.type)
    if kind is None:
        return None
    data = row.data
    id_ = MESSAGE_ID_BASE + row.pos if kind == "sent" else row.message_id or data.get("message_id")
    assert id_ is not None
    if kind == "sent":
        message = tables.messages.get(id_)
        sender, deleted = ("", False) if message is None else (message.sender, message.deleted)
        return Expected(row.pos, (kind, id_), kind, sender, began.get(id_, -1.0), deleted)
    if kind == "reacted":
        about = (data["user_id"], data["emoji"], data["added"])
        return Expected(row.pos, (kind, id_, *about), kind, data["user_id"], -1.0)
    if kind in {"read", "delivered"}:
        return Expected(row.pos, (kind, id_, data["user_id"]), kind, data["user_id"], -1.0)
    return Expected(row.pos, (kind, id_), kind, "", -1.0)


@dataclass(frozen=True)
class Ends:
    """The messages sent at the very end: every client that is still connected must have received them. `markers` are
    the last of each conversation, `by_sender` all of them.
    """

    markers: dict[str, int]
    by_sender: dict[str, dict[str, int]]


def check_streams(history: History, tables: Tables, ends: Ends, stable: frozenset[str], findings: Findings) -> None:
    """`stable` are the conversations whose members do not change."""
    began = {c.message_id: c.began for c in history.commands if c.kind == "send" and c.message_id is not None}
    log: dict[str, list[Expected]] = {}
    for row in tables.log:
        expected = expected_of(row, tables, began)
        conversation = conversation_of(row, tables)
        if expected is not None and conversation is not None:
            log.setdefault(conversation, []).append(expected)
    _check_missed(history, log, ends, findings)
    for stream in history.streams:
        findings.count("socket sessions")
        # One error shows up in every check, so the rest is skipped after the first.
        if _check_offsets(stream, findings) and _check_order(stream, findings):
            for window in stream.windows:
                if window.conversation in stable and window.sure:
                    _check_window(stream, window, log.get(window.conversation, []), ends, findings)


def _check_missed(history: History, log: Mapping[str, Sequence[Expected]], ends: Ends, findings: Findings) -> None:
    """For dialects that send missed events to a new socket: checks that all sockets of a user together received
    everything.
    """
    by_client: dict[str, list[Stream]] = {}
    for stream in history.streams:
        if DIALECTS[stream.dialect].tells_missed:
            by_client.setdefault(stream.client, []).append(stream)
    for streams in by_client.values():
        last = streams[-1]
        if last.ended:
            continue
        received = {each.key for stream in streams for each in stream.received}
        for window in streams[0].windows:
            marker = ends.markers.get(window.conversation, 0) - MESSAGE_ID_BASE
            for expected in log.get(window.conversation, ()):
                if expected.deleted or not _is_expected(expected, last, DIALECTS[last.dialect]):
                    continue
                findings.count("messages received sooner or later")
                sent_meanwhile = window.opened is not None and expected.since > window.opened and expected.pos <= marker
                if sent_meanwhile and expected.key not in received:
                    sockets = f"{last.client}'s sockets ({last.user})"
                    says = f"none of {sockets} received {expected.key} in {window.conversation}"
                    findings.add(HOLES, says, _about(last, window, expected.since, expected))
                    return


def _check_offsets(stream: Stream, findings: Findings) -> bool:
    """Where there are offsets, they grow."""
    last = (0, -1)
    for received in stream.received:
        if received.pos is None:
            continue
        findings.count("offsets")
        place = (received.pos, -1 if received.counter is None else received.counter)
        if place <= last:
            broken = TWICE if place == last else ORDER
            findings.add(
                broken,
                f"{_who(stream)} received {place} after {last}",
                _around(stream, received, received.conversation),
            )
            return False
        last = place
    return True


def _check_order(stream: Stream, findings: Findings) -> bool:
    """Checks that messages arrive in log order across all conversations, and in order of their seq."""
    last_id = 0
    last_seq: dict[str, int] = {}
    for received in stream.received:
        if received.kind != "sent" or received.message_id is None:
            continue
        findings.count("messages received")
        seq = last_seq.get(received.conversation, 0)
        if received.message_id <= last_id or (received.seq is not None and received.seq <= seq):
            broken = TWICE if received.message_id == last_id else ORDER
            after = f"after {last_id} (seq {seq})"
            says = f"{_who(stream)} received message {received.message_id} (seq {received.seq}) {after}"
            findings.add(broken, says, _around(stream, received, received.conversation, last_id))
            return False
        last_id = received.message_id
        if received.seq is not None:
            last_seq[received.conversation] = received.seq
    return True


def _check_window(stream: Stream, window: Window, log: Sequence[Expected], ends: Ends, findings: Findings) -> None:
    words = DIALECTS[stream.dialect]
    events = [expected for expected in log if _is_expected(expected, stream, words)]
    received = [
        each
        for each in stream.received[window.first : window.end]
        if each.conversation == window.conversation and each.kind in words.tells
    ]
    if words.tells_missed:
        # Messages that were deleted meanwhile are not sent later, and their time is unknown.
        deleted = {expected.key for expected in events if expected.deleted}
        events = [expected for expected in events if expected.key not in deleted]
        received = [each for each in received if each.key not in deleted]
    findings.count("events received", len(received))
    fit = _best_fit(events, received)
    if fit.matched < len(received):
        _report_break(stream, window, fit, findings)
        return
    missed = _missed_before(fit, window) or _missed_behind(fit, stream, window, ends)
    if missed is not None:
        says = f"{_who(stream)} had {window.conversation} open and never received {missed.key} (position {missed.pos})"
        findings.add(HOLES, says, _about(stream, window, received[0].at if received else None, missed))


def _is_expected(expected: Expected, stream: Stream, words: Words) -> bool:
    return expected.kind in words.tells and not (expected.kind in words.tells_others and expected.doer == stream.user)


@dataclass(frozen=True)
class Fit:
    """Where a socket's received events begin in the log, and how many of them match."""

    events: Sequence[Expected]
    received: Sequence[Received]
    start: int = 0
    matched: int = 0


def _best_fit(events: Sequence[Expected], received: Sequence[Received]) -> Fit:
    best = Fit(events, received)
    if not received:
        return best
    for start, expected in enumerate(events):
        if not _is(expected, received[0]):
            continue
        matched = 0
        while (
            matched < len(received)
            and start + matched < len(events)
            and _is(events[start + matched], received[matched])
        ):
            matched += 1
        if matched > best.matched:
            best = Fit(events, received, start, matched)
        if matched == len(received):
            break
    return best


def _is(expected: Expected, received: Received) -> bool:
    return expected.key == received.key and received.pos in {None, expected.pos}


def _missed_before(fit: Fit, window: Window) -> Expected | None:
    """Returns the first event that was not received although its command was sent when the conversation was certainly
    open.
    """
    opened = window.opened
    if opened is None or not fit.received:
        return None
    return next((expected for expected in fit.events[: fit.start] if expected.since > opened), None)


def _missed_behind(fit: Fit, stream: Stream, window: Window, ends: Ends) -> Expected | None:
    """Returns the first event that was not received after the last received one, for a socket that stayed connected to
    the end.
    """
    opened, marker = window.opened, ends.markers.get(window.conversation)
    if stream.ended or window.closed is not None or opened is None or marker is None:
        return None
    if fit.received:
        behind = fit.events[fit.start + len(fit.received) :]
    else:
        behind = [expected for expected in fit.events if expected.since > opened]
    return next((expected for expected in behind if expected.pos <= marker - MESSAGE_ID_BASE), None)


def _report_break(stream: Stream, window: Window, fit: Fit, findings: Findings) -> None:
    """Reports the first received event that does not match the log."""
    events, received, matched = fit.events, fit.received, fit.matched
    wrong, next_index = received[matched], fit.start + matched
    expected = events[next_index] if next_index < len(events) else None
    known = any(_is(expected, wrong) for expected in events)
    if not known:
        broken = STRANGE
    elif any(each.key == wrong.key and each.pos == wrong.pos for each in received[:matched]):
        broken = TWICE
    elif any(_is(expected, wrong) for expected in events[next_index:]):
        broken = HOLES
    else:
        broken = ORDER
    says = f"{_who(stream)} received {wrong.key} in {window.conversation} where the log has "
    says += "nothing more" if expected is None else f"{expected.key} at {expected.pos}"
    findings.add(broken, says, _about(stream, window, wrong.at, expected, wrong))


def _about(stream: Stream, window: Window, at: float | None, *what: Expected | Received | None) -> About:
    ids = {each.key[1] for each in what if each is not None}
    moment = at if at is not None else window.opened
    return About(
        messages=frozenset(id_ for id_ in ids if isinstance(id_, int)),
        streams=frozenset({stream.number}),
        conversation=window.conversation,
        since=None if moment is None else moment - 3,
        until=None if moment is None else moment + 1,
    )


def _around(stream: Stream, received: Received, conversation: str, *ids: int) -> About:
    messages = {id_ for id_ in (received.message_id, *ids) if id_}
    return About(
        frozenset(messages), frozenset(), frozenset({stream.number}), conversation, received.at - 3, received.at + 1
    )


def _who(stream: Stream) -> str:
    return f"{stream.client} ({stream.user}, {stream.dialect}, socket session {stream.number})"
