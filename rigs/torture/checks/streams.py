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
from rigs.torture.history import About, Heard, HeardKind, History, Stream, Window
from rigs.torture.tables import MESSAGE_ID_BASE, LogRow, Tables
from rigs.torture.words import DIALECTS, Words

ORDER = "all see the same order"
HOLES = "no event is missing from what a socket receives"
TWICE = "no event is received twice"
STRANGE = "no event is received that is not in the log"

KINDS: Mapping[str, HeardKind] = {
    "MessageSent": "sent",
    "MessageEdited": "edited",
    "MessageDeleted": "deleted",
    "MessageReacted": "reacted",
    "MessagesRead": "read",
    "MessagesDelivered": "delivered",
}


@dataclass(frozen=True)
class Told:
    """An event of the log, in the terms of clients. `doer` is the user who caused it: some dialects do not send it to
    that user's sockets.
    """

    pos: int
    key: tuple[object, ...]
    kind: HeardKind
    doer: str
    since: float
    """When the command that made it was sent first; -1 where that is not known."""
    deleted: bool = False
    """Whether its message is a tombstone by now."""


def told_of(row: LogRow, tables: Tables, began: Mapping[int, float]) -> Told | None:
    kind = KINDS.get(row.type)
    if kind is None:
        return None
    data = row.data
    id_ = MESSAGE_ID_BASE + row.pos if kind == "sent" else row.message_id or data.get("message_id")
    assert id_ is not None
    if kind == "sent":
        message = tables.messages.get(id_)
        sender, deleted = ("", False) if message is None else (message.sender, message.deleted)
        return Told(row.pos, (kind, id_), kind, sender, began.get(id_, -1.0), deleted)
    if kind == "reacted":
        about = (data["user_id"], data["emoji"], data["added"])
        return Told(row.pos, (kind, id_, *about), kind, data["user_id"], -1.0)
    if kind in {"read", "delivered"}:
        return Told(row.pos, (kind, id_, data["user_id"]), kind, data["user_id"], -1.0)
    return Told(row.pos, (kind, id_), kind, "", -1.0)


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
    log: dict[str, list[Told]] = {}
    for row in tables.log:
        told = told_of(row, tables, began)
        conversation = conversation_of(row, tables)
        if told is not None and conversation is not None:
            log.setdefault(conversation, []).append(told)
    _check_missed(history, log, ends, findings)
    for stream in history.streams:
        findings.count("socket sessions")
        # One error shows up in every check, so the rest is skipped after the first.
        if _check_offsets(stream, findings) and _check_order(stream, findings):
            for window in stream.windows:
                if window.conversation in stable and window.sure:
                    _check_window(stream, window, log.get(window.conversation, []), ends, findings)


def _check_missed(history: History, log: Mapping[str, Sequence[Told]], ends: Ends, findings: Findings) -> None:
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
        heard = {each.key for stream in streams for each in stream.heard}
        for window in streams[0].windows:
            marker = ends.markers.get(window.conversation, 0) - MESSAGE_ID_BASE
            for told in log.get(window.conversation, ()):
                if told.deleted or not _is_told(told, last, DIALECTS[last.dialect]):
                    continue
                findings.count("messages told sooner or later")
                sent_meanwhile = window.opened is not None and told.since > window.opened and told.pos <= marker
                if sent_meanwhile and told.key not in heard:
                    says = f"none of {last.client}'s sockets ({last.user}) received {told.key} in {window.conversation}"
                    findings.add(HOLES, says, _about(last, window, told.since, told))
                    return


def _check_offsets(stream: Stream, findings: Findings) -> bool:
    """Where there are offsets, they grow."""
    last = (0, -1)
    for heard in stream.heard:
        if heard.pos is None:
            continue
        findings.count("offsets")
        place = (heard.pos, -1 if heard.counter is None else heard.counter)
        if place <= last:
            broken = TWICE if place == last else ORDER
            findings.add(
                broken, f"{_who(stream)} received {place} after {last}", _around(stream, heard, heard.conversation)
            )
            return False
        last = place
    return True


def _check_order(stream: Stream, findings: Findings) -> bool:
    """Checks that messages arrive in log order across all conversations, and in order of their seq."""
    last_id = 0
    last_seq: dict[str, int] = {}
    for heard in stream.heard:
        if heard.kind != "sent" or heard.message_id is None:
            continue
        findings.count("messages told")
        seq = last_seq.get(heard.conversation, 0)
        if heard.message_id <= last_id or (heard.seq is not None and heard.seq <= seq):
            broken = TWICE if heard.message_id == last_id else ORDER
            says = f"{_who(stream)} received message {heard.message_id} (seq {heard.seq}) after {last_id} (seq {seq})"
            findings.add(broken, says, _around(stream, heard, heard.conversation, last_id))
            return False
        last_id = heard.message_id
        if heard.seq is not None:
            last_seq[heard.conversation] = heard.seq
    return True


def _check_window(stream: Stream, window: Window, log: Sequence[Told], ends: Ends, findings: Findings) -> None:
    words = DIALECTS[stream.dialect]
    events = [told for told in log if _is_told(told, stream, words)]
    heard = [
        each
        for each in stream.heard[window.first : window.end]
        if each.conversation == window.conversation and each.kind in words.tells
    ]
    if words.tells_missed:
        # Messages that were deleted meanwhile are not sent later, and their time is unknown.
        deleted = {told.key for told in events if told.deleted}
        events = [told for told in events if told.key not in deleted]
        heard = [each for each in heard if each.key not in deleted]
    findings.count("events told", len(heard))
    fit = _best_fit(events, heard)
    if fit.matched < len(heard):
        _report_break(stream, window, fit, findings)
        return
    missed = _missed_before(fit, window) or _missed_behind(fit, stream, window, ends)
    if missed is not None:
        says = f"{_who(stream)} had {window.conversation} open and was never told {missed.key} (position {missed.pos})"
        findings.add(HOLES, says, _about(stream, window, heard[0].at if heard else None, missed))


def _is_told(told: Told, stream: Stream, words: Words) -> bool:
    return told.kind in words.tells and not (told.kind in words.tells_others and told.doer == stream.user)


@dataclass(frozen=True)
class Fit:
    """Where a socket's received events begin in the log, and how many of them match."""

    events: Sequence[Told]
    heard: Sequence[Heard]
    start: int = 0
    matched: int = 0


def _best_fit(events: Sequence[Told], heard: Sequence[Heard]) -> Fit:
    best = Fit(events, heard)
    if not heard:
        return best
    for start, told in enumerate(events):
        if not _is(told, heard[0]):
            continue
        matched = 0
        while matched < len(heard) and start + matched < len(events) and _is(events[start + matched], heard[matched]):
            matched += 1
        if matched > best.matched:
            best = Fit(events, heard, start, matched)
        if matched == len(heard):
            break
    return best


def _is(told: Told, heard: Heard) -> bool:
    return told.key == heard.key and heard.pos in {None, told.pos}


def _missed_before(fit: Fit, window: Window) -> Told | None:
    """Returns the first event that was not received although its command was sent when the conversation was certainly
    open.
    """
    opened = window.opened
    if opened is None or not fit.heard:
        return None
    return next((told for told in fit.events[: fit.start] if told.since > opened), None)


def _missed_behind(fit: Fit, stream: Stream, window: Window, ends: Ends) -> Told | None:
    """Returns the first event that was not received after the last received one, for a socket that stayed connected to
    the end.
    """
    opened, marker = window.opened, ends.markers.get(window.conversation)
    if stream.ended or window.closed is not None or opened is None or marker is None:
        return None
    if fit.heard:
        behind = fit.events[fit.start + len(fit.heard) :]
    else:
        behind = [told for told in fit.events if told.since > opened]
    return next((told for told in behind if told.pos <= marker - MESSAGE_ID_BASE), None)


def _report_break(stream: Stream, window: Window, fit: Fit, findings: Findings) -> None:
    """Reports the first received event that does not match the log."""
    events, heard, matched = fit.events, fit.heard, fit.matched
    wrong, next_index = heard[matched], fit.start + matched
    expected = events[next_index] if next_index < len(events) else None
    known = any(_is(told, wrong) for told in events)
    if not known:
        broken = STRANGE
    elif any(each.key == wrong.key and each.pos == wrong.pos for each in heard[:matched]):
        broken = TWICE
    elif any(_is(told, wrong) for told in events[next_index:]):
        broken = HOLES
    else:
        broken = ORDER
    says = f"{_who(stream)} received {wrong.key} in {window.conversation} where the log has "
    says += "nothing more" if expected is None else f"{expected.key} at {expected.pos}"
    findings.add(broken, says, _about(stream, window, wrong.at, expected, wrong))


def _about(stream: Stream, window: Window, at: float | None, *what: Told | Heard | None) -> About:
    ids = {each.key[1] for each in what if each is not None}
    moment = at if at is not None else window.opened
    return About(
        messages=frozenset(id_ for id_ in ids if isinstance(id_, int)),
        streams=frozenset({stream.number}),
        conversation=window.conversation,
        since=None if moment is None else moment - 3,
        until=None if moment is None else moment + 1,
    )


def _around(stream: Stream, heard: Heard, conversation: str, *ids: int) -> About:
    messages = {id_ for id_ in (heard.message_id, *ids) if id_}
    return About(frozenset(messages), frozenset(), frozenset({stream.number}), conversation, heard.at - 3, heard.at + 1)


def _who(stream: Stream) -> str:
    return f"{stream.client} ({stream.user}, {stream.dialect}, socket session {stream.number})"
