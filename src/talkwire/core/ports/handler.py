"""The types of the tables in which each feature lists the functions that handle its commands: changes, queries, and
commands of nodes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from talkwire.core.commands.command import Command
from talkwire.core.domain.model import Actor
from talkwire.core.ports.transaction import LeaseTransaction, Prefetch, Snapshot, Transaction


@dataclass(frozen=True, slots=True)
class ChangeHandler:
    """The functions that execute one type of change command (a command that writes to the database).

    `check` raises for an invalid command before the command is queued. `needs` adds the database keys that `decide`
    will look up, so that the rows for a whole batch of commands are fetched together. `decide` runs in the transaction;
    it validates first and records events after that, so that a refusal changes nothing. `loads` returns the ids of
    users to load into the node's directory (its cache of users) before the command is queued, so that their contacts
    are notified. If it `settles`, the result has a field `pending_pos`: while it is not None, memberships that follow
    are still being written, and the chat waits for them before it returns the result.
    """

    decide: Callable[[Transaction, Actor, Any], object]
    check: Callable[[Any], None] | None = None
    needs: Callable[[Actor, Any, Prefetch], None] | None = None
    loads: Callable[[Actor, Any], Collection[str]] | None = None
    settles: bool = False


Changes = Mapping[type[Command[Any]], ChangeHandler]
NodeCommandHandlers = Mapping[type[Command[Any]], Callable[[LeaseTransaction, Actor, Any], object]]
Queries = Mapping[type[Command[Any]], Callable[[Snapshot, Actor, Any], object]]
