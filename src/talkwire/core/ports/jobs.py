"""Queued changes (commands that write), as the writer passes them to the function that decides them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from talkwire.core.commands.command import Command, IdempotencyKey
from talkwire.core.domain.model import Actor
from talkwire.core.ports.transaction import Transaction

Done = Callable[[Any, "Exception | None"], None]
"""Function that receives a command's (result, error), of which exactly one is set."""


class Job(msgspec.Struct, eq=False):
    """One queued command with its actor, and its `result` or `error` once it was executed. `done` passes these to the
    caller; `answered` says that it did. With an idempotency `key`, a repeated request gets the stored result."""

    actor: Actor
    command: Command[Any]
    done: Done
    key: IdempotencyKey | None = None
    result: object = None
    error: Exception | None = None
    answered: bool = False


DecideBatch = Callable[[Transaction, Sequence[Job]], None]
"""Function that executes a batch of commands in the writer's transaction and sets the `result` or `error` of each job.
`core.engine.decider.Decider.decide` is the one that servers use."""
