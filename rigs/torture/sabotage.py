"""Starts a node of which something is broken on purpose, to show that the campaign finds it.

    python -m rigs.torture.sabotage NAME serve …

The product knows nothing of this: its functions are replaced here, in a process that then runs its command line.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from talkwire.cli import main as run
from talkwire.core.cluster.feed import Commit, LogFeed
from talkwire.core.ports.jobs import Job
from talkwire.storage.transaction import BatchTransaction
from talkwire.storage.writer import Attempt, GroupWriter

COMMITS_LATE_S = 0.05
"""Like a database that does not wait for the disk, but for longer."""


def ack_before_commit() -> None:
    """Commands are answered once they are decided, and written a moment later: what the database then refuses, or what
    dies with the node, was acknowledged all the same."""
    commit, flush = GroupWriter._commit, BatchTransaction.flush

    def commit_after_answering(writer: GroupWriter, jobs: list[Job], attempt: Attempt) -> None:
        def answer_and_flush(tx: BatchTransaction) -> None:
            answers = [(job.done, job.result, job.error) for job in jobs]
            for job in jobs:
                job.done = _answered_already
            assert writer._loop is not None
            writer._loop.call_soon_threadsafe(_give, answers)
            time.sleep(COMMITS_LATE_S)
            flush(tx)

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


def _replace(owner: type, name: str, function: Callable[..., Any]) -> None:
    assert hasattr(owner, name), f"{owner.__name__}.{name} is not there any more"
    setattr(owner, name, function)


SABOTAGES: Mapping[str, Callable[[], None]] = {
    "ack-before-commit": ack_before_commit,
    "skip-the-gap-check": skip_the_gap_check,
}


def main(arguments: Sequence[str]) -> int:
    """The command line's exit code."""
    name, *rest = arguments
    SABOTAGES[name]()
    sys.argv = ["talkwire", *rest]
    return run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
