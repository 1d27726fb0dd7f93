"""The base classes of commands. `chat.execute(actor, command)` returns the command's result, of the type `R`.

    Command[R]
     ├── Change[R]       writes to the log of events, in the next transaction of the writer's thread
     ├── Query[R]        reads, on a reader thread
     ├── NodeCommand[R]  writes leases (records of living nodes) and their data, in a transaction of its own
     └── Signal[R]       has an effect on what a node holds in memory, and on connected clients

Commands are tagged Structs, so that the command line can send the same commands to a running server.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

R_co = TypeVar("R_co", covariant=True)


class Command(msgspec.Struct, Generic[R_co], frozen=True, gc=False, tag_field="command", forbid_unknown_fields=True):
    """The base class of what an actor can ask the chat to do; `R_co` is the type of the result."""


class Change(Command[R_co], Generic[R_co], frozen=True):
    """A command that writes to the database and its log of events. It is checked and executed inside the writer's
    transaction."""


class Query(Command[R_co], Generic[R_co], frozen=True):
    """A command that only reads the database. It is executed on a reader thread."""


class NodeCommand(Command[R_co], Generic[R_co], frozen=True):
    """A command by which a node stores its lease (the record that it is alive) or data that ends with the lease, such
    as its calls.

    It does not write to the log of events and never waits for the log's lock.
    """


class Signal(Command[R_co], Generic[R_co], frozen=True):
    """A command whose effect is an event that connected clients receive, or that reads or changes what a node holds in
    memory. It stores nothing itself; a stream's home stores the text later, by changes."""


class SocketSignal(Signal[R_co], Generic[R_co], frozen=True, kw_only=True):
    """A command that stores nothing and may come from a socket: `source` is the socket's id, None if the command came
    over REST."""

    source: str | None = None


class Page(msgspec.Struct, Generic[R_co], frozen=True):
    """One page of a list. `next` is the cursor of the following page, or None at the end."""

    items: tuple[R_co, ...]
    next: str | None


class IdempotencyKey(msgspec.Struct, frozen=True):
    """Identifies a request by its `Idempotency-Key` header. A second request with the same key is a retry of the first.

    `route` is the request's method and path. The request's command must contain all that the request says and nothing
    that the server generates, such as a time or a random value: otherwise the retry would look like another request,
    which is refused with `conflict`. If a hook (a function of the application) has changed the command, `command_hash`
    is the hash of the command as it was sent.
    """

    user_id: str
    route: str
    key: str
    command_hash: int | None = None
