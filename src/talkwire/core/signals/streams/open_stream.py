"""One message that is being written: its parts in memory, how much of them is stored, and what readers lack."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import cast

from talkwire.core.commands.streams.storing import Checkpoint
from talkwire.core.commands.streams.writing import Appended, PartProgress, PartType
from talkwire.core.domain.model import Message
from talkwire.core.domain.parts.growing_parts import GrowingParts, PartChange
from talkwire.core.domain.parts.streams import Stream

CHECKPOINT_EVERY_S = 1.0
"""Shortest time between two writes of a stream's parts to the database, in seconds."""

_PHASES = 16
"""Number of groups into which streams that were opened together are divided. The groups are stored one after the
other."""

_DELTA_EVERY_S = ((50, 0.05), (1000, 0.2))
"""Pairs of a number of members and a time in seconds: in conversations with up to so many members, readers receive what
is new that often."""

_DELTA_AT_LEAST_EVERY_S = 1.0


class OpenStream:
    """A message that is being written, in its home. With `has_readers`, readers have something of it, perhaps more than
    is stored."""

    __slots__ = (
        "_delta_every_s",
        "_replaced",
        "_stored",
        "check_at",
        "checkpoint_at",
        "confirmed",
        "delta_at",
        "has_news",
        "is_doubted",
        "is_ending",
        "is_unstored",
        "message",
        "nodes_in_step",
        "number",
        "parts",
        "read_until",
        "source",
        "stop",
        "stream",
    )

    def __init__(self, message: Message, stream: Stream, member_count: int, now: float, *, has_readers: bool) -> None:
        self.message = message
        self.stream = stream
        self.parts = GrowingParts(message.parts, has_readers=has_readers)
        self._stored = self.parts.lengths()
        self._replaced: set[int] = set()
        self._delta_every_s = next((s for most, s in _DELTA_EVERY_S if member_count <= most), _DELTA_AT_LEAST_EVERY_S)
        self.has_news = has_readers
        """Whether readers lack something, or have something that a former attempt has not stored."""
        self.is_unstored = False
        """Whether something was written since the last checkpoint, or the lease is to be renewed."""
        self.is_ending = False
        self.stop = stream.stop
        self.delta_at = now
        """Time from which readers may receive something again, by the event loop's clock."""
        self.checkpoint_at = now + CHECKPOINT_EVERY_S * (message.id % _PHASES + 1) / _PHASES
        """Time from which something may be stored again, by the event loop's clock."""
        self.source: str | None = None
        """The socket from which the author wrote last."""
        self.nodes_in_step: Collection[str] = ()
        """The other nodes that have received everything until the last change, which has the `number`, and receive the
        next one."""
        self.number = 0
        self.read_until: dict[str, float] = {}
        """Times until which other nodes have readers, as those nodes have announced, by the event loop's clock."""
        self.check_at = now
        """Time from which the database may be asked whether another node is the home, by the event loop's clock."""
        self.is_doubted = False
        """Whether the database is going to be asked if another node is the home."""
        self.confirmed: set[int] | None = None
        """The parts whose place the author has confirmed by `at` after the former home was lost, which may have had
        more text than was stored. None if no home was lost."""

    def progress(self) -> tuple[PartProgress, ...]:
        types = [cast("PartType", type(part).__struct_config__.tag) for part in self.parts.values()]
        lengths = self.parts.lengths()
        return tuple(PartProgress(type_, lengths[i], self.stored_of(i)) for i, type_ in enumerate(types))

    def may_lack_text(self) -> bool:
        """Returns whether the author may have written more than is here to a former home, and has not confirmed since
        how long each part is."""
        confirmed = self.confirmed
        return confirmed is not None and not (confirmed and confirmed.issuperset(range(len(self.parts))))

    def length(self, part: int) -> int:
        return self.parts.length(part) if part < len(self.parts) else 0

    def appended(self, part: int) -> Appended:
        """Returns how long a part is that is there, and how much of it is stored."""
        return Appended(self.parts.length(part), self.stored_of(part), self.stop)

    def stored_of(self, part: int) -> int:
        return self._stored[part] if part < len(self._stored) else 0

    def wrote(self, *, replaced: int | None = None) -> None:
        """Notes that the author has written. `replaced` is the index of a part that has another value now."""
        self.has_news = self.is_unstored = True
        if replaced is not None:
            self._replaced.add(replaced)
            if replaced < len(self._stored):
                self._stored[replaced] = 0

    def rewound(self) -> None:
        """Notes that the author has removed something. It is still stored, as is what was there before."""
        self.has_news = self.is_unstored = True
        self._stored = [min(each, length) for each, length in zip(self._stored, self.parts.lengths(), strict=False)]

    def take_checkpoint(self, now: float) -> tuple[Checkpoint, Sequence[int]]:
        """Returns what is to be stored, and what to pass to `checkpoint_stored` when it is."""
        self.is_unstored = False
        self._replaced.clear()
        self.checkpoint_at = now + CHECKPOINT_EVERY_S
        checkpoint = Checkpoint(self.message.id, self.stream.attempt, self.parts.values())
        return checkpoint, self.parts.lengths()

    def checkpoint_stored(self, lengths: Sequence[int]) -> None:
        """Notes that a checkpoint is stored. Parts that were replaced since it was taken are not."""
        self._stored = [0 if part in self._replaced else length for part, length in enumerate(lengths)]

    def take_changes(self, now: float) -> tuple[PartChange, ...]:
        """Returns what readers lack, and notes that they have it. The more it is, the later the next changes are due:
        each is an event."""
        changes = tuple(self.parts.take_changes())
        self.has_news = False
        self.delta_at = now + self._delta_every_s * max(1, len(changes))
        return changes
