"""How commands are carried out: what a feature's tables are made of."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from talkwire.core.commands.command import Command
from talkwire.core.domain.model import Actor
from talkwire.core.ports.transaction import LeaseTransaction, Prefetch, Snapshot, Transaction


@dataclass(frozen=True, slots=True)
class ChangeHandler:
    """How one kind of change is carried out.

    `check` refuses at the door, before anything is queued; `needs` names what `decide` will look up, for commands that
    come in batches; `decide` validates first and records then, so that a refusal leaves nothing behind. `loads`
    names the users that the node's directory loads before the change is queued, so that their contacts are notified.
    """

    decide: Callable[[Transaction, Actor, Any], object]
    check: Callable[[Any], None] | None = None
    needs: Callable[[Actor, Any, Prefetch], None] | None = None
    loads: Callable[[Actor, Any], Collection[str]] | None = None


Changes = Mapping[type[Command[Any]], ChangeHandler]
Upkeeps = Mapping[type[Command[Any]], Callable[[LeaseTransaction, Actor, Any], object]]
Queries = Mapping[type[Command[Any]], Callable[[Snapshot, Actor, Any], object]]
