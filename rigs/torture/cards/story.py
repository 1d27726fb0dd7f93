"""Compares what was answered about a card with what is stored, shown and signed afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rigs.torture.cards.presses import Press
from rigs.torture.clients.client_socket import Json


@dataclass(frozen=True)
class CardStory:
    """One card after everything has come back. `digest` is that of the answer to who asked; `cards` and `receipts` (the
    verified claims) are by node, `events` those of the event stream, `audit` the entries of the audit log, `rows` the
    stored choices by user, and `received` the `card:decided` of each socket.
    """

    digest: str
    presses: Sequence[Press]
    cards: Mapping[str, Json]
    receipts: Mapping[str, Json]
    events: Sequence[Json]
    audit: Sequence[Json]
    rows: Mapping[str, list[str]]
    received: Sequence[Sequence[Json]]

    @property
    def card(self) -> Json:
        return next(iter(self.cards.values()))

    @property
    def outcome(self) -> Json:
        """How the decision has ended, as a refusal says it."""
        return {name: self.card[name] for name in ("state", "outcome", "actionId") if name in self.card}

    def data(self, type_: str) -> list[Json]:
        return [event["data"] for event in self.events if event["type"] == type_]


def violations_of(story: CardStory) -> list[str]:
    """Returns what should not be, as sentences."""
    return [*_of_answers(story), *_of_log(story), *_of_card(story), *_of_decision(story), *_of_receipts(story)]


def _of_answers(story: CardStory) -> Iterator[str]:
    """A final answer is the card with the user's choice, or a conflict with the outcome."""
    for press in story.presses:
        if press.card is None:
            error = press.error or {}
            if error.get("code") != "conflict" or error.get("details") != story.outcome:
                yield f"{press.user} was answered {error}, and the outcome is {story.outcome}"
            continue
        if press.card["mine"]["actionIds"] != [press.action]:
            yield f"{press.user} chose {press.action} and was answered {press.card['mine']}"
        if press.card["state"] != "open":
            shown = {name: press.card.get(name) for name in story.outcome}
            if shown != story.outcome:
                yield f"{press.user} was answered {shown}, and the outcome is {story.outcome}"


def _of_log(story: CardStory) -> Iterator[str]:
    """Each accepted choice is one event and one row, and the decision is one event and one entry of the audit log."""
    accepted = sorted((press.user, [press.action]) for press in story.presses if press.card is not None)
    acted = [(data["userId"], data["actionIds"]) for data in story.data("card:acted")]
    if sorted(acted) != accepted:
        yield f"card:acted is {sorted(acted)}, and the accepted choices are {accepted}"
    if sorted(story.rows.items()) != accepted:
        yield f"the stored choices are {sorted(story.rows.items())}, and the accepted ones are {accepted}"
    types = [event["type"] for event in story.events]
    if types.count("card:decided") != 1 or types[-1] != "card:decided":
        yield f"the log has {types.count('card:decided')} decisions, and its last event is {types[-1]}"
    audited = [(entry["actorId"], entry["digest"]) for entry in story.audit]
    expected = [(story.card["decidedBy"][-1], story.digest)] if story.card["state"] == "decided" else []
    if audited != expected:
        yield f"the audit log has {audited} instead of {expected}"


def _of_card(story: CardStory) -> Iterator[str]:
    """All nodes show the same card, which follows from the events."""
    card = story.card
    for node, shown in story.cards.items():
        if shown != card:
            yield f"{node} shows {shown}, and another node {card}"
    acted = story.data("card:acted")
    counts = Counter(action for data in acted for action in data["actionIds"])
    if {action: count for action, count in card["counts"].items() if count} != counts:
        yield f"the counts are {card['counts']}, and the choices are {counts}"
    chosen = {each["userId"]: each["actionIds"] for each in card.get("choices", ())}
    if chosen != story.rows:
        yield f"the card shows the choices {chosen}, and {story.rows} are stored"
    if card["digest"] != story.digest:
        yield f"the digest is {card['digest']}, and {story.digest} was asked"
    named = ("state", "outcome", "actionId", "decidedBy", "counts", "endedAt", "digest")
    for data in [*story.data("card:decided"), *(each for one in story.received for each in one)]:
        others = {name: data.get(name) for name in named if data.get(name) != card.get(name)}
        if others:
            yield f"card:decided has {others}, and the card { ({name: card.get(name) for name in others}) }"
    if any(len(received) > 1 for received in story.received):
        yield "a socket has received more than one decision"


def _of_decision(story: CardStory) -> Iterator[str]:
    """An action is decided by those who have chosen it, once they are enough, and the last of them ends the card."""
    card, acted = story.card, story.data("card:acted")
    if card["state"] == "decided":
        by = [data["userId"] for data in acted if data["actionIds"] == [card["actionId"]]]
        needed = card["decide"][card["actionId"]] if isinstance(card["decide"], dict) else 1
        if sorted(card["decidedBy"]) != sorted(by) or card["decidedBy"][-1] != acted[-1]["userId"]:
            yield f"decidedBy is {card['decidedBy']}, and {by} have chosen it"
        if len(by) != needed:
            yield f"{len(by)} have chosen what {needed} decide"


def _of_receipts(story: CardStory) -> Iterator[str]:
    """Each node signs the same, which is what the card says."""
    card, at = story.card, {each["userId"]: each["at"] for each in story.card.get("choices", ())}
    position = int(story.events[-1]["id"].rpartition("-")[2])
    for node, claims in story.receipts.items():
        stated = {name: claims.get(name) for name in ("digest", "outcome", "actionId", "by", "pos")}
        by = [{"userId": user, "at": at.get(user)} for user in card.get("decidedBy", ())]
        expected = {"digest": story.digest, **{name: card.get(name) for name in ("outcome", "actionId")}}
        if stated != {**expected, "by": by, "pos": position}:
            yield f"{node} signs {stated}, and not {expected} by {by} at {position}"
