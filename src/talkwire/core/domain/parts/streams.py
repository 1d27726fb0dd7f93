"""Streams: messages that are written while others read them.

A stream has a *home*, the node that holds its newest text in memory, and a row in the table `streams`, as long as
somebody may write to it. An *attempt* is one author's turn at writing: opening the stream again starts the next
one, and writes of earlier attempts are refused.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

StreamState = Literal["streaming", "done", "stopped", "failed", "interrupted", "blocked"]
"""State of a message that is being written (`streaming`), or whose stream has ended in one of several ways. An
`interrupted` one may be continued for `CONTINUABLE_MS`."""

CONTINUABLE_MS = 60 * 60 * 1000
"""Milliseconds for which an interrupted stream may be continued."""

LEASE_BY_SOCKET_MS = 15_000
"""Default duration of the lease of a stream that is written over a socket, in milliseconds."""

LEASE_BY_REST_MS = 60_000
"""Default duration of the lease of a stream that is written over REST, in milliseconds."""

LEASE_MIN_S = 5
"""Shortest lease that a client may ask for, in seconds."""

LEASE_MAX_S = 300
"""Longest lease that a client may ask for, in seconds."""

STOP_WAIT_MS = 10_000
"""Milliseconds in which the author of a stream that is to stop has to end it."""

ANSWERS_STOPPED_MS = 60 * 60 * 1000
"""Milliseconds for which the streams that answer a message are stopped after somebody has stopped its answers."""

ERROR_CODE_MAX_LENGTH = 64
"""Longest code of the error with which a stream or a turn has failed, in characters."""

ERROR_MESSAGE_MAX_LENGTH = 500
"""Longest message of the error with which a stream or a turn has failed, in characters."""


class StreamError(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True):
    """Why a stream has failed, in the words of its author."""

    code: Annotated[str, Meta(max_length=ERROR_CODE_MAX_LENGTH, min_length=1)]
    message: Annotated[str, Meta(max_length=ERROR_MESSAGE_MAX_LENGTH)] = ""


class StopRequest(msgspec.Struct, frozen=True):
    """A request to stop writing: by the user `by`, at `at_ms`, in milliseconds since 1970."""

    by: str
    at_ms: int


class Stream(msgspec.Struct, frozen=True):
    """A message that is being written, or whose writing was interrupted and may be continued.

    `attempt` is the number of the attempt that may write, `node_id` its home. The lease, `lease_ms` long and renewed by
    each write, ends at `until_ms`; then the stream is interrupted. An interrupted one has no home, and `until_ms` is
    when it can no longer be continued. `has_ended`: it has been interrupted before, so that its text has been seen.
    `stopped_by` is the user who has asked to stop it, at `stopped_ms`.
    """

    message_id: int
    conversation_id: str
    author_id: str
    attempt: int
    node_id: str
    lease_ms: int
    until_ms: int
    has_ended: bool = False
    stopped_by: str | None = None
    stopped_ms: int | None = None

    @property
    def stop(self) -> StopRequest | None:
        return (
            None
            if self.stopped_by is None or self.stopped_ms is None
            else StopRequest(self.stopped_by, self.stopped_ms)
        )

    @property
    def ends_ms(self) -> int:
        """When the server ends it, if nobody writes until then."""
        return self.until_ms if self.stopped_ms is None else min(self.until_ms, self.stopped_ms + STOP_WAIT_MS)
