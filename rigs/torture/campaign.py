"""One campaign: starts the cluster and its clients, injects faults, ends all of them, and checks the history."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from rigs.torture.carrying_out import Stopping, carry_out
from rigs.torture.checks.commands import check_commands
from rigs.torture.checks.cursors import check_cursors
from rigs.torture.checks.log import check_log
from rigs.torture.checks.logs import check_logs
from rigs.torture.checks.resources import Gauges, Resources, Sample, check_resources
from rigs.torture.checks.streams import Ends, check_streams
from rigs.torture.checks.unread import check_unread
from rigs.torture.checks.views import check_views
from rigs.torture.checks.violation import Findings
from rigs.torture.clients.client_socket import Json, Socket, Unanswered
from rigs.torture.clients.javascript import Driver, running_driver
from rigs.torture.clients.python_client import PythonSocket
from rigs.torture.clients.rest import Rest
from rigs.torture.cluster.cluster import Cluster, running_cluster, token
from rigs.torture.cluster.node import Node
from rigs.torture.cluster.processes import wait_until
from rigs.torture.faults import Faults, missing_tools
from rigs.torture.history import About, Fault, History
from rigs.torture.options import Options
from rigs.torture.players import Mover, RestPlayer, Setting, SocketPlayer
from rigs.torture.replicas import REPLICAS, Replica
from rigs.torture.schedule import KINDS, Planned, plan
from rigs.torture.tables import Tables, read_tables
from rigs.torture.words import DIALECTS
from rigs.torture.world import Role, World, make_world

SAMPLE_S = 2.0
HEARTBEAT_S = 60.0
"""Seconds after which nodes notice a broken connection: a ping within 25 s, and 20 s to answer it."""
COMES_BACK = "nodes end in good order and start again"
SETTLES = "the cluster settles once the faults are over"
LIBRARIES = ("socket.io-client", "socket.io-client-4.5.4")


@dataclass
class Outcome:
    """The result of a campaign."""

    options: Options
    world: World
    history: History
    planned: Sequence[Planned]
    left_out: dict[str, str]
    findings: Findings
    resources: Resources
    tables: Tables = field(default_factory=Tables)
    calm_until: float = 0.0
    acted_until: float = 0.0
    took_s: float = 0.0


async def run(options: Options, say: Callable[[str], None]) -> Outcome:
    """Runs a campaign and returns its outcome. Passes progress messages to `say`. The folder of the options holds logs,
    and afterwards the whole history.
    """
    # A library of the clients logs its view of broken connections.
    logging.getLogger("socketio").setLevel(logging.CRITICAL)
    logging.getLogger("engineio").setLevel(logging.CRITICAL)
    left_out = {kind: why for kind, why in missing_tools().items() if kind not in options.without}
    without = options.without | left_out.keys()
    if options.only:
        without |= {each.name for each in KINDS} - options.only
    seconds = options.seconds - options.calm_s
    planned = plan(options.seed, seconds, options.gap_s, nodes=3, without=without, brief=options.brief)
    world = make_world(options.seed, options.clients, websocket_only=options.websocket_only)
    began = time.monotonic()
    say(f"seed {options.seed}: {len(planned)} faults in {options.seconds:.0f} s, {len(world.roles)} clients")
    for kind, why in left_out.items():
        say(f"left out: {kind}: {why}")
    async with running_cluster(options.folder, options.sabotage) as cluster:
        campaign = Campaign(options, world, cluster, planned, say)
        outcome = Outcome(options, world, campaign.history, planned, left_out, campaign.findings, campaign.resources)
        try:
            await campaign.run(outcome)
        finally:
            await asyncio.to_thread(campaign.history.write, options.folder)
    outcome.took_s = time.monotonic() - began
    return outcome


class Campaign:
    """What happens between the cluster's start and its end."""

    def __init__(
        self, options: Options, world: World, cluster: Cluster, planned: Sequence[Planned], say: Callable[[str], None]
    ) -> None:
        self.options = options
        self.world = world
        self.cluster = cluster
        self.planned = planned
        self.history = History()
        self.findings = Findings()
        self.resources = Resources()
        self._say = say
        self._stopping = Stopping()
        self._began_wall_s = time.time()
        self._sockets: list[SocketPlayer] = []
        self._rests: list[RestPlayer] = []
        self._replicas: list[Replica] = []
        self._service = Rest(cluster.url, token("backend", "service"))
        self._lives = 0

    async def run(self, outcome: Outcome) -> None:
        for node in self.cluster.nodes:
            self.resources.fresh[node.name] = Gauges.of(await node.metrics())
            self.resources.fresh_mb = max(self.resources.fresh_mb, node.resident_mb() or 0.0)
        await self._make_conversations()
        await self._begin_replicas()
        async with self._drivers() as drivers:
            players = self._players(drivers)
            sampling = asyncio.create_task(self._sample())
            try:
                lives = [asyncio.create_task(player.live()) for player in players]
                await self._act(outcome, lives)
                ends = await self._settle(lives)
                await self._gather()
            finally:
                sampling.cancel()
                self._stopping.acting = self._stopping.trying = False
                self._stopping.stopped.set()
                await asyncio.gather(*(player.leave() for player in players), return_exceptions=True)
            await self._look_at_what_is_left()
        # Read after the last event that clients received: recovered sockets still send delivery receipts.
        outcome.tables = await asyncio.to_thread(read_tables, self.cluster.postgresql.connection_text)
        await self._service.close()
        self._say(f"{self.history.now():7.1f} s: checking")
        self._check(outcome, ends)

    # --- the beginning ----------------------------------------------------------------------------------------------

    async def _make_conversations(self) -> None:
        for each in self.world.conversations:
            body = {"id": each.id, "kind": each.kind, "memberIds": list(each.members)}
            status, answer = await self._service.request("POST", "/api/v1/conversations", body)
            if status >= 300:
                raise RuntimeError(f"the conversation {each.id} could not be made: {answer}")

    @asynccontextmanager
    async def _drivers(self) -> AsyncIterator[dict[str, Driver]]:
        async with AsyncExitStack() as stack:
            errors = stack.enter_context((self.options.folder / "node.log").open("ab"))
            drivers = {
                library: await stack.enter_async_context(running_driver(library, errors)) for library in LIBRARIES
            }
            yield drivers

    async def _begin_replicas(self) -> None:
        urls = [f"http://127.0.0.1:{node.port}" for node in self.cluster.nodes]
        for number in range(REPLICAS):
            name = f"replica-{number}"
            chance = random.Random(f"{self.options.seed} {name}")
            replica = Replica(name, self.history, self._stopping, chance)
            await replica.begin(urls, token("backend", "service"))
            self._replicas.append(replica)

    def _players(self, drivers: dict[str, Driver]) -> list[SocketPlayer | RestPlayer | Mover | Replica]:
        setting = Setting(self.world, self.history, self._stopping, self.options.seed, self.options.pace_s)
        for role in self.world.roles:
            rest = Rest(self.cluster.url, token(role.user))
            if role.library == "rest":
                self._rests.append(RestPlayer(role, setting, rest))
            else:
                make = self._socket_maker(role, drivers)
                self._sockets.append(SocketPlayer(role, setting, make, rest))
        return [*self._sockets, *self._rests, Mover(setting, self._service), *self._replicas]

    def _socket_maker(self, role: Role, drivers: dict[str, Driver]) -> Callable[[], Socket]:
        namespace = DIALECTS[role.dialect].namespace
        auth: Json = {"token": token(role.user)} | ({"recovery": True} if role.recovers else {})

        def make() -> Socket:
            if role.library == "python-socketio":
                return PythonSocket(self.cluster.url, namespace, role.transports, auth)
            self._lives += 1
            url = self.cluster.url + namespace
            return drivers[role.library].socket(f"{role.name}#{self._lives}", url, role.transports, auth)

        return make

    # --- the course -------------------------------------------------------------------------------------------------

    async def _act(self, outcome: Outcome, lives: Sequence[asyncio.Task[None]]) -> None:
        await _while_alive(lives, asyncio.sleep(self.options.calm_s))
        outcome.calm_until = self.history.now()
        self._say(f"{outcome.calm_until:7.1f} s: the faults begin")
        ends_at = time.monotonic() + self.options.seconds - self.options.calm_s
        telling = asyncio.create_task(self._tell())
        try:
            await _while_alive(lives, self._faults().carry_out())
            await _while_alive(lives, asyncio.sleep(max(0.0, ends_at - time.monotonic())))
        finally:
            telling.cancel()
        outcome.acted_until = self.history.now()

    def _faults(self) -> Faults:
        seconds = self.options.seconds - self.options.calm_s
        return Faults(self.cluster, self.planned, seconds, self.history, self._failed)

    def _failed(self, fault: Fault, error: Exception) -> None:
        self._say(f"{self.history.now():7.1f} s: {fault.kind} {fault.target}: {str(error)[:200]}")
        self.findings.add(COMES_BACK, f"{fault.kind} {fault.target}: {error}", About(since=fault.at, until=fault.at))

    async def _tell(self) -> None:
        reported = 0
        while True:
            await asyncio.sleep(0.5)
            for fault in self.history.faults[reported:]:
                self._say(f"{fault.at:7.1f} s: {fault.kind} {fault.target} {fault.says}".rstrip())
            reported = len(self.history.faults)

    async def _sample(self) -> None:
        while True:
            for node in self.cluster.nodes:
                resident_mb, pid = node.resident_mb(), node.pid
                if resident_mb is not None and pid is not None:
                    commands = len(self.history.commands)
                    self.resources.samples.append(Sample(self.history.now(), node.name, pid, resident_mb, commands))
            await asyncio.sleep(SAMPLE_S)

    # --- the end ----------------------------------------------------------------------------------------------------

    async def _settle(self, lives: Sequence[asyncio.Task[None]]) -> Ends:
        """Waits, after the faults, until all clients are connected again, pending commands are answered, and all
        clients have received a last message.
        """
        self._say(f"{self.history.now():7.1f} s: the faults are over, waiting for everything to settle")
        self._stopping.acting = False
        self._stopping.stopped.set()
        deadline = time.monotonic() + self.options.settles_within_s
        for node in self.cluster.nodes:
            await self._until(deadline, node.ready, f"{node.name} is ready")
        await self._until(deadline, _all_done(lives), "every command is answered")
        self._stopping.trying = False
        await asyncio.gather(*lives)
        for player in self._sockets:
            await self._until(deadline, _settled_in(player), f"{player.role.name} is connected, its rooms open")
        ends = await self._send_markers()
        for player in self._sockets:
            await self._until(
                deadline, _has_received(player, ends), f"{player.role.name} has received the last messages"
            )
        for resuming in (each.resuming for each in (*self._rests, *self._sockets) if each.resuming is not None):
            await self._until(deadline, resuming.go_on, f"{resuming.resumer.client} has synced")
        return ends

    async def _until(self, deadline: float, condition: Callable[[], Awaitable[bool]], what: str) -> None:
        while not await condition():
            if time.monotonic() > deadline:
                now = self.history.now()
                about = About(since=now, until=now)
                self.findings.add(SETTLES, f"not within {self.options.settles_within_s:.0f} s: {what}", about)
                return
            await asyncio.sleep(0.1)

    async def _send_markers(self) -> Ends:
        """Last messages in each conversation whose members stay, from two of them."""
        ends = Ends({}, {})
        trying = Stopping()
        for each in self.world.conversations:
            if each.moving:
                continue
            for sender in each.members[:2]:
                rest = Rest(self.cluster.url, token(sender))
                key = f"last-{sender}"
                command = self.history.command("the end", sender, "send", each.id, content=key, key=key)
                body = {"conversationId": each.id, "content": key, "clientMessageId": key}

                async def attempt(number: int, rest: Rest = rest, body: Json = body) -> tuple[bool, str, int | None]:
                    status, answer = await rest.request("POST", "/api/v1/messages", body)
                    code = str(answer.get("error", {}).get("code", ""))
                    return status < 300, code, int(answer["id"]) if status < 300 else None

                try:
                    async with asyncio.timeout(30):
                        await carry_out(command, attempt, self.history, trying)
                except TimeoutError:
                    self.findings.add(SETTLES, f"no last message could be sent in {each.id}")
                finally:
                    await rest.close()
                if command.acked is not None and command.acked.message_id is not None:
                    command.message_id = command.acked.message_id
                    ends.markers[each.id] = command.message_id
                    ends.by_sender.setdefault(each.id, {})[sender] = command.message_id
        return ends

    async def _gather(self) -> None:
        """Collects the nodes' answers to queries, now that nothing changes any more."""
        self._say(f"{self.history.now():7.1f} s: settled, looking at everything")
        for node in self.cluster.nodes:
            self.resources.ready[node.name] = await node.ready()
        with suppress(TimeoutError):  # the check reports what is left over
            await wait_until(self._counts_agree, "the nodes count the clients", HEARTBEAT_S, 0.5)
        self._unread = {node.name: await self._ask_unread(node) for node in self.cluster.nodes}

    async def _counts_agree(self) -> bool:
        """Connections that broke without a word are counted until a heartbeat is missing."""
        resources = self.resources
        for node in self.cluster.nodes:
            resources.full[node.name] = Gauges.of(await node.metrics())
        resources.clients = sum(player.connected for player in self._sockets)
        return resources.clients == sum(gauges.sockets or 0 for gauges in resources.full.values())

    async def _ask_unread(self, node: Node) -> dict[tuple[str, str], int]:
        found = {}
        for user in self.world.users:
            rest = Rest(f"http://127.0.0.1:{node.port}", token(user))
            try:
                _, answer = await rest.request("GET", "/api/v1/conversations")
            except Unanswered as silence:
                self.findings.add(SETTLES, f"{node.name} does not answer: {silence}")
                continue
            finally:
                await rest.close()
            for conversation in answer["items"]:
                found[conversation["id"], user] = conversation["unreadCount"]
        return found

    async def _look_at_what_is_left(self) -> None:
        """Measures the nodes after all clients have disconnected. Connections whose client sent nothing end within a
        heartbeat.
        """
        self._say(f"{self.history.now():7.1f} s: all clients have gone")
        deadline = time.monotonic() + self.options.settles_within_s
        for node in self.cluster.nodes:

            async def empty(node: Node = node) -> bool:
                gauges = Gauges.of(await node.metrics())
                fresh = self.resources.fresh[node.name].tasks
                self.resources.left[node.name] = gauges
                tasks_gone = gauges.tasks is None or fresh is None or gauges.tasks <= fresh
                return not gauges.connections and not gauges.sockets and tasks_gone

            with suppress(TimeoutError):  # the check reports what is left over
                await wait_until(empty, node.name, deadline - time.monotonic(), 0.5)

    def _check(self, outcome: Outcome, ends: Ends) -> None:
        history, tables, findings = self.history, outcome.tables, self.findings
        moving = frozenset(each.id for each in self.world.moving())
        stable = frozenset(each.id for each in self.world.conversations) - moving
        check_log(tables, findings)
        check_commands(history, tables, moving, findings)
        check_streams(history, tables, ends, stable, findings)
        check_cursors(history, tables, findings)
        check_views(history, tables, stable, findings)
        check_unread(self._unread, tables, findings)
        check_resources(self.resources, findings)
        logged = {node.name: node.logged() for node in self.cluster.nodes}
        check_logs(logged, history, self._began_wall_s, findings)


async def _while_alive(lives: Sequence[asyncio.Task[None]], work: Any) -> None:  # noqa: ANN401 (a coroutine)
    """Does something else while clients live; a client that fails is a bug of the campaign, and ends it."""
    task = asyncio.ensure_future(work)
    pending: set[asyncio.Future[Any]] = {task, *lives}
    try:
        while not task.done():
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for each in done:
                each.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait([task])


def _all_done(lives: Sequence[asyncio.Task[None]]) -> Callable[[], Awaitable[bool]]:
    async def condition() -> bool:
        return all(each.done() for each in lives)

    return condition


def _settled_in(player: SocketPlayer) -> Callable[[], Awaitable[bool]]:
    async def condition() -> bool:
        return player.settled_in

    return condition


def _has_received(player: SocketPlayer, ends: Ends) -> Callable[[], Awaitable[bool]]:
    """Returns a condition: the player has received the last message of each of its conversations."""

    async def condition() -> bool:
        stream = player.telling.stream
        if stream is None:
            return False
        received = {each.message_id for each in stream.received[-5000:] if each.kind == "sent"}
        others_only = "sent" in player.words.tells_others
        return all(
            id_ in received or (others_only and sender == player.role.user)
            for each in player.conversations
            for sender, id_ in ends.by_sender.get(each, {}).items()
        )

    return condition
