"""The history of a campaign: commands and their answers, the events that each client received in their order,
connections, faults.

Times are seconds since the campaign's start. The history is kept in memory for the checks; `lines` shows any part of
it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

Kind = Literal["send", "edit", "delete", "react", "unreact", "read", "add", "remove"]
Outcome = Literal["acked", "refused", "unknown"]
ReceivedKind = Literal["sent", "edited", "deleted", "reacted", "read", "delivered", "other"]


@dataclass(slots=True)
class Try:
    """One attempt at a command. `unknown`: no answer arrived, so the outcome is unknown."""

    at: float
    until: float | None = None
    outcome: Outcome | None = None
    says: str = ""
    message_id: int | None = None
    """The message id in the answer."""


@dataclass(slots=True)
class Command:
    """A client's command, over all attempts. `key` is the clientMessageId; `content` the text, the emoji or the
    affected member; `message_id` the message that it changes or has created.
    """

    number: int
    client: str
    user: str
    kind: Kind
    conversation: str
    content: str = ""
    key: str | None = None
    message_id: int | None = None
    tries: list[Try] = field(default_factory=list)

    @property
    def began(self) -> float:
        return self.tries[0].at if self.tries else 0.0

    @property
    def acked(self) -> Try | None:
        """The first attempt that was answered with success."""
        return next((each for each in self.tries if each.outcome == "acked"), None)

    @property
    def settled(self) -> bool:
        """Whether it was answered, by an ack or an error."""
        return any(each.outcome in {"acked", "refused"} for each in self.tries)


@dataclass(slots=True)
class Received:
    """One event that a socket received. `about` is (user, emoji, added) of a reaction, or the reader. `pos` and
    `counter` are from the offset, which only recoverable sockets receive.
    """

    at: float
    name: str
    kind: ReceivedKind
    conversation: str
    message_id: int | None
    about: tuple[object, ...] = ()
    content: str | None = None
    seq: int | None = None
    pos: int | None = None
    counter: int | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """What identifies the event in the log, as far as its client can tell."""
        return (self.kind, self.message_id, *self.about)


@dataclass(slots=True)
class Window:
    """A period in which a socket had a conversation open. `opened`: when that was certain; None without an answer.
    `closed`: when closing it was requested.
    """

    conversation: str
    opened: float | None
    closed: float | None = None
    first: int = 0
    """How many events the socket had received at the beginning and at the end of the period."""
    end: int | None = None
    sure: bool = True
    """False if the beginning is uncertain, because an earlier request to close was never answered."""


@dataclass(slots=True)
class Connect:
    """One connection of a stream."""

    at: float
    recovered: bool
    socket_id: str
    until: float | None = None
    reason: str = ""


@dataclass(slots=True)
class Stream:
    """The events that one socket received, from a fresh connect over all recovered connections. `ended`: it cannot be
    recovered any more.
    """

    number: int
    client: str
    user: str
    dialect: str
    recoverable: bool
    connects: list[Connect] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)
    ended: bool = False


@dataclass(slots=True)
class Synced:
    """One event of `sync`: its position, its name and its object."""

    at: float
    pos: int
    name: str
    message_id: int | None
    content: str | None = None
    payload: dict[str, Any] | None = None


@dataclass(slots=True)
class Resumer:
    """A client that resumes from its last cursor, by `sync` or in the event stream, and the events that it received."""

    client: str
    user: str
    first_pos: int = 0
    last_pos: int = 0
    synced: list[Synced] = field(default_factory=list)
    pages: int = 0
    refusals: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Fault:
    """What was done to the cluster, and when it was over."""

    kind: str
    target: str
    at: float
    until: float | None = None
    says: str = ""


class History:
    """Everything, in the order in which it was noticed."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self.commands: list[Command] = []
        self.streams: list[Stream] = []
        self.resumers: list[Resumer] = []
        self.replicas: list[Resumer] = []
        """The replicas of the back end, which follow the whole log."""
        self.faults: list[Fault] = []

    def now(self) -> float:
        return round(self._clock() - self._began, 4)

    def command(self, client: str, user: str, kind: Kind, conversation: str, **further: Any) -> Command:  # noqa: ANN401
        command = Command(len(self.commands), client, user, kind, conversation, **further)
        self.commands.append(command)
        return command

    def stream(self, client: str, user: str, dialect: str, *, recoverable: bool) -> Stream:
        stream = Stream(len(self.streams), client, user, dialect, recoverable)
        self.streams.append(stream)
        return stream

    def fault(self, kind: str, target: str, says: str = "") -> Fault:
        fault = Fault(kind, target, self.now(), says=says)
        self.faults.append(fault)
        return fault

    def write(self, folder: Path) -> None:
        """All of it as JSON lines, a file a kind of thing."""
        for name, things in (
            ("commands", self.commands),
            ("streams", self.streams),
            ("resumers", self.resumers),
            ("replicas", self.replicas),
            ("faults", self.faults),
        ):
            with (folder / f"{name}.jsonl").open("w", encoding="utf-8") as file:
                for thing in things:
                    file.write(json.dumps(asdict(thing), ensure_ascii=False, default=str) + "\n")


@dataclass(frozen=True)
class About:
    """Selects a part of the history: everything about these messages or commands, the events of these streams between
    two times, and the faults of that time.
    """

    messages: frozenset[int] = frozenset()
    commands: frozenset[int] = frozenset()
    streams: frozenset[int] = frozenset()
    conversation: str | None = None
    since: float | None = None
    until: float | None = None


SPREAD_S = 5.0
"""How long before and after, faults belong to it."""
BEFORE_S, AFTER_S = 60.0, 5.0
LINES_MAX = 120


def lines(history: History, about: About) -> list[str]:
    """That part of a history, in order of time, a line a thing."""
    found = [*_commands(history, about), *_deliveries(history, about), *_connections(history, about)]
    if about.since is not None:
        # A reaction of much later shows nothing, nor does a connection of long before.
        since, until = about.since - BEFORE_S, (about.until or about.since) + AFTER_S
        found = [each for each in found if since <= each[0] <= until]
    times = [at for at, _ in found] + [at for at in (about.since, about.until) if at is not None]
    if times:
        found += _faults(history, min(times) - SPREAD_S, max(times) + SPREAD_S)
    found.sort(key=lambda each: each[0])
    shown = [f"{at:9.3f}  {text}" for at, text in found]
    if len(shown) > LINES_MAX:
        left_out = len(shown) - LINES_MAX
        half = LINES_MAX // 2
        shown = [
            *shown[:half],
            f"           … {left_out} lines left out; the whole history is in the folder …",
            *shown[-half:],
        ]
    return shown


Line = tuple[float, str]


def _commands(history: History, about: About) -> Iterator[Line]:
    for command in history.commands:
        if command.number not in about.commands and command.message_id not in about.messages:
            continue
        what = f"{command.client} ({command.user}) {command.kind} in {command.conversation}"
        what += f" {command.content!r}" + (f" key {command.key}" if command.key else "")
        what += f" message {command.message_id}" if command.message_id is not None else ""
        for number, attempt in enumerate(command.tries, 1):
            yield attempt.at, f"command {command.number}: {what}, attempt {number}"
            if attempt.until is not None:
                yield (
                    attempt.until,
                    f"command {command.number}: attempt {number} {attempt.outcome} {attempt.says}".rstrip(),
                )


def _deliveries(history: History, about: About) -> Iterator[Line]:
    for stream in history.streams:
        for received in stream.received:
            named = received.message_id in about.messages and (not about.streams or stream.number in about.streams)
            if named or (stream.number in about.streams and _within(received.at, received.conversation, about)):
                place = (
                    ""
                    if received.pos is None
                    else f" at {received.pos}{'' if received.counter is None else f'.{received.counter}'}"
                )
                contents = f"{received.name}{place}: {received.key} {received.content or ''}"
                yield received.at, f"{_name(stream)} received {contents}".rstrip()
    for resumer in (*history.resumers, *history.replicas) if not about.streams else ():
        for synced in resumer.synced:
            if synced.message_id in about.messages:
                yield synced.at, f"{resumer.client} ({resumer.user}) synced {synced.name} at {synced.pos}"


def _within(at: float, conversation: str, about: About) -> bool:
    return (
        about.since is not None
        and about.since <= at
        and (about.until is None or at <= about.until)
        and about.conversation in {None, conversation}
    )


def _connections(history: History, about: About) -> Iterator[Line]:
    for stream in history.streams:
        if stream.number not in about.streams:
            continue
        for connect in stream.connects:
            yield connect.at, f"{_name(stream)} connected, recovered {connect.recovered}, socket {connect.socket_id}"
            if connect.until is not None:
                yield connect.until, f"{_name(stream)} lost its connection: {connect.reason}"
        for window in stream.windows:
            if about.conversation in {None, window.conversation}:
                if window.opened is not None:
                    yield window.opened, f"{_name(stream)} has {window.conversation} open"
                if window.closed is not None:
                    yield window.closed, f"{_name(stream)} closes {window.conversation}"


def _faults(history: History, since: float, until: float) -> Iterator[Line]:
    for fault in history.faults:
        if fault.at <= until and (fault.until is None or fault.until >= since):
            yield fault.at, f"FAULT {fault.kind} {fault.target} {fault.says}".rstrip()
            if fault.until is not None:
                yield fault.until, f"FAULT over: {fault.kind} {fault.target}"


def _name(stream: Stream) -> str:
    return f"{stream.client} ({stream.user}, {stream.dialect}, socket session {stream.number})"
