"""Starts a node of which something is broken on purpose, to show that the campaign finds it.

    python -m rigs.torture.sabotage NAME serve …

The product knows nothing of this: its functions are replaced here, in a process that then runs its command line.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

from msgspec.structs import replace

from talkwire.cli import main as run
from talkwire.core.cluster.feed import Commit, LogFeed
from talkwire.core.commands.cards.deciding import CARD
from talkwire.core.domain.cards.card import CardChoice, MessageCard
from talkwire.core.domain.cards.deciding import with_choice
from talkwire.core.features.decisions import choosing
from talkwire.core.ports.jobs import Job
from talkwire.storage.messages.cards import WritableCardRows
from talkwire.storage.sql.batch import Write
from talkwire.storage.tables.timers import WritableTimerRows
from talkwire.storage.transaction import BatchTransaction
from talkwire.storage.writer import Attempt, GroupWriter

COMMITS_LATE_S = 0.05
"""Like a database that does not wait for the disk, but for longer."""


def ack_before_commit() -> None:
    """Commands are answered once they are decided, and written a moment later: what the database then refuses, or what
    dies with the node, was acknowledged all the same."""
    commit, flush = GroupWriter._commit, BatchTransaction.flush

    def commit_after_answering(writer: GroupWriter, jobs: list[Job], attempt: Attempt) -> None:
        def answer_and_flush(tx: BatchTransaction) -> Sequence[Write]:
            answers = [(job.done, job.result, job.error) for job in jobs]
            for job in jobs:
                job.done = _answered_already
            assert writer._loop is not None
            writer._loop.call_soon_threadsafe(_give, answers)
            time.sleep(COMMITS_LATE_S)
            return flush(tx)

        _replace(BatchTransaction, "flush", answer_and_flush)
        commit(writer, jobs, attempt)

    _replace(GroupWriter, "_commit", commit_after_answering)


def _give(answers: Sequence[tuple[Callable[[Any, Any], None], object, Exception | None]]) -> None:
    for done, result, error in answers:
        done(result, error)


def _answered_already(_result: object, _error: Exception | None) -> None:
    pass


def skip_the_gap_check() -> None:
    """Hands out incoming events at once, even if events before them are missing."""

    def arrived(feed: LogFeed, commit: Commit) -> None:
        if commit.pos > feed.pos:
            feed._deliver_commit(commit, None)

    def committed(feed: LogFeed, commit: Commit, answer: Callable[[], None]) -> None:
        feed._deliver_commit(commit, answer)

    _replace(LogFeed, "receive", arrived)
    _replace(LogFeed, "committed", committed)


def decide_again() -> None:
    """Accepts choices after the decision has ended."""

    def still_open(card: MessageCard, now_ms: int) -> MessageCard:
        return replace(card, state="open")

    _replace(choosing, "card_at", still_open)


def count_twice() -> None:
    """Counts each choice twice."""

    def counted_twice(card: MessageCard, before: CardChoice | None, choice: CardChoice) -> MessageCard:
        return with_choice(with_choice(card, before, choice), None, choice)

    _replace(choosing, "with_choice", counted_twice)


def forget_choices() -> None:
    """Stores no choices, so that nobody has chosen already."""
    _replace(WritableCardRows, "put_choice", lambda rows, message_id, choice: None)


def lose_card_timers() -> None:
    """Stores no times at which cards end."""
    set_timer = WritableTimerRows.set

    def set_others(timers: WritableTimerRows, kind: str, key: str, due_ms: int | None) -> None:
        if kind != CARD:
            set_timer(timers, kind, key, due_ms)

    _replace(WritableTimerRows, "set", set_others)


def _replace(owner: type | ModuleType, name: str, function: Callable[..., Any]) -> None:
    assert hasattr(owner, name), f"{owner.__name__}.{name} is not there any more"
    setattr(owner, name, function)


SABOTAGES: Mapping[str, Callable[[], None]] = {
    "ack-before-commit": ack_before_commit,
    "skip-the-gap-check": skip_the_gap_check,
    "decide-again": decide_again,
    "count-twice": count_twice,
    "forget-choices": forget_choices,
    "lose-card-timers": lose_card_timers,
}


def main(arguments: Sequence[str]) -> int:
    """The command line's exit code."""
    name, *rest = arguments
    SABOTAGES[name]()
    sys.argv = ["talkwire", *rest]
    return run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
