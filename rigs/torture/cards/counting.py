"""Runs a voting, and compares what all show, and what is stored, with a recount of the acknowledged choices."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import httpx

from rigs.torture.cards.facts import acted_and_decided, report_violations, stored_choices
from rigs.torture.cards.sockets import CardSocket, ReceivedEvent, opened_sockets
from rigs.torture.cards.voting import WATCHER, Voting, VotingPlan
from rigs.torture.cluster.place import BackEnd, Place, back_end_of
from rigs.torture.cluster.processes import wait_until
from tests.http_client import AsyncHttpClient

UPDATE_EVERY_S = 0.5
LATE_S = 1.5
"""How late an update may arrive, so that the next ones follow sooner."""

_ARRIVES_WITHIN_S = 30.0


@dataclass
class VotingOutcome:
    """What a voting has found: `violations` are sentences, `counts` what was looked at."""

    violations: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


async def run_voting(place: Place, plan: VotingPlan, report: Callable[[str], None]) -> VotingOutcome:
    """Votes in a poll while a member watches, closes it, and counts."""
    outcome, limits = VotingOutcome(), httpx.Limits(max_connections=2 * plan.at_once)
    async with back_end_of(place, plan.seed) as back_end, AsyncHttpClient(timeout=60, limits=limits) as http:
        voting = Voting(place, back_end, http, plan)
        message_id, cursor = await voting.ask(), (await back_end.request("GET", "/events"))["cursor"]
        async with opened_sockets({WATCHER: place.urls[0]}) as sockets:
            started_s = time.monotonic()
            await voting.vote(message_id)
            took_s = time.monotonic() - started_s
            await sockets[WATCHER].until_connected()
            await voting.take_one_back(message_id)
            shown = await _shown(place, back_end, message_id, sockets[WATCHER], voting.counted())
            updates = sockets[WATCHER].events("card:updated", message_id)
        events = await acted_and_decided(back_end, message_id, cursor)
    logged = {event["data"]["userId"]: event["data"]["actionIds"] for event in events if event["type"] == "card:acted"}
    found = {"the log": logged, "the database": await asyncio.to_thread(stored_choices, place, message_id)}
    outcome.violations = [
        *wrong_counts(shown, voting.counted()),
        *wrong_choices(found, voting.last),
        *too_soon(updates),
    ]
    if [event["type"] for event in events].count("card:decided") != 1:
        outcome.violations.append("the log has not exactly one decision")
    outcome.counts = {"attempts": voting.attempts, "choices in the log": len(events) - 1, "updates": len(updates)}
    speed = f"{voting.answers} choices of {plan.voters} users in {took_s:.1f} s, {voting.answers / took_s:.0f} a second"
    report(f"seed {plan.seed}: {speed}")
    report("  " + ", ".join(f"{what}: {number}" for what, number in outcome.counts.items()))
    report_violations(outcome.violations, report)
    return outcome


async def _shown(
    place: Place, back_end: BackEnd, message_id: str, watcher: CardSocket, expected: Mapping[str, int]
) -> dict[str, Mapping[str, int]]:
    """Returns the counts that are shown in all places before and after the poll is closed."""
    path, shown = f"/messages/{message_id}/card", dict[str, Mapping[str, int]]()

    async def look(when: str) -> None:
        for node in place.nodes:
            shown[f"{node.name} {when}"] = (await back_end.request("GET", path, node=node))["counts"]

    shown["the last card:updated"] = await _last_counts(watcher, "card:updated", message_id, expected)
    await look("before the end")
    shown["the answer to the back end"] = (await back_end.request("POST", f"{path}/close"))["counts"]
    shown["card:decided"] = await _last_counts(watcher, "card:decided", message_id, expected)
    await look("after the end")
    return shown


async def _last_counts(
    watcher: CardSocket, name: str, message_id: str, expected: Mapping[str, int]
) -> Mapping[str, int]:
    """Returns the last counts that a socket has received, for which it may wait a while."""
    counts: list[Mapping[str, int]] = [{}]

    async def are_expected() -> bool:
        counts.extend(event.data["counts"] for event in watcher.events(name, message_id)[-1:])
        return counts[-1] == expected

    with suppress(TimeoutError):
        await wait_until(are_expected, f"{name} has all votes", _ARRIVES_WITHIN_S)
    return counts[-1]


def wrong_counts(shown: Mapping[str, Mapping[str, int]], expected: Mapping[str, int]) -> list[str]:
    """Returns which counts are not those of the acknowledged choices, as sentences."""
    return [f"{where} has {counts} instead of {expected}" for where, counts in shown.items() if counts != expected]


def wrong_choices(found: Mapping[str, Mapping[str, list[str]]], last: Mapping[str, list[str]]) -> list[str]:
    """Returns where a user's choice is not the last acknowledged one, as sentences. An empty choice may be missing."""
    wrong = []
    for where, choices in found.items():
        for user in choices.keys() | last.keys():
            chosen, acknowledged = choices.get(user) or [], last.get(user) or []
            if chosen != acknowledged:
                wrong.append(f"{where} has {chosen} of {user} instead of {acknowledged}")
    return wrong


def too_soon(updates: Sequence[ReceivedEvent]) -> list[str]:
    """Returns which update arrived sooner than twice a second allows, as a sentence. Updates may be late, so that the
    next ones follow sooner."""
    due_s = 0.0
    for number, update in enumerate(updates, 1):
        if update.at_s < due_s - LATE_S:
            return [f"update {number} arrived {due_s - update.at_s:.1f} s too soon"]
        due_s = max(due_s, update.at_s) + UPDATE_EVERY_S
    return []
