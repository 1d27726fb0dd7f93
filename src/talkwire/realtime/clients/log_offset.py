"""Offsets: up to where in the log a socket has received events. Each durable event carries one."""

from __future__ import annotations

from typing import NamedTuple


class Offset(NamedTuple):
    """Where a socket is in the log: it has all up to `pos`; and of the event behind that, the packets up to the one
    with this `counter`, if any."""

    pos: int
    counter: int | None = None

    @property
    def newest(self) -> int:
        """The position of the newest event that it has anything of."""
        return self.pos if self.counter is None else self.pos + 1


def parse_offset(offset: object, epoch: str) -> Offset | None:
    """The place that an offset names (`client.offset_text`); None for what is none of this epoch's."""
    if not isinstance(offset, str) or len(offset) > len(epoch) + 32:
        return None
    of_epoch, _, numbers = offset.rpartition("-")
    pos, dot, counter = numbers.partition(".")
    if of_epoch != epoch or not _is_number(pos) or (dot and not _is_number(counter)):
        return None
    return Offset(int(pos) - 1, int(counter)) if dot else Offset(int(pos))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19
