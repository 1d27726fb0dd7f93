"""What happens to a command that writes, from the queue to the commit.

`Chat` checks a command and queues it; the writer executes all that were queued in one transaction, in which `Decider`
decides everything:

1. The rows that the commands of the batch will look up are fetched together (`needs` of a command's handler).
2. The commands are executed one after the other, by the features' functions (`CHANGES`). Each validates its command
   first and then records events, so a refused command changes nothing; its error names the conversation.
   - With an idempotency key, a command that was executed before is not executed again (`idempotency.py`).
   - What a command did to others is added to the audit log (`acts.py`).
3. Users whom the batch has created join the default conversations.

Then the writer commits, and only after that the callers receive the results.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from talkwire.core.commands.command import Command
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import Actor
from talkwire.core.engine.command_table import CHANGES
from talkwire.core.engine.default_conversations import DefaultConversations
from talkwire.core.engine.refusal_causes import name_conversation
from talkwire.core.features.catching_up.idempotency import decide_once
from talkwire.core.features.moderation.acts import ACTS, decide_audited
from talkwire.core.ports.handler import Changes
from talkwire.core.ports.jobs import Job
from talkwire.core.ports.transaction import Prefetch, Transaction


class Decider:
    """Executes batches of commands with the functions of `handlers`, in transactions that the caller commits."""

    def __init__(self, handlers: Changes = CHANGES) -> None:
        self._needs = {type_: handler.needs for type_, handler in handlers.items() if handler.needs is not None}
        self._functions: Mapping[type[Command[Any]], Callable[[Transaction, Actor, Any], object]] = {
            type_: partial(decide_audited, handler.decide) if type_ in ACTS else handler.decide
            for type_, handler in handlers.items()
        }
        self._default_conversations = DefaultConversations()

    def decide(self, tx: Transaction, jobs: Sequence[Job]) -> None:
        """Executes the jobs (queued commands) one after the other, and sets each one's `result`, or its `error` if it
        was refused. Raises the error of a command that fails for another reason, such as one of the database: the
        transaction must not be committed then. The jobs may be decided again in another transaction."""
        first = tx.next_pos()
        tx.prefetch(self._needs_of(jobs))
        for job in jobs:
            self._decide_one(tx, job)
        if tx.policy.default_conversations:
            self._default_conversations.welcome(tx, tx.recorded_since(first))

    def _needs_of(self, jobs: Sequence[Job]) -> Prefetch:
        needs = Prefetch()
        for job in jobs:
            add_needs = self._needs.get(type(job.command))
            if add_needs is not None:
                add_needs(job.actor, job.command, needs)
        return needs

    def _decide_one(self, tx: Transaction, job: Job) -> None:
        job.error = None
        function = self._functions[type(job.command)]
        try:
            if job.key is None:
                job.result = function(tx, job.actor, job.command)
            else:
                job.result = decide_once(tx, job.actor, job.command, job.key, function)
        except ChatError as refusal:
            name_conversation(refusal, tx, job.command)
            job.error = refusal
