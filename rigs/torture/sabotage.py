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
from talkwire.core.commands.agents.turns import EndTurn
from talkwire.core.commands.cards.deciding import CARD_TIMER
from talkwire.core.commands.command import Command, IdempotencyKey
from talkwire.core.commands.messages import SendMessage
from talkwire.core.domain.agents.turns import Turn, token_of
from talkwire.core.domain.cards.card import CardChoice, MessageCard
from talkwire.core.domain.cards.deciding import with_choice
from talkwire.core.domain.model import Actor
from talkwire.core.features.agents import turns
from talkwire.core.features.cards import ends as card_ends
from talkwire.core.features.decisions import choosing
from talkwire.core.features.turns import claiming
from talkwire.core.ports.jobs import Done, Job
from talkwire.core.ports.transaction import Transaction
from talkwire.storage.messages import turns as turn_rows
from talkwire.storage.messages.cards import WritableCardRows
from talkwire.storage.sql.batch import Write
from talkwire.storage.tables.timers import WritableTimerRows
from talkwire.storage.transaction import BatchTransaction
from talkwire.storage.writer import Attempt, GroupWriter

COMMITS_LATE_S = 0.05
"""Like a database that does not wait for the disk, but for longer."""

ENDS_LATE_S = 0.3
"""How long after the answer a turn ends that ends in a transaction of its own."""


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
        if kind != CARD_TIMER:
            set_timer(timers, kind, key, due_ms)

    _replace(WritableTimerRows, "set", set_others)


def end_turns_apart() -> None:
    """Ends a turn in another transaction than the one that stores the answer, a moment later."""
    enqueue = GroupWriter.enqueue

    def enqueue_twice(
        writer: GroupWriter, actor: Actor, command: Command[Any], done: Done, key: IdempotencyKey | None = None
    ) -> None:
        if not isinstance(command, SendMessage) or command.turn is None or command.card is not None or command.more:
            enqueue(writer, actor, command, done, key)
            return
        end = EndTurn(turn=command.turn, sender_id=command.sender_id)

        def end_later(result: Any, error: Exception | None) -> None:  # noqa: ANN401
            done(result, error)
            if error is None and writer._loop is not None:
                writer._loop.call_later(ENDS_LATE_S, enqueue, writer, actor, end, _answered_already)

        enqueue(writer, actor, replace(command, more=True), end_later, key)

    _replace(GroupWriter, "enqueue", enqueue_twice)


def claim_beside() -> None:
    """Lets an agent claim a turn of a conversation in which another one is worked on. The index that refuses this is
    dropped, too (`STATEMENTS`)."""
    conditions = turn_rows._may_be_claimed

    def others_do_not_matter(now_ms: int) -> Sequence[Any]:
        is_waiting, is_due, _, *rest = conditions(now_ms)
        return (is_waiting, is_due, *rest)

    _replace(turn_rows, "_may_be_claimed", others_do_not_matter)


def keep_the_attempt() -> None:
    """Gives a turn whose lease has ended to the next process without a higher attempt."""
    begin = turns.begin_attempt

    def begin_again(tx: Transaction, turn: Turn, lease_ms: int) -> Turn:
        return begin(tx, replace(turn, attempt=max(0, turn.attempt - 1)), lease_ms)

    _replace(claiming, "begin_attempt", begin_again)


def trust_old_tokens() -> None:
    """Stores messages of attempts that others have superseded."""
    current = turns.current_turn

    def current_for_all(tx: Transaction, agent_id: str, token: str, turn_id: str | None = None) -> Turn:
        turn = tx.turns.find(token_of("turn", token).turn_id)
        return current(tx, agent_id, token if turn is None else turn.token, turn_id)

    _replace(turns, "current_turn", current_for_all)


def forget_cards() -> None:
    """Wakes nobody when a card has ended for which a turn waits."""
    _replace(card_ends, "card_ended", lambda tx, message: None)


def leave_streams_open() -> None:
    """Leaves the interrupted message of a former attempt as it is when another message answers."""
    _replace(turns, "_give_up_stream", lambda tx, turn: None)


def write_each_notice() -> None:
    """Writes a service message for each turn at the end of a chain of agents' messages."""
    _replace(turn_rows.WritableTurnRows, "has_stopped", lambda rows, conversation_id, root_id: False)


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
    "end-turns-apart": end_turns_apart,
    "claim-beside": claim_beside,
    "keep-the-attempt": keep_the_attempt,
    "trust-old-tokens": trust_old_tokens,
    "forget-cards": forget_cards,
    "leave-streams-open": leave_streams_open,
    "write-each-notice": write_each_notice,
}

STATEMENTS: Mapping[str, Sequence[str]] = {"claim-beside": ("DROP INDEX ix_turns_working",)}
"""What is broken in the database beside the nodes, by sabotage."""


def main(arguments: Sequence[str]) -> int:
    """The command line's exit code."""
    name, *rest = arguments
    SABOTAGES[name]()
    sys.argv = ["talkwire", *rest]
    return run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
