"""A card that was decided twice, lost a choice, or is signed otherwise is found; a good one passes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from rigs.torture.cards.counting import too_soon, wrong_choices, wrong_counts
from rigs.torture.cards.presses import Press
from rigs.torture.cards.sockets import ReceivedEvent
from rigs.torture.cards.story import CardStory, violations_of

Change = Callable[[CardStory], CardStory]

AT = "2026-01-01T00:00:00.000Z"
CARD: dict[str, Any] = {
    "decide": {"yes": 2, "no": 2},
    "state": "decided",
    "outcome": "decided",
    "actionId": "yes",
    "digest": "d",
    "decidedBy": ["bob", "alice"],
    "counts": {"yes": 2, "no": 1},
    "endedAt": AT,
    "choices": [
        {"userId": user, "actionIds": [action], "at": AT}
        for user, action in (("alice", "yes"), ("bob", "yes"), ("carol", "no"))
    ],
}
OPEN: dict[str, Any] = {"state": "open"}
OUTCOME = {"state": "decided", "outcome": "decided", "actionId": "yes"}


def _mine(card: dict[str, Any], action: str) -> dict[str, Any]:
    return {**card, "mine": {"actionIds": [action]}}


def _acted(number: int, user: str, action: str) -> dict[str, Any]:
    return {"type": "card:acted", "id": f"epoch-{number}", "data": {"userId": user, "actionIds": [action]}}


GOOD = CardStory(
    digest="d",
    presses=[
        Press("bob", "yes", 1, card=_mine(OPEN, "yes")),
        Press("carol", "no", 2, card=_mine(CARD, "no")),
        Press("alice", "yes", 1, card=_mine(CARD, "yes")),
        Press("dave", "no", 1, error={"code": "conflict", "details": OUTCOME}),
    ],
    cards={"node-1": CARD, "node-2": CARD},
    receipts={
        node: {
            "digest": "d",
            "outcome": "decided",
            "actionId": "yes",
            "pos": 4,
            "by": [{"userId": "bob", "at": AT}, {"userId": "alice", "at": AT}],
        }
        for node in ("node-1", "node-2")
    },
    events=[
        _acted(1, "bob", "yes"),
        _acted(2, "carol", "no"),
        _acted(3, "alice", "yes"),
        {"type": "card:decided", "id": "epoch-4", "data": CARD},
    ],
    audit=[{"actorId": "alice", "digest": "d"}],
    rows={"alice": ["yes"], "bob": ["yes"], "carol": ["no"]},
    received=[[CARD], []],
)


def _with_card(**changes: object) -> Change:
    return lambda story: replace(story, cards={**story.cards, "node-2": {**CARD, **changes}})


def _with_everything(**changes: object) -> Change:
    """Changes the card wherever it is shown."""
    card = {**CARD, **changes}

    def change(story: CardStory) -> CardStory:
        events = [*story.events[:-1], {**story.events[-1], "data": card}]
        return replace(story, cards=dict.fromkeys(story.cards, card), events=events, received=[])

    return change


def _with_error(**error: object) -> Change:
    return lambda story: replace(story, presses=[*story.presses[:-1], Press("dave", "no", 1, error=error)])


def test_a_good_story_passes() -> None:
    assert violations_of(GOOD) == []


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(_with_card(state="open"), id="a node shows another state"),
        pytest.param(_with_everything(counts={"yes": 3, "no": 1}), id="a choice is counted twice"),
        pytest.param(_with_everything(decidedBy=["bob"]), id="an acknowledged choice is missing"),
        pytest.param(_with_everything(decidedBy=["alice", "bob"]), id="another choice is the last one"),
        pytest.param(_with_everything(decide={"yes": 3}), id="too few decide"),
        pytest.param(_with_everything(digest="e"), id="another card is decided"),
        pytest.param(_with_error(code="conflict", details={**OUTCOME, "actionId": "no"}), id="another outcome"),
        pytest.param(_with_error(code="forbidden"), id="another refusal"),
        pytest.param(lambda story: replace(story, events=[*story.events, story.events[-1]]), id="two decisions"),
        pytest.param(lambda story: replace(story, events=story.events[1:]), id="an event is lost"),
        pytest.param(lambda story: replace(story, events=story.events[:-1]), id="the decision is lost"),
        pytest.param(lambda story: replace(story, rows={"alice": ["yes"], "bob": ["yes"]}), id="a row is lost"),
        pytest.param(lambda story: replace(story, audit=[]), id="no entry of the audit log"),
        pytest.param(lambda story: replace(story, audit=[*story.audit] * 2), id="two entries of the audit log"),
        pytest.param(lambda story: replace(story, received=[[CARD, CARD]]), id="a decision is received twice"),
        pytest.param(lambda story: replace(story, received=[[{**CARD, "actionId": "no"}]]), id="another is received"),
        pytest.param(
            lambda story: replace(story, receipts={"node-2": {**story.receipts["node-2"], "by": []}}),
            id="a receipt does not name who has decided",
        ),
    ],
)
def test_what_is_wrong_is_found(change: Change) -> None:
    assert violations_of(change(GOOD)) != []


def test_wrong_votes_are_found() -> None:
    expected = {"red": 1}
    assert wrong_counts({"node-1": {"red": 1}}, expected) == []
    assert wrong_counts({"node-1": {"red": 2}}, expected) == ["node-1 has {'red': 2} instead of {'red': 1}"]
    last = {"alice": ["red"], "bob": list[str]()}
    assert wrong_choices({"the log": last, "the database": {"alice": ["red"]}}, last) == []
    assert len(wrong_choices({"the log": {"alice": ["blue"]}, "the database": {"bob": ["red"]}}, last)) == 3


def test_updates_may_be_late_but_not_more_than_two_a_second() -> None:
    def found(*times_s: float) -> bool:
        return bool(too_soon([ReceivedEvent(at_s, "card:updated", {}) for at_s in times_s]))

    assert not found(7.0, 7.5, 8.0, 9.3, 9.4, 9.5)
    assert found(*(7 + each / 4 for each in range(12)))
