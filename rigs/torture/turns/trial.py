"""One trial: people ask an agent with several replicas while parts of the whole are broken. Then all is compared."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from rigs.torture.cards.facts import report_violations
from rigs.torture.cluster.cluster import token
from rigs.torture.cluster.place import BackEnd, Place, back_end_of
from rigs.torture.cluster.processes import wait_until
from rigs.torture.sabotage import STATEMENTS
from rigs.torture.turns.faults import Fault, cause, counted, schedule
from rigs.torture.turns.journal import Journal, keep_journal, rows_after
from rigs.torture.turns.people import Chain, Deciders, Mention, ask, begin_chains, talks
from rigs.torture.turns.replica import Job
from rigs.torture.turns.replica_process import ReplicaProcess
from rigs.torture.turns.story import story_of, violations_of
from rigs.torture.turns.work import AGENT, DEPTH, PAIR, PAIR_CONVERSATION

REPLICAS = 3
ENVIRONMENT: Mapping[str, str] = {
    "TALKWIRE_AGENT_MESSAGES_PER_HOUR": "1000000",
    "TALKWIRE_MAX_TURN_TRIES": "100",
    "TALKWIRE_MAX_AGENT_DEPTH": str(DEPTH),
}

_CLAIMS = 4
_LOOKS_EVERY_S = 0.5
_ENDS_WITHIN_S = 1200.0


@dataclass(frozen=True)
class TurnPlan:
    """What happens in a trial follows from its seed. There are `rate` mentions a second on average. `stuck_s` is after
    how many seconds without any change an open turn counts as forgotten, beyond the time when it can be claimed."""

    seed: int
    mentions: int = 1000
    rate: float = 8.0
    conversations: int = 40
    faults: int = 40
    chains: int = 6
    stuck_s: float = 25.0

    @property
    def within_s(self) -> float:
        """In how many seconds everything is asked, and something is broken."""
        return self.mentions / self.rate


@dataclass
class TurnOutcome:
    """What a trial has found: `violations` are sentences, `counts` what was looked at."""

    plan: TurnPlan
    faults: Sequence[Fault]
    violations: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    elapsed_s: float = 0.0


class TurnTrial:
    """A trial in a place of its own."""

    def __init__(self, place: Place, back_end: BackEnd, folder: Path, plan: TurnPlan) -> None:
        self._place = place
        self._back_end = back_end
        self._plan = plan
        self._chance = random.Random(plan.seed)
        agents = (AGENT, *PAIR)
        job = Job(
            urls=place.urls,
            tokens={agent: token(agent) for agent in agents},
            mentions={agent: PAIR[agent == PAIR[0]] for agent in PAIR},
            claims={AGENT: _CLAIMS, **dict.fromkeys(PAIR, 1)},
            seed=plan.seed,
        )
        self._replicas = [ReplicaProcess(f"replica-{each + 1}", job, folder) for each in range(REPLICAS)]
        self._journal = Journal()
        self._is_breaking = False
        faults = schedule(place, REPLICAS, self._chance, plan.faults, plan.within_s)
        self._outcome = TurnOutcome(plan, faults)

    async def run(self) -> TurnOutcome:
        started_s = time.monotonic()
        await asyncio.to_thread(keep_journal, self._place)
        conversations = await talks(self._back_end, self._plan.conversations)
        deciders = Deciders(self._back_end, conversations, random.Random(self._chance.random()))
        cursor = (await self._back_end.request("GET", "/events"))["cursor"]
        async with self._running(self._watch(), deciders.decide(cursor)):
            for replica in self._replicas:
                replica.start()
            asking = ask(self._back_end, conversations, self._plan.mentions, self._plan.rate, self._chance)
            chaining = begin_chains(self._back_end, self._plan.chains, self._plan.within_s, self._chain_ends)
            mentions, chains, _ = await asyncio.gather(asking, chaining, self._break())
            await self._turns_end()
        self._outcome.violations += deciders.failures()
        await self._check(mentions, chains)
        self._outcome.elapsed_s = time.monotonic() - started_s
        return self._outcome

    async def _break(self) -> None:
        self._is_breaking = True
        await cause(self._place, self._replicas, self._outcome.faults)
        self._is_breaking = False

    @asynccontextmanager
    async def _running(self, *beside: Any) -> AsyncIterator[None]:  # noqa: ANN401 (coroutines)
        """Runs coroutines meanwhile, and ends the replicas afterwards."""
        tasks = [asyncio.ensure_future(each) for each in beside]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            for replica in self._replicas:
                await replica.kill()
            for ended in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(ended, Exception):
                    raise ended

    # --- waiting ------------------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        """Reads the journal again and again, until it is cancelled."""
        while True:
            await self._read_journal()
            await asyncio.sleep(_LOOKS_EVERY_S)

    async def _read_journal(self) -> None:
        with suppress(psycopg.OperationalError, sqlite3.OperationalError):  # PostgreSQL is killed or stopped
            self._journal.add(await asyncio.to_thread(rows_after, self._place, self._journal.last_n))

    async def _query(self, statement: str) -> list[tuple[Any, ...]] | None:
        """Returns the rows of a query, or None while PostgreSQL is killed or stopped."""
        with suppress(psycopg.OperationalError, sqlite3.OperationalError):
            return await asyncio.to_thread(self._place.query, statement)
        return None

    async def _chain_ends(self, chain: Chain) -> None:
        """Returns once the pair of agents has stopped, or is stuck."""
        of_pair = f"conversation_id = '{PAIR_CONVERSATION}'"
        stopped = f"SELECT 1 FROM turns WHERE {of_pair} AND root_id = {chain.root_id} AND error_code = 'depth'"  # noqa: S608
        await self._no_turn_is_open(of_pair, stopped)

    async def _turns_end(self) -> None:
        await self._no_turn_is_open("1 = 1", "SELECT 1")

    async def _no_turn_is_open(self, which: str, condition: str) -> None:
        """Returns once no turn is open and a query has rows, or if nothing has changed for long although nothing is
        broken. Those turns that are open then are violations in the end."""
        opened = "SELECT coalesce(max(coalesce(until_ms, claimable_ms, 0)), 0), count(*) FROM turns"
        opened += f" WHERE state IN ('working', 'waiting') AND {which}"
        changed_s, last_n = time.monotonic(), -1

        async def is_over() -> bool:
            nonlocal changed_s, last_n
            for replica in self._replicas:
                if (ended := replica.ended_with()) is not None and "Traceback" in ended:
                    raise RuntimeError(ended)
            rows, met = await self._query(opened), await self._query(condition)
            if rows is None or met is None:
                return False
            ((due_ms, number),) = rows
            if not number and met:
                return True
            if self._is_breaking or self._journal.last_n != last_n or due_ms > time.time() * 1000:
                changed_s, last_n = time.monotonic(), self._journal.last_n
            return time.monotonic() - changed_s > self._plan.stuck_s

        await wait_until(is_over, "all turns have ended", _ENDS_WITHIN_S, _LOOKS_EVERY_S)

    # --- checks -------------------------------------------------------------------------------------------------------

    async def _check(self, mentions: Sequence[Mention], chains: Sequence[Chain]) -> None:
        await self._read_journal()
        lines = [line for replica in self._replicas for line in replica.lines]
        read = partial(story_of, self._place, mentions, chains, self._journal, lines)
        story = await asyncio.to_thread(read)
        outcome = self._outcome
        outcome.violations += [*self._journal.violations, *violations_of(story)]
        for node in self._place.nodes:
            for state in ("working", "waiting"):
                path = f"/turns?state={state}"
                found = await self._back_end.request("GET", path, node=node)
                outcome.violations += [f"{node.name} lists turn {each['id']} as {state}" for each in found["items"]]
        outcome.counts = {"mentions": len(mentions), **self._journal.counts(), **story.counts}


async def run_turn_trial(
    place: Place, folder: Path, plan: TurnPlan, report: Callable[[str], None], sabotage: str | None = None
) -> TurnOutcome:
    """Runs a trial. The place was started with `ENVIRONMENT`, and with the sabotage, if any."""
    for statement in STATEMENTS.get(sabotage or "", ()):
        place.query(statement)
    async with back_end_of(place, plan.seed) as back_end:
        outcome = await TurnTrial(place, back_end, folder, plan).run()
    report(f"seed {plan.seed}, {outcome.elapsed_s:.0f} s; {counted(outcome.faults)}")
    report("  " + ", ".join(f"{what}: {number}" for what, number in outcome.counts.items()))
    report(f"  {len(outcome.violations)} violations")
    report_violations(outcome.violations, report)
    return outcome
