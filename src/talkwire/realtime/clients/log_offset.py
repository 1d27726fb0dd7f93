"""Offsets: the position in the event log up to which a socket has received events. Each durable event ends with one,
and a client sends the last one back to resume.
"""

from __future__ import annotations

from typing import NamedTuple

from talkwire.core.domain.log.cursors import cursor_of, parse_cursor


class Offset(NamedTuple):
    """A socket's progress in the event log: it has received all events up to the position `pos`, and of the next event
    the packets up to number `counter`, if that is not None.
    """

    pos: int
    counter: int | None = None

    @property
    def newest(self) -> int:
        """The log position of the newest event of which the socket has received a packet."""
        return self.pos if self.counter is None else self.pos + 1


def offset_text(epoch: str, pos: int, counter: int | None = None) -> str:
    """Returns the text of an offset, up to which a socket has received events: a cursor (log epoch and position),
    followed by the packet's `counter` if the event at this position has several packets.
    """
    return cursor_of(epoch, pos, counter=counter)


def parse_offset(offset: object, epoch: str) -> Offset | None:
    """Parses the offset that a client sends to resume (written by `offset_text`). Returns None if it is invalid, or has
    no entry for the log with this epoch.
    """
    entries = parse_cursor(offset) if isinstance(offset, str) else None
    for entry in entries or ():
        if entry.epoch == epoch:
            return Offset(entry.pos) if entry.counter is None else Offset(entry.pos - 1, entry.counter)
    return None
