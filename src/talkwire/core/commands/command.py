"""What an actor may ask for. Each command names its result: `chat.execute(actor, command)` answers such a value.

    Command[R]
     ├── Change[R]      goes through the writer, in the next transaction
     ├── Query[R]       reads, on a reader thread
     ├── Upkeep[R]      keeps what a node holds for a while, in a transaction of its own
     └── Signal[R]      ephemeral: nothing is stored

Commands are tagged Structs, so that a running server can be asked by the command line in the same words.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

R_co = TypeVar("R_co", covariant=True)


class Command(msgspec.Struct, Generic[R_co], frozen=True, tag_field="command", forbid_unknown_fields=True):
    """Something an actor asks for; `R_co` is what it is answered with."""


class Change(Command[R_co], Generic[R_co], frozen=True):
    """A command that may write. It is validated and carried out inside the writer's transaction."""


class Query(Command[R_co], Generic[R_co], frozen=True):
    """A command that only reads."""


class NodeCommand(Command[R_co], Generic[R_co], frozen=True):
    """A node's own business: leases, and what lasts as long as they do. Not in the log, and never behind its lock."""


class Signal(Command[R_co], Generic[R_co], frozen=True):
    """A command whose effect is an ephemeral event."""


class SocketSignal(Signal[R_co], Generic[R_co], frozen=True, kw_only=True):
    """A signal that knows which socket it came from: `source` is None when it came over REST."""

    source: str | None = None


class Page(msgspec.Struct, Generic[R_co], frozen=True):
    """One page of a list; `next` is the value to pass on for the following page, or None at the end."""

    items: tuple[R_co, ...]
    next: str | None


class IdempotencyKey(msgspec.Struct, frozen=True):
    """Names one request (header `Idempotency-Key`): two with the same key are the same request, sent twice.

    `route` is the method and path. Whatever the request says must be in its command, and nothing else: what is made up
    on the way (a time, something random) would make the retry look like another request. `command_hash` is what the
    command is known by as it was sent, where a hook has changed it since.
    """

    user_id: str
    route: str
    key: str
    command_hash: int | None = None
