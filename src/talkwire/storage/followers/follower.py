"""Runs a follower of the log: a background task that processes the committed events in order, and continues from its
stored position after a crash.

A follower reads a range of the log and prepares its work on a thread of its own. The writer's thread then stores the
result together with the follower's new position, between two batches of commands. So on SQLite nobody waits for the
write lock, and each range is stored exactly once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sized
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import structlog
from sqlalchemy import Connection, Engine, select, update
from sqlalchemy.exc import SQLAlchemyError

from talkwire.storage.followers.pace import Pace
from talkwire.storage.schema import followers, log, log_head
from talkwire.storage.sql.upsert import upsert
from talkwire.storage.writer_task import WriterClosedError

STORED_AFTER_S = 5.0
"""Longest time that a follower's position may stay unstored while there is nothing else to store, in seconds. After a
crash, the work since the stored position is repeated."""

BUSY_PARTS = 4
"""Number of times that a range is shorter while the process is busy, so that commands wait less for the writer.
Otherwise ranges are long, since each has costs of its own."""

UNDECIDED_WAIT_S = 0.2
"""Seconds that a follower rests if the work cannot decide about the next events yet."""

P = TypeVar("P", bound=Sized)
Transact = Callable[[Callable[[Connection], Any]], Any]

_register = upsert(followers).on_conflict_do_nothing()
_logger = structlog.get_logger(__name__)


class FollowerWork(Protocol[P]):
    """The work of one follower: how it derives rows from a range of the log's events, and stores them.

    The position that the work has reached is stored under `name`. If no position is stored yet, the work starts at the
    beginning of the log, or with `from_start` False at its end. `range_size` is the largest number of log positions in
    one range.
    """

    @property
    def name(self) -> str: ...
    @property
    def from_start(self) -> bool: ...
    @property
    def range_size(self) -> int: ...

    def prepare(self, connection: Connection, after: int, until: int) -> tuple[int, P]:
        """Reads the events with `after` < position <= `until`, on the follower's thread. Returns (the position up to
        which it has handled events, the rows to store). To have the range tried again later, it returns `after` and no
        rows."""
        ...

    def store(self, connection: Connection, prepared: P) -> None:
        """Writes the rows that `prepare` derived from events of the log, in a transaction on the writer's thread.

        The writer can store no message meanwhile, so slow work belongs into `prepare`.
        """
        ...


@dataclass(slots=True)
class _LogRange(Generic[P]):
    """A range of the log that a follower has prepared: positions after `after` up to `reached`, while the log ended at
    `head`. `stored` is the follower's position in the database, and `prepared` the rows to store. `lag_s` is the age of
    the range's first event, `spent_s` the processor time used so far, both in seconds."""

    stored: int
    head: int
    after: int
    reached: int
    prepared: P
    lag_s: float
    spent_s: float = field(default=0.0)


class Follower(Generic[P]):
    """Runs one follower's work on a thread of its own: processes the log range by range as it grows.

    `reading` is the engine from which the thread reads; `transact` runs a function in a transaction on the writer's
    thread and returns its result. `clock_ms` is the clock of the events' times, in milliseconds since 1970; `pace`
    decides how long to rest between ranges. If the work fails, the chat is not affected: the error is logged and the
    range is tried again later.
    """

    def __init__(
        self, work: FollowerWork[P], reading: Engine, transact: Transact, clock_ms: Callable[[], int], pace: Pace
    ) -> None:
        self.on_stored: Callable[[P], None] = lambda _: None
        """Function that is called on the follower's thread with what was stored, once it is on disk."""
        self.work = work
        self._reading = reading
        self._transact = transact
        self._clock_ms = clock_ms
        self._pace = pace
        self._woken = threading.Event()
        self._closing = threading.Event()
        self._moved = threading.Condition()
        self._pos = -1
        self._stored_s = time.monotonic()
        self._thread = threading.Thread(target=self._run, name=f"talkwire-{work.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Notifies the follower that the log has new events. It is cheap and can be called from any thread."""
        if not self._woken.is_set():  # which costs much less than to set it again
            self._woken.set()

    @property
    def pos(self) -> int:
        """The log position up to which the work is finished, as far as this node knows; -1 before the first range."""
        return self._pos

    def close(self) -> None:
        """Ends the thread and closes its connections; blocks until the range in progress is done. Call it before the
        writer's `close`, because the writer stores the position."""
        self._closing.set()
        self._woken.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._reading.dispose()

    def wait_for(self, pos: int, timeout_s: float) -> bool:
        """Blocks until the work is finished up to log position `pos`. Returns True then, or False if it takes longer
        than `timeout_s` seconds."""
        with self._moved:
            return self._moved.wait_for(lambda: self._pos >= pos, timeout_s)

    # --- the follower's thread --------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._closing.is_set():
            self._woken.clear()
            rest_s = self._advance()
            if rest_s is None:
                self._woken.wait()
                rest_s = self._pace.gather_s
            self._closing.wait(rest_s)
        self._store_pos()

    def _advance(self) -> float | None:
        """Processes one range of the log. Returns the seconds to rest before the next range, or None if the log has no
        more events or the writer was closed. Logs all other errors."""
        try:
            return self._work_on_a_range()
        except WriterClosedError:
            return None
        except SQLAlchemyError as error:
            cause = str(getattr(error, "orig", None) or error)
            _logger.warning("follower_waits_for_database", work=self.work.name, error=cause)
        except Exception:
            _logger.exception("follower_failed", work=self.work.name)
        return self._pace.retry_s

    def _work_on_a_range(self) -> float | None:
        began_s = time.thread_time()
        with self._reading.begin() as connection:
            span = self._prepare(connection)
        if span is None:
            return None
        span.spent_s = time.thread_time() - began_s
        if span.prepared or time.monotonic() - self._stored_s > STORED_AFTER_S:
            if not self._transact(lambda connection: self._store(connection, span)):
                return self._pace.retry_s  # another node did it, and may continue
            self._stored_s = time.monotonic()
            self.on_stored(span.prepared)
        if not span.prepared and span.reached <= span.after:
            return UNDECIDED_WAIT_S
        self._move_to(span.reached)
        return self._pace.rest_s(span.spent_s, span.lag_s, is_last=span.reached >= span.head)

    def _prepare(self, connection: Connection) -> _LogRange[P] | None:
        head, floor = connection.execute(select(log_head.c.pos, log_head.c.floor)).one()
        stored = self._stored_pos(connection, head)
        after = max(stored, floor, self._pos)
        size = max(1, self.work.range_size // BUSY_PARTS) if self._pace.is_busy else self.work.range_size
        until = min(head, after + size)
        if after >= until:
            self._move_to(after)
            return None
        lag_s = self._lag_s(connection, after)
        return _LogRange(stored, head, after, *self.work.prepare(connection, after, until), lag_s)

    def _stored_pos(self, connection: Connection, head: int) -> int:
        statement = select(followers.c.pos).where(followers.c.name == self.work.name)
        pos = connection.execute(statement).scalar_one_or_none()
        if pos is None:
            pos = 0 if self.work.from_start else head
            self._transact(lambda writing: writing.execute(_register, {"name": self.work.name, "pos": pos}))
        return pos

    def _lag_s(self, connection: Connection, after: int) -> float:
        at_ms = connection.execute(select(log.c.at_ms).where(log.c.pos > after).order_by(log.c.pos).limit(1)).scalar()
        return 0.0 if at_ms is None else max(0.0, (self._clock_ms() - at_ms) / 1000)

    def _store(self, connection: Connection, span: _LogRange[P]) -> bool:
        """Writes a prepared range and the follower's new position, on the writer's thread. Returns False, and writes
        nothing, if another node has changed the position or has its row locked. It does not wait for the lock, since
        commands would wait as well."""
        began_s = time.thread_time()
        unmoved = (
            select(followers.c.name)
            .where(followers.c.name == self.work.name, followers.c.pos == span.stored)
            .with_for_update(skip_locked=True)
            .scalar_subquery()
        )
        claimed = connection.execute(update(followers).where(followers.c.name == unmoved).values(pos=span.reached))
        if claimed.rowcount != 1:
            return False
        if span.prepared:
            self.work.store(connection, span.prepared)
        span.spent_s += time.thread_time() - began_s
        return True

    def _store_pos(self) -> None:
        """Stores the follower's position when the node stops, so that the next start does not repeat work."""
        behind = followers.c.name == self.work.name, followers.c.pos < self._pos
        try:
            self._transact(
                lambda connection: connection.execute(update(followers).where(*behind).values(pos=self._pos))
            )
        except (WriterClosedError, SQLAlchemyError):
            _logger.warning("follower_position_not_stored", work=self.work.name)

    def _move_to(self, pos: int) -> None:
        with self._moved:
            self._pos = pos
            self._moved.notify_all()
