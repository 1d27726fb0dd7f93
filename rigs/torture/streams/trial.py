"""One trial: an author writes while readers read and parts of the whole are broken, and then everybody is asked."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rigs.torture.clients.client_socket import Json
from rigs.torture.cluster.cluster import token
from rigs.torture.cluster.place import BackEnd, Place, back_end_of
from rigs.torture.streams.agreement import Follower
from rigs.torture.streams.author import Job
from rigs.torture.streams.author_process import AuthorProcess
from rigs.torture.streams.checkpoints import checkpoints, count_checkpoints
from rigs.torture.streams.draft import Draft
from rigs.torture.streams.faults import Breaker, Fault, Plan, described
from rigs.torture.streams.tab import Tab
from tests.webhooks.receiver import Receiver, receiving

AUTHOR, READER = "helper", "bob"
DELTAS_A_SECOND = 20


@dataclass
class Outcome:
    """What a trial has found: `violations` are sentences, `counts` what was looked at."""

    plan: Plan
    faults: Sequence[Fault]
    violations: list[str] = field(default_factory=list)
    counts: dict[str, float] = field(default_factory=dict)


class Trial:
    """A stream that is written, read and broken in a conversation of its own."""

    def __init__(self, place: Place, back_end: BackEnd, receiver: Receiver, folder: Path, plan: Plan) -> None:
        self._place = place
        self._back_end = back_end
        self._receiver = receiver
        self._plan = plan
        self._draft = Draft(plan.seed, plan.appends)
        self._conversation_id = f"c{plan.seed}-{plan.faults}"
        chance = random.Random(plan.seed)
        job = Job(
            urls=place.urls,
            token=token(AUTHOR),
            conversation_id=self._conversation_id,
            seed=plan.seed,
            appends=plan.appends,
            rate=plan.rate,
            lease_s=chance.choice((5, 5, None)) if plan.faults else None,
        )
        self._author = AuthorProcess(job, folder / "author.log")
        self._follower = Follower(place, back_end, READER)
        self._breaker = Breaker(place, self._author)
        self._outcome = Outcome(plan, plan.schedule(place))

    async def run(self) -> Outcome:
        members = {"kind": "group", "id": self._conversation_id, "memberIds": [READER, AUTHOR], "ownerId": READER}
        await self._back_end.request("POST", "/conversations", members)
        await self._follower.begin()
        before = checkpoints(self._place)
        async with self._tabs() as tabs:
            try:
                self._author.start()
                for fault in self._outcome.faults:
                    await self._author.until_answered(fault.at)
                    await self._breaker.cause(fault)
                    await self._check_stored(str(fault))
                message = await self._author.until_finished()
            finally:
                await self._author.kill()
            await self._breaker.settle()
            for tab in tabs:
                await tab.until_ended(message["id"])
            await self._check(message, tabs)
            if not self._plan.faults:
                self._check_calm(message, tabs, checkpoints(self._place) - before)
        return self._outcome

    @asynccontextmanager
    async def _tabs(self) -> AsyncIterator[list[Tab]]:
        """Yields one tab at each node, and one that reloads."""
        urls = self._place.urls
        async with AsyncExitStack() as stack:
            tabs = []
            for number, url in enumerate([*urls, urls[-1]]):
                name = f"tab {number + 1}"
                tab = Tab(name, [url, *urls], token(READER), self._conversation_id, self._draft)
                stack.push_async_callback(tab.close)
                tabs.append(tab.reloading(self._plan.seed) if number == len(urls) else tab)
                await tab.open()
            yield tabs

    # --- checks -------------------------------------------------------------------------------------------------------

    async def _check_stored(self, after: str) -> None:
        """Notes if something is gone that an answer has called stored."""
        for message_id, length in self._author.stored().items():
            message = await self._back_end.request("GET", f"/messages/{message_id}", by=READER)
            if length and not message["content"].startswith(self._draft.cut(0, length)):
                self._violates(f"{after}: of {length} units stored there are {message['content'][-80:]!r}")
        self._count("looks at what is stored", 1)

    async def _check(self, message: Json, tabs: Sequence[Tab]) -> None:
        """Notes who has other text than the author has written, and events that should not be there."""
        outcome = self._outcome
        message_id = message["id"]
        await self._check_stored("at the end")
        lost = {line["lost"] for line in self._author.lines if "lost" in line}
        for message_lost in lost:
            if self._author.stored().get(message_lost):
                self._violates(f"message {message_lost} was deleted, and something of it was stored")
        for tab in tabs:
            outcome.violations += tab.violations
            if tab.shows(message_id) != self._draft.text:
                self._violates(f"{tab.name} shows {tab.shows(message_id)!r}")
            if sum(visit.states.count("done") for visit in tab.visits) > 1:
                self._violates(f"{tab.name} has received the end more than once")
            for visit in tab.visits:
                if visit.replacements(message_id) > 1 + len(outcome.faults) + self._openings():
                    self._violates(f"{tab.name} has received the whole text {visit.replacements(message_id)} times")
            self._count("deltas", sum(len(visit.deltas) for visit in tab.visits))
            self._count("visits", len(tab.visits))
        outcome.violations += await self._follower.disagreements(message, self._draft)
        await self._check_log(message_id)
        self._count("answers", len(self._author.answers))
        self._count("attempts", self._openings())
        self._count("deleted", len(lost))

    async def _check_log(self, message_id: str) -> None:
        """Compares the events with what there may be, and with those that the webhook's receiver has."""
        events = await self._follower.events(message_id)
        types = [event["type"] for event in events]
        pairs = (len(types) - 2) // 2
        if types != ["message:new", "message:updated", *["message:updated"] * 2 * pairs]:
            self._violates(f"the log has {types}")
        if pairs > len(self._outcome.faults) + self._openings():
            self._violates(f"the log has {pairs} interruptions")
        self._count("interruptions", pairs)
        last = events[-1]["id"]
        await self._receiver.wait_until(lambda: any(each["id"] == last for each in self._receiver.accepted))
        ids = [event["id"] for event in events]
        received = [each for each in self._receiver.unique() if each["id"] in set(ids)]
        if [each["id"] for each in received] != ids:
            self._violates("the webhook's receiver has other events than the log")
        if received[-1]["data"]["content"] != self._draft.text:
            self._violates(f"the webhook's receiver has {received[-1]['data']['content']!r}")

    def _check_calm(self, message: Json, tabs: Sequence[Tab], checkpoints: int) -> None:
        """Notes what is more than it may be where nothing was broken."""
        elapsed_s = next(line["elapsedS"] for line in self._author.lines if "finished" in line)
        if checkpoints > elapsed_s:
            self._violates(f"{checkpoints} checkpoints were stored in {elapsed_s:.1f} s")
        self._count("checkpoints", checkpoints)
        self._count("seconds", elapsed_s)
        if self._outcome.counts["interruptions"]:
            self._violates("nothing was broken, and the stream was interrupted")
        for tab in tabs[:-1]:  # the last one reloads
            (visit,) = tab.visits
            if visit.text(message["id"]) != self._draft.text:
                self._violates(f"{tab.name} has not received each character once by deltas")
            if len(visit.deltas) > DELTAS_A_SECOND * elapsed_s + 1:
                self._violates(f"{tab.name} has received {len(visit.deltas)} deltas in {elapsed_s:.1f} s")
            if visit.replacements(message["id"]) != 1 or visit.states != ["done"]:
                self._violates(f"{tab.name}: {visit.replacements(message['id'])} whole texts, ends {visit.states}")

    def _openings(self) -> int:
        return sum("opened" in line for line in self._author.lines)

    def _count(self, what: str, number: float) -> None:
        self._outcome.counts[what] = self._outcome.counts.get(what, 0) + number

    def _violates(self, what: str) -> None:
        self._outcome.violations.append(what)


async def run_trials(place: Place, folder: Path, plans: Sequence[Plan], report: Callable[[str], None]) -> list[Outcome]:
    """Runs one trial after the other in one place."""
    outcomes = []
    async with back_end_of(place, plans[0].seed) as back_end, receiving() as receiver:
        for user, kind in ((AUTHOR, "agent"), (READER, "person")):
            await back_end.request("PUT", f"/users/{user}", {"kind": kind})
        receiver.secret = (await back_end.request("POST", "/webhooks", {"url": receiver.url}))["secret"]
        count_checkpoints(place)
        for plan in plans:
            outcome = await Trial(place, back_end, receiver, folder, plan).run()
            outcomes.append(outcome)
            report(f"seed {plan.seed}, {plan.appends} appends; faults: {described(outcome.faults)}")
            report("  " + ", ".join(f"{what}: {round(number, 1):g}" for what, number in outcome.counts.items()))
            for violation in outcome.violations:
                report(f"  VIOLATION: {violation}")
    return outcomes
