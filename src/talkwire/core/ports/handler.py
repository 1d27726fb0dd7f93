"""The types of the tables in which a feature lists its command handlers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from talkwire.core.commands.command import Command
from talkwire.core.domain.model import Actor
from talkwire.core.ports.transaction import LeaseTransaction, Prefetch, Snapshot, Transaction


@dataclass(frozen=True, slots=True)
class ChangeHandler:
    """How one type of change command is executed.

    `check` raises for an invalid command before it is queued. `needs` names what `decide` will look up, so that a batch
    of commands is fetched together. `decide` runs in the transaction; it validates first and records after that, so
    that a refusal changes nothing. `loads` names users to load into the node's directory before the change is queued,
    so that their contacts are notified.
    """

    decide: Callable[[Transaction, Actor, Any], object]
    check: Callable[[Any], None] | None = None
    needs: Callable[[Actor, Any, Prefetch], None] | None = None
    loads: Callable[[Actor, Any], Collection[str]] | None = None


Changes = Mapping[type[Command[Any]], ChangeHandler]
NodeCommandHandlers = Mapping[type[Command[Any]], Callable[[LeaseTransaction, Actor, Any], object]]
Queries = Mapping[type[Command[Any]], Callable[[Snapshot, Actor, Any], object]]
