"""Which events of an endpoint may be sent, whatever is accepted and refused in whatever order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from talkwire.core.domain.integration.webhooks import WebhookRetry
from talkwire.dialects.messenger.log_events import LogEventPayload
from talkwire.webhooks.queue import BLOCKED_KEYS_MAX, QUEUED_EVENTS_MAX, EventQueue, QueuedEvent


def event(pos: int, key: str = "c/a") -> QueuedEvent:
    return QueuedEvent(pos, key, pos, LogEventPayload(f"e-{pos}", "message:new", "", None))


def events(*keys: str) -> list[QueuedEvent]:
    """Returns events at the positions from 1 on."""
    return [event(pos, key) for pos, key in enumerate(keys, 1)]


def taken(queue: EventQueue) -> list[QueuedEvent]:
    found = []
    while (each := queue.take()) is not None:
        found.append(each)
    return found


def test_keys_are_sent_at_once_and_each_in_order() -> None:
    queue = EventQueue(0, {})
    queue.add(events("c/a", "c/b", "c/a", "c/c"), 4)
    first = taken(queue)
    assert [each.pos for each in first] == [1, 2, 4]
    queue.accept(first[0])
    assert [each.pos for each in taken(queue)] == [3]


def test_the_cursor_stays_before_the_first_event_that_was_not_accepted() -> None:
    queue = EventQueue(0, {})
    queue.add(events("c/a", "c/b", "c/c"), 7)
    one, two, three = taken(queue)
    queue.accept(three)
    assert queue.cursor == 0
    queue.accept(one)
    assert queue.cursor == 1
    queue.accept(two)
    assert queue.cursor == 7


def test_a_refused_event_holds_its_key_back_and_lets_the_cursor_pass() -> None:
    queue = EventQueue(0, {})
    queue.add(events("c/a", "c/a", "c/b"), 3)
    first, other = taken(queue)
    queue.fail(first, 100, 5000)
    queue.accept(other)
    assert queue.cursor == 3
    assert queue.take_changes() == {"c/a": WebhookRetry(1, 1, 100, 5000)}
    queue.add([event(4, "c/a"), event(5, "c/b")], 5)
    assert [each.pos for each in taken(queue)] == [5]
    assert (queue.next_due_ms, queue.due(4999)) == (5000, [])
    assert queue.due(5000) == [("c/a", 0, 5)]
    assert queue.due(6000) == [], "it is being read"
    queue.resume("c/a", [event(1), event(2), event(4)], 5)
    for pos in (1, 2, 4):
        (again,) = taken(queue)
        assert (again.pos, queue.attempt_of(again)) == (pos, 2 if pos == 1 else 1)
        queue.accept(again)
    assert queue.take_changes() == {"c/a": None}
    queue.add([event(6, "c/a")], 6)
    assert [each.pos for each in taken(queue)] == [6]


def test_each_attempt_of_an_event_is_counted_from_its_first() -> None:
    queue = EventQueue(0, {})
    queue.add(events("c/a"), 1)
    for attempt, now_ms in enumerate((100, 200, 300), 1):
        (sent,) = taken(queue)
        assert (queue.attempt_of(sent), queue.first_ms_of(sent)) == (attempt, 100 if attempt > 1 else None)
        queue.fail(sent, now_ms, now_ms + 50)
        assert queue.take_changes() == {"c/a": WebhookRetry(1, attempt, 100, now_ms + 50)}
        queue.due(now_ms + 50)
        queue.resume("c/a", [event(1)], 1)


def test_events_that_came_while_a_key_was_read_are_read_too() -> None:
    queue = EventQueue(0, {})
    queue.add(events("c/a"), 1)
    queue.fail(taken(queue)[0], 0, 0)
    assert queue.due(0) == [("c/a", 0, 1)]
    queue.add([event(2)], 2)
    queue.resume("c/a", [event(1)], 1)
    queue.accept(taken(queue)[0])
    assert queue.due(0) == [("c/a", 1, 2)]
    queue.resume("c/a", [event(2)], 2)
    queue.accept(taken(queue)[0])
    assert queue.blocked_keys == 0


def test_an_endpoint_that_refuses_all_costs_a_bounded_number_of_events_and_rows() -> None:
    queue = EventQueue(0, {})
    pos = 0
    while queue.wants_events or queue.ready:
        if queue.wants_events:
            queue.add([event(pos := pos + 1, f"c/{pos}")], pos)
        for each in taken(queue)[:1]:
            queue.fail(each, 0, 1000)
    assert queue.blocked_keys <= BLOCKED_KEYS_MAX + 16
    assert pos <= BLOCKED_KEYS_MAX + QUEUED_EVENTS_MAX
    assert queue.cursor < pos or queue.blocked_keys == pos


def test_a_key_whose_events_are_gone_is_free_again() -> None:
    queue = EventQueue(9, {"c/a": WebhookRetry(3, 2, 100, 0)})
    queue.due(0)
    queue.resume("c/a", [], 9)
    assert queue.take_changes() == {"c/a": None}


def test_a_key_that_cannot_be_read_waits() -> None:
    queue = EventQueue(9, {"c/a": WebhookRetry(3, 2, 100, 0)})
    queue.due(0)
    queue.postpone("c/a", 70)
    assert (queue.next_due_ms, queue.due(69)) == (70, [])
    assert queue.due(70) == [("c/a", 2, 9)]


class _Run:
    """An endpoint that lives through refusals and crashes. `stored` is what the database has."""

    def __init__(self, log: Sequence[str]) -> None:
        self.log = log
        self.accepted: list[int] = []
        self.stored: tuple[int, Mapping[str, WebhookRetry]] = (0, {})
        self.start()

    def start(self) -> None:
        self.queue = EventQueue(*self.stored)
        self.flying: list[QueuedEvent] = []

    def read(self, count: int) -> None:
        if self.queue.wants_events:
            last = min(len(self.log), self.queue.read_pos + count)
            found = [event(pos, self.log[pos - 1]) for pos in range(self.queue.read_pos + 1, last + 1)]
            self.queue.add(found, last)

    def retry(self) -> None:
        for key, after, until in self.queue.due(2**60):
            last = min(until, after + 3)
            found = [event(pos, key) for pos in range(after + 1, last + 1) if self.log[pos - 1] == key]
            self.queue.resume(key, found, last)

    def send(self) -> None:
        each = self.queue.take()
        if each is not None:
            assert each.key not in {other.key for other in self.flying}, "one event of a key at a time"
            self.flying.append(each)

    def settle(self, place: int, *, accepts: bool) -> None:
        if not self.flying:
            return
        each = self.flying.pop(place % len(self.flying))
        if accepts:
            self.accepted.append(each.pos)
            self.queue.accept(each)
        else:
            self.queue.fail(each, 1, 1)

    def store(self) -> None:
        rows = {**self.stored[1], **self.queue.take_changes()}
        self.stored = self.queue.cursor, {key: retry for key, retry in rows.items() if retry is not None}

    def finish(self) -> None:
        """Lets the endpoint accept everything."""
        while self.queue.read_pos < len(self.log) or self.queue.blocked_keys or self.flying or self.queue.ready:
            self.read(5)
            self.retry()
            self.send()
            self.settle(0, accepts=True)


@given(
    log=st.lists(st.sampled_from(["c/a", "c/b", "c/c", "u/d"]), max_size=40),
    steps=st.lists(st.tuples(st.sampled_from("rRsafSC"), st.integers(0, 7)), max_size=150),
)
def test_every_event_arrives_and_the_first_arrivals_of_a_key_are_in_order(
    log: list[str], steps: list[tuple[str, int]]
) -> None:
    run = _Run(log)
    for step, number in steps:
        match step:
            case "r":
                run.read(number)
            case "R":
                run.retry()
            case "s":
                run.send()
            case "a" | "f":
                run.settle(number, accepts=step == "a")
            case "S":
                run.store()
            case _:
                run.start()  # the process was killed
    run.finish()
    first = list(dict.fromkeys(run.accepted))
    assert sorted(first) == list(range(1, len(log) + 1))
    for key in set(log):
        of_key = [pos for pos in first if log[pos - 1] == key]
        assert of_key == sorted(of_key)
    assert run.queue.cursor == len(log)
