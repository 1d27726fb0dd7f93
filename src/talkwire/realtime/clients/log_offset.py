"""Offsets: the position in the event log up to which a socket has received events. Each durable event ends with one,
and a client sends the last one back to resume.
"""

from __future__ import annotations

from typing import NamedTuple


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


def parse_offset(offset: object, epoch: str) -> Offset | None:
    """Parses the offset that a client sends to resume (written by `chat_client.offset_text`). Returns None if it is
    invalid or of another epoch of the database.
    """
    if not isinstance(offset, str) or len(offset) > len(epoch) + 32:
        return None
    of_epoch, _, numbers = offset.rpartition("-")
    pos, dot, counter = numbers.partition(".")
    if of_epoch != epoch or not _is_number(pos) or (dot and not _is_number(counter)):
        return None
    return Offset(int(pos) - 1, int(counter)) if dot else Offset(int(pos))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19
