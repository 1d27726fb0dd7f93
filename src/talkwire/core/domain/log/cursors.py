"""Cursors: the texts that say up to which events a client has read the log. Clients send them back to continue, and do
not look into them.

A cursor is `epoch-position`: the log's epoch (a random text that changes when the log is replaced, for example by a
restored backup) and a position in the log. The cursor of a client that reads several logs holds such an entry for each
of them, separated by commas. The entry of the log that answered last is at the end.

Sockets' offsets have the same form. Their entries may end with `.counter`: see `realtime/clients/log_offset.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from talkwire.core.domain.log.positions import LOGS_MAX, log_of

CURSOR_MAX_LENGTH = 1000
"""Longest cursor, in characters: more than `LOGS_MAX` entries with epochs of 32 characters have."""

_POSITION_DIGITS = 18


class CursorEntry(NamedTuple):
    """A client's progress in one log: it has all events up to `pos`. With a `counter` it has those before `pos`, and
    the packets up to this number of the event at `pos`."""

    epoch: str
    pos: int
    counter: int | None = None


def cursor_of(epoch: str, pos: int, earlier: Sequence[CursorEntry] = (), *, counter: int | None = None) -> str:
    """Returns the cursor of a position in the log with the epoch `epoch`. `earlier` are the entries of the cursor that
    the client has had so far: those of other logs stay in it."""
    entry = f"{epoch}-{pos}" if counter is None else f"{epoch}-{pos}.{counter}"
    if not earlier:
        return entry
    log = log_of(pos)
    kept = [cursor_of(*each[:2], counter=each.counter) for each in earlier if log_of(each.pos) != log]
    return ",".join([*kept, entry])


def parse_cursor(text: str) -> Sequence[CursorEntry] | None:
    """Returns the entries of a cursor, one for each log; None for a text that is no cursor."""
    if len(text) > CURSOR_MAX_LENGTH:
        return None
    texts = text.split(",")
    entries = [entry for each in texts if (entry := _parse_entry(each)) is not None]
    is_complete = len({log_of(entry.pos) for entry in entries}) == len(texts) <= LOGS_MAX
    return entries if is_complete else None


def _parse_entry(text: str) -> CursorEntry | None:
    epoch, _, numbers = text.rpartition("-")
    pos, dot, counter = numbers.partition(".")
    if not epoch or not _is_number(pos) or (dot and not _is_number(counter)):
        return None
    return CursorEntry(epoch, int(pos), int(counter) if dot else None)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _POSITION_DIGITS
