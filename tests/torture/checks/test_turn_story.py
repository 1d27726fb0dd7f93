"""A turn that was answered twice, was forgotten, or was worked on beside another one is found; a good one passes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from rigs.torture.turns.journal import Journal, TurnRow
from rigs.torture.turns.people import Chain, Mention
from rigs.torture.turns.story import StoredMessage, TurnStory, violations_of
from rigs.torture.turns.work import PAIR, PAIR_CONVERSATION, pieces_of
from talkwire.core.domain.log.positions import id_at

ROOT, MENTION, ASKED, NOTHING = (id_at(pos) for pos in (50, 1, 10, 20))
SENT, STREAMED, WITHOUT = 2, 11, 21
"""Turns."""

OF_PAIR = (51, 52, 53)
"""Turns of the pair, which begin with messages at the same positions."""

Row = tuple[int, str, int, int]
"""A turn, its state, its attempt and the log's position."""

ROWS: list[Row] = [
    (SENT, "waiting", 0, 1),
    (SENT, "working", 1, 2),
    (SENT, "waiting", 1, 3),
    (SENT, "working", 2, 4),
    (SENT, "done", 2, 5),
    (STREAMED, "working", 1, 10),
    (STREAMED, "working", 1, 11),
    (STREAMED, "done", 1, 14),
    (WITHOUT, "working", 1, 20),
    (WITHOUT, "done", 1, 21),
    *((turn, state, 1, turn - 1) for turn in OF_PAIR for state in ("working", "done")),
]


def journal_of(rows: list[Row]) -> Journal:
    journal = Journal()
    for n, (turn, state, attempt, pos) in enumerate(rows):
        conversation_id = PAIR_CONVERSATION if turn in OF_PAIR else "c"
        journal.add([TurnRow(n, turn, conversation_id, state, attempt, 0, pos, n)])
    return journal


def message(pos: int, turn_id: int, answers: int, attempt: int, **more: Any) -> StoredMessage:  # noqa: ANN401
    extra = {"cause": {"depth": 1, "root_id": answers, "turn_id": turn_id}, **more.pop("extra", {})}
    metadata = {"answers": [str(answers)], "attempt": attempt}
    fields = {"id": id_at(pos), "conversation_id": "c", "sender_id": "helper", "content": "Hello"}
    return StoredMessage(**{**fields, "metadata": metadata, "extra": extra, "is_deleted": False, **more})


def of_pair(pos: int, depth: int) -> StoredMessage:
    extra = {"cause": {"depth": depth, "root_id": ROOT, "turn_id": pos}}
    return message(pos, pos, ROOT, 1, extra=extra, conversation_id=PAIR_CONVERSATION, sender_id=PAIR[(depth - 1) % 2])


ANSWER = message(6, SENT, MENTION, 2)
STREAM = message(12, STREAMED, ASKED, 1, content="".join(pieces_of(str(STREAMED), 1)), extra={"state": "done"})
NOTICE = StoredMessage(id_at(60), PAIR_CONVERSATION, "ping", "", {}, {"system": True}, is_deleted=False)


def by_id(*messages: StoredMessage) -> dict[int, StoredMessage]:
    return {each.id: each for each in messages}


CHAIN = [of_pair(51, 1), of_pair(52, 2), of_pair(53, 3), NOTICE]
GOOD = TurnStory(
    mentions=[
        Mention(str(MENTION), "c", "answer"),
        Mention(str(ASKED), "c", "stream"),
        Mention(str(NOTHING), "c", "nothing"),
    ],
    chains=[Chain(str(ROOT), is_single=True)],
    journal=journal_of(ROWS),
    lines=[
        {"did": "claimed", "turn": str(SENT), "attempt": 2},
        {"did": "answered", "turn": str(SENT), "attempt": 2, "messageId": str(ANSWER.id)},
        {"did": "finished", "turn": str(STREAMED), "attempt": 1, "messageId": str(STREAM.id)},
        {"did": "done", "turn": str(WITHOUT), "attempt": 1},
    ],
    messages=by_id(ANSWER, STREAM, *CHAIN),
    messages_of={SENT: [MENTION], STREAMED: [ASKED], WITHOUT: [NOTHING]},
    stopped=[ROOT],
)


def found_in(story: TurnStory) -> list[str]:
    return [*story.journal.violations, *violations_of(replace(story, counts=Counter()))]


def test_a_good_story_passes() -> None:
    assert found_in(GOOD) == []


def with_messages(*messages: StoredMessage) -> TurnStory:
    return replace(GOOD, messages={**GOOD.messages, **by_id(*messages)})


def with_rows(*rows: Row) -> TurnStory:
    return replace(GOOD, journal=journal_of([*ROWS, *rows]))


def without(*ids: int) -> TurnStory:
    return replace(GOOD, messages={id_: each for id_, each in GOOD.messages.items() if id_ not in ids})


CASES: dict[str, tuple[Callable[[], TurnStory], str]] = {
    "answered twice": (lambda: with_messages(message(7, SENT, MENTION, 2)), "has 2 answers"),
    "not answered": (lambda: without(STREAM.id), "has 0 answers"),
    "lost after its acknowledgement": (lambda: without(ANSWER.id), "was acknowledged, and is not there"),
    "answered although nobody wanted it": (
        lambda: with_messages(message(22, WITHOUT, NOTHING, 1)),
        "turn 21 has 1 answers",
    ),
    "an interrupted stream": (
        lambda: with_messages(message(13, STREAMED, ASKED, 1, extra={"state": "interrupted"})),
        "is interrupted",
    ),
    "a message of a former attempt": (
        lambda: with_messages(ANSWER._replace(metadata={**ANSWER.metadata, "attempt": 1})),
        "message 1000000000006 of attempt 1 was stored while turn 2 was worked on by [2]",
    ),
    "a text without its end": (lambda: with_messages(STREAM._replace(content="[1.0]")), "does not end with all of"),
    "a turn that waits": (lambda: with_rows((31, "waiting", 0, 30)), "turn 31 is waiting"),
    "a turn that has failed": (
        lambda: with_rows((31, "working", 1, 30), (31, "failed", 1, 31)),
        "turn 31 is failed",
    ),
    "an unread message": (lambda: replace(GOOD, unread=[MENTION]), "has not read message"),
    "two turns at once": (
        lambda: with_rows(*((turn, "working", 1, 30) for turn in (31, 32)), (31, "done", 1, 31), (32, "done", 1, 31)),
        "both working",
    ),
    "an attempt that does not grow": (
        lambda: with_rows(*((31, state, 1, 30) for state in ("working", "waiting", "working", "done"))),
        "without a higher attempt",
    ),
    "an attempt beside the former one": (
        lambda: with_rows((31, "working", 1, 30), (31, "working", 2, 30), (31, "done", 2, 30)),
        "began while attempt 1 worked",
    ),
    "a turn that continues after its end": (
        lambda: with_rows((SENT, "working", 3, 30), (SENT, "done", 3, 31)),
        "was done, and then working",
    ),
    "one attempt for two processes": (
        lambda: replace(GOOD, lines=[*GOOD.lines, GOOD.lines[0]]),
        "was given to 2 processes",
    ),
    "an end that was acknowledged and lost": (
        lambda: replace(GOOD, lines=[{"did": "done", "turn": "2", "attempt": 1}]),
        "has done, and no such turn was done",
    ),
    "a refusal for no reason": (
        lambda: replace(GOOD, lines=[{"did": "refused", "turn": "2", "attempt": 1, "error": {"code": "forbidden"}}]),
        "was refused",
    ),
    "two notices": (
        lambda: with_messages(NOTICE._replace(id=NOTICE.id + 1)),
        "has 2 service messages",
    ),
    "no notice": (lambda: without(NOTICE.id), "has 0 service messages"),
    "a chain that is too deep": (lambda: with_messages(of_pair(54, 4)), "has the answers"),
    "a turn of the pair without an answer": (lambda: without(id_at(52)), "turn 52 of the pair has 0"),
    "a chain that nobody stopped": (lambda: replace(GOOD, stopped=[]), "no turn of chain"),
    "a message of two turns": (
        lambda: replace(GOOD, messages_of={**GOOD.messages_of, WITHOUT: [NOTHING, MENTION]}),
        "belongs to the turns [2, 21]",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_should_not_be_is_found(case: str) -> None:
    story, expected = CASES[case]
    assert any(expected in violation for violation in found_in(story())), found_in(story())
