"""Access checks and types that the routes of the operators' console share."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from talkwire.core.domain.access import must_be_trusted
from talkwire.core.engine.limited_chat import LimitedChat
from talkwire.core.engine.limits import Kind
from talkwire.identity.callers import Caller

T = TypeVar("T")


class NodesListAnswer(msgspec.Struct, Generic[T], frozen=True, rename="camel"):
    """One page of a list that is collected from all nodes (server processes). The items of the nodes in `silentNodes`
    are missing: these nodes are alive, but did not answer in time."""

    items: tuple[T, ...]
    next: str | None
    silent_nodes: tuple[str, ...]


def must_read(caller: Caller, chat: LimitedChat) -> None:
    """Raises `forbidden` unless the caller is an admin or the application's backend, and `rate_limited` after too many
    reads. For routes that execute no command, since commands check both themselves."""
    must_be_trusted(caller.actor)
    chat.take_or_refuse(caller.actor, Kind.READS)
