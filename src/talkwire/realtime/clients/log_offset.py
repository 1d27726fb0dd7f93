"""Offsets: the position in the log up to which a socket has received events. Each durable event carries one."""

from __future__ import annotations

from typing import NamedTuple


class Offset(NamedTuple):
    """A socket has received all events up to `pos`, and the next event's packets up to `counter`, if that is given."""

    pos: int
    counter: int | None = None

    @property
    def newest(self) -> int:
        """The position of the newest event that the socket has a packet of."""
        return self.pos if self.counter is None else self.pos + 1


def parse_offset(offset: object, epoch: str) -> Offset | None:
    """Returns a client's offset (`chat_client.offset_text`), None if it is invalid or of another epoch."""
    if not isinstance(offset, str) or len(offset) > len(epoch) + 32:
        return None
    of_epoch, _, numbers = offset.rpartition("-")
    pos, dot, counter = numbers.partition(".")
    if of_epoch != epoch or not _is_number(pos) or (dot and not _is_number(counter)):
        return None
    return Offset(int(pos) - 1, int(counter)) if dot else Offset(int(pos))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19
