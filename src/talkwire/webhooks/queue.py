"""A queue of one webhook endpoint's events: decides which may be sent now, and tracks the delivered position. Without
I/O.

The key of an event is its conversation or user. Events of one key are sent one after the other, those of different keys
at the same time. An event that is refused blocks its key: later events of the key are dropped from memory, and read
from the log again when the retry is due. So an endpoint that is down costs a bounded number of events in memory and of
rows in the database.

The cursor is the log position before the first event that is neither accepted nor behind a blocked key. Cursor and
blocked keys are stored together. So if the process ends, events that were not accepted are sent again, some accepted
events are sent twice, and none is skipped.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from talkwire.core.domain.integration.webhooks import WebhookRetry
from talkwire.dialects.messenger.log_events import LogEventPayload

QUEUED_EVENTS_MAX = 256
"""Most events that are kept in memory before the log is read further."""

BLOCKED_KEYS_MAX = 64
"""Number of blocked keys with which no event of another key is sent and the log is not read further."""


@dataclass(slots=True, eq=False)
class QueuedEvent:
    """An event that waits to be sent to a webhook. Events with the same key (a conversation or a user) are sent in
    order. `at_ms` is when the event happened, in milliseconds since 1970.

    `settled`: nothing is left to do for now. The receiver accepted the event, or an earlier event of the key failed and
    blocks the key until it is accepted.
    """

    pos: int
    key: str
    at_ms: int
    payload: LogEventPayload
    settled: bool = False


@dataclass(slots=True, eq=False)
class _BlockedKey:
    """A key (conversation or user) whose events wait, because the endpoint did not accept the first of them. `at_ms` is
    when this first event happened, in milliseconds since 1970; None if it was not read yet.

    `loading`: its events are being read from the log or sent. `reached` is the log position up to which they were read.
    """

    retry: WebhookRetry
    at_ms: int | None = None
    loading: bool = False
    reached: int = 0


class EventQueue:
    """The queue of events to send to one webhook endpoint, filled from the log (the ordered list of committed events).
    Send what `take` returns, and report the outcome with `accept` or `fail`.

    `pos` is the log position up to which all events were handled, and `retries` are the blocked keys: the conversations
    and users whose events wait for a retry.
    """

    def __init__(self, pos: int, retries: Mapping[str, WebhookRetry]) -> None:
        self.read_pos = pos
        """Position up to which the log was read."""
        self.in_flight = 0
        self._window: deque[QueuedEvent] = deque()
        self._lines: dict[str, deque[QueuedEvent]] = {}
        """The events of each key that are to be sent; the first one may be in flight."""
        self._ready: deque[str] = deque()
        self._resumed: deque[str] = deque()
        """Blocked keys whose retry is due, in the order in which their events are sent."""
        self._blocked = {key: _BlockedKey(retry) for key, retry in retries.items()}
        self._changed: set[str] = set()

    # --- reading the log ----------------------------------------------------------------------------------------------

    @property
    def wants_events(self) -> bool:
        """True while the queue has room for more events of the log (the ordered list of committed events)."""
        return len(self._window) < QUEUED_EVENTS_MAX and len(self._blocked) < BLOCKED_KEYS_MAX

    def add(self, events: Iterable[QueuedEvent], reached: int) -> None:
        """Adds the next events of the log, which was read up to position `reached`. Skips events of blocked keys
        (conversations and users that wait for a retry), which are read from the log again later.
        """
        for event in events:
            if event.key in self._blocked:
                continue
            self._window.append(event)
            line = self._lines.get(event.key)
            if line is None:
                self._lines[event.key] = deque((event,))
                self._ready.append(event.key)
            else:
                line.append(event)
        self.read_pos = max(self.read_pos, reached)

    def due(self, now_ms: int) -> Sequence[tuple[str, int, int]]:
        """Returns the blocked keys whose retry is due at `now_ms` (milliseconds since 1970), as (key, after, until),
        and marks them as being read. For each, read the key's events after position `after` up to and including
        `until`, and call `resume` or, if that fails, `postpone`.

        A blocked key is a conversation or user whose events wait for a retry.
        """
        found = []
        for key, blocked in self._blocked.items():
            if not blocked.loading and blocked.retry.next_ms <= now_ms:
                blocked.loading = True
                found.append((key, blocked.retry.pos - 1, max(self.read_pos, blocked.retry.pos)))
        return found

    def resume(self, key: str, events: Sequence[QueuedEvent], reached: int) -> None:
        """Queues events of a blocked key (a conversation or user that waited for a retry), read from the log up to
        `reached`. If there are none, unblocks the key or lets `due` return it again for the rest of the log.
        """
        blocked = self._blocked[key]
        blocked.reached = reached
        if events:
            self._lines[key] = deque(events)
            self._resumed.append(key)
        else:
            self._continue(key, blocked, reached + 1)

    def postpone(self, key: str, next_ms: int) -> None:
        """Moves the retry of a blocked key (a conversation or user) to `next_ms` (milliseconds since 1970), because its
        events could not be read.
        """
        blocked = self._blocked[key]
        blocked.loading = False
        blocked.retry = WebhookRetry(blocked.retry.pos, blocked.retry.attempt, blocked.retry.first_ms, next_ms)

    @property
    def next_due_ms(self) -> int | None:
        """The time of the next retry of a refused event, in milliseconds since 1970; None if none is planned."""
        return min((each.retry.next_ms for each in self._blocked.values() if not each.loading), default=None)

    # --- sending ------------------------------------------------------------------------------------------------------

    @property
    def ready(self) -> int:
        """The number of events that may be sent now, each by a call of `take`."""
        return len(self._resumed) + (len(self._ready) if len(self._blocked) < BLOCKED_KEYS_MAX else 0)

    def is_blocked(self, key: str) -> bool:
        return key in self._blocked

    def take(self) -> QueuedEvent | None:
        """Returns the next event to send and counts it as in flight; None if none may be sent now. Report the outcome
        with `accept` or `fail`.
        """
        # They take turns, so that neither a backlog nor new events wait for each other.
        prefers_new = self.in_flight % 2 == 0 and self._ready and len(self._blocked) < BLOCKED_KEYS_MAX
        if self._resumed and not prefers_new:
            key = self._resumed.popleft()
        elif self.ready:
            key = self._ready.popleft()
        else:
            return None
        self.in_flight += 1
        return self._lines[key][0]

    def attempt_of(self, event: QueuedEvent) -> int:
        """Returns the number of the event's next attempt, starting with 1."""
        blocked = self._blocked.get(event.key)
        return 1 if blocked is None or blocked.retry.pos != event.pos else blocked.retry.attempt + 1

    def first_ms_of(self, event: QueuedEvent) -> int | None:
        """Returns when the event was first sent, in milliseconds since 1970; None if it was not sent yet."""
        blocked = self._blocked.get(event.key)
        return None if blocked is None or blocked.retry.pos != event.pos else blocked.retry.first_ms

    def accept(self, event: QueuedEvent) -> None:
        """Removes an event that the endpoint has accepted, and allows the next event of its conversation or user to be
        sent.
        """
        self.in_flight -= 1
        event.settled = True
        key = event.key
        line = self._lines[key]
        line.popleft()
        blocked = self._blocked.get(key)
        if blocked is not None:
            self._continue(key, blocked, line[0].pos if line else blocked.reached + 1)
        elif line:
            self._ready.append(key)
        else:
            del self._lines[key]
        self._trim()

    def fail(self, event: QueuedEvent, sent_ms: int, next_ms: int) -> None:
        """Blocks the key (conversation or user) of an event that was refused: no event of the key is sent until
        `next_ms`. `sent_ms` is when this attempt was made; both are in milliseconds since 1970.
        """
        retry = WebhookRetry(event.pos, self.attempt_of(event), self.first_ms_of(event) or sent_ms, next_ms)
        self.in_flight -= 1
        for dropped in self._lines.pop(event.key):
            dropped.settled = True
        self._blocked[event.key] = _BlockedKey(retry, event.at_ms)
        self._changed.add(event.key)
        self._trim()

    def _continue(self, key: str, blocked: _BlockedKey, pos: int) -> None:
        """Lets a blocked key (conversation or user) continue with its next event, at log position `pos`.

        Uses the key's events in memory; else has them read from the log, or unblocks the key if none is left to read.
        """
        self._changed.add(key)
        if self._lines.get(key):
            self._resumed.append(key)
        elif blocked.reached >= self.read_pos:
            self._lines.pop(key, None)
            del self._blocked[key]
            return
        else:
            self._lines.pop(key, None)
            blocked.loading = False
        blocked.retry = WebhookRetry(pos, 0, None, 0)

    def _trim(self) -> None:
        window = self._window
        while window and window[0].settled:
            window.popleft()

    # --- progress -----------------------------------------------------------------------------------------------------

    @property
    def cursor(self) -> int:
        """The position in the log of committed events up to which every event was accepted or belongs to a blocked key.

        A blocked key is a conversation or user whose events wait for a retry.
        """
        return self._window[0].pos - 1 if self._window else self.read_pos

    @property
    def blocked_keys(self) -> int:
        return len(self._blocked)

    @property
    def oldest_ms(self) -> int | None:
        """The time of the oldest known event that the endpoint has not accepted, in milliseconds since 1970; None if
        there is none.
        """
        known = [each.at_ms or each.retry.first_ms for each in self._blocked.values()]
        times = [time_ms for time_ms in known if time_ms is not None]
        if self._window:
            times.append(self._window[0].at_ms)
        return min(times, default=None)

    def take_changes(self) -> dict[str, WebhookRetry | None]:
        """Returns the changes to blocked keys (conversations and users) since the last call, to be stored.

        The values are the planned retries by key; None for a key that is no longer blocked.
        """
        changes = {key: None if (blocked := self._blocked.get(key)) is None else blocked.retry for key in self._changed}
        self._changed.clear()
        return changes

    def not_stored(self, keys: Iterable[str]) -> None:
        """Marks keys as changed again, because the changes that `take_changes` returned could not be stored."""
        self._changed.update(keys)
