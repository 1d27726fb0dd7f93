"""The clients' behaviour: each acts by its own part of the seed while the campaign runs."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from rigs.torture.carrying_out import Stopping, carry_out, outcome_of
from rigs.torture.clients.client_socket import Json, Listener, Socket, Unanswered
from rigs.torture.clients.rest import Rest
from rigs.torture.history import Command, History, Kind
from rigs.torture.resuming import Resuming
from rigs.torture.rooms import Rooms
from rigs.torture.telling import Telling
from rigs.torture.words import DIALECTS, Asked
from rigs.torture.world import Role, World

CALL_S = 7.0
UNDER_WAY_MAX = 4
EMOJIS = ("👍", "🎉", "👀", "🔥", "💡")
WEIGHTS: dict[str, float] = {
    "send": 10,
    "edit": 2,
    "delete": 1,
    "react": 3,
    "unreact": 1,
    "read": 3,
    "sync": 1,
    "room": 1,
    "drop": 0.4,
}


class Sleeper:
    """Pauses that end early when clients are to stop."""

    def __init__(self, stopping: Stopping) -> None:
        self._stopping = stopping

    async def sleep(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.stopped.wait()


class Player(Protocol):
    """One client of the campaign."""

    role: Role

    async def live(self) -> None:
        """Acts until it is stopped, then waits for pending commands; stays connected."""
        ...

    async def leave(self) -> None: ...


@dataclass(frozen=True)
class Setting:
    """What all clients of a campaign share. `pace_s` is how long each waits between two commands, on average."""

    world: World
    history: History
    stopping: Stopping
    seed: int
    pace_s: float

    def chance(self, who: str) -> random.Random:
        """One client's own part of the seed."""
        return random.Random(f"{self.seed} client {who}")


class _Doing:
    """The behaviour that all kinds of clients share: which commands they start, and on which objects."""

    resuming: Resuming | None = None

    def __init__(self, role: Role, setting: Setting) -> None:
        world = setting.world
        self.role = role
        self.history = setting.history
        self.stopping = setting.stopping
        self.chance = setting.chance(role.name)
        self.sleeper = Sleeper(setting.stopping)
        self.pace_s = setting.pace_s
        self.conversations = world.stable(role.user)
        self.places = self.conversations + [each.id for each in world.moving() if role.user in each.members]
        self.known: deque[tuple[str, int]] = deque(maxlen=60)
        """(conversation, message) of recently received messages."""
        self.own: list[tuple[str, int]] = []
        """What was sent here, is answered, and was not deleted."""
        self.reactions: list[tuple[str, int, str]] = []
        self._under_way: set[asyncio.Task[None]] = set()
        self._busy: set[int] = set()
        self._sent = 0

    def begin(self, action: str, attempts: Callable[[Command], Callable[[int], Awaitable[Any]]]) -> None:
        """Starts a command, if its objects exist."""
        if len(self._under_way) >= UNDER_WAY_MAX:
            return
        command = self._command(action)
        if command is None:
            return
        task = asyncio.create_task(self._carry_out(command, attempts(command)))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    def can_try(self) -> bool:
        return True

    async def settled(self) -> None:
        """Returns when nothing is under way."""
        while self._under_way:
            await asyncio.wait(list(self._under_way))

    def _command(self, action: str) -> Command | None:
        chance, history, role = self.chance, self.history, self.role
        match action:
            case "send":
                self._sent += 1
                name = f"{role.name}-{self._sent}"
                place = chance.choice(self.places)
                return history.command(role.name, role.user, "send", place, content=f"text {name}", key=f"key-{name}")
            case "edit" | "delete":
                free = [each for each in self.own[-30:] if each[1] not in self._busy]
                if not free:
                    return None
                place, message_id = chance.choice(free)
                if action == "delete":
                    self.own.remove((place, message_id))
                self._busy.add(message_id)
                content = f"edit {len(history.commands)} of {role.name}" if action == "edit" else ""
                kind: Kind = "edit" if action == "edit" else "delete"
                return history.command(role.name, role.user, kind, place, content=content, message_id=message_id)
            case "react" | "read":
                if not self.known:
                    return None
                place, message_id = chance.choice(self.known)
                content = chance.choice(EMOJIS) if action == "react" else ""
                kind = "react" if action == "react" else "read"
                return history.command(role.name, role.user, kind, place, content=content, message_id=message_id)
            case "unreact":
                if not self.reactions:
                    return None
                place, message_id, emoji = self.reactions.pop(chance.randrange(len(self.reactions)))
                return history.command(role.name, role.user, "unreact", place, content=emoji, message_id=message_id)
            case _:
                raise AssertionError(action)

    async def _carry_out(self, command: Command, attempt: Callable[[int], Awaitable[Any]]) -> None:
        done = await carry_out(command, attempt, self.history, self.stopping, self.can_try)
        if command.kind in {"edit", "delete"} and command.message_id is not None:
            self._busy.discard(command.message_id)
        acked = command.acked
        if not done or acked is None:
            return
        if command.kind == "send" and acked.message_id is not None:
            command.message_id = acked.message_id
            self.own.append((command.conversation, acked.message_id))
        elif command.kind == "react" and len(command.tries) == 1 and command.message_id is not None:
            # Removed only when no attempt to add it can still be pending.
            self.reactions.append((command.conversation, command.message_id, command.content))


def _asked(command: Command) -> Asked:
    message_id = None if command.message_id is None else str(command.message_id)
    return Asked(command.conversation, command.content, command.key, message_id)


async def over_rest(rest: Rest, command: Command) -> tuple[bool, str, int | None]:
    """One attempt by the routes that all clients have."""
    message = f"/api/v1/messages/{command.message_id}"
    ways: dict[str, tuple[str, str, Json | None]] = {
        "send": (
            "POST",
            "/api/v1/messages",
            {"conversationId": command.conversation, "content": command.content, "clientMessageId": command.key},
        ),
        "edit": ("PATCH", message, {"content": command.content}),
        "delete": ("DELETE", message, None),
        "react": ("PUT", f"{message}/reactions/{command.content}", None),
        "unreact": ("DELETE", f"{message}/reactions/{command.content}", None),
        "read": ("POST", f"/api/v1/conversations/{command.conversation}/read", {"messageId": str(command.message_id)}),
    }
    method, path, body = ways[command.kind]
    status, answer = await rest.request(method, path, body)
    if status < 300:
        return True, "", int(answer["id"]) if command.kind == "send" else None
    return False, str(answer.get("error", {}).get("code", f"status {status}")), None


class RestPlayer(_Doing):
    """A client without a socket: it sends REST requests, and resumes by `sync`."""

    def __init__(self, role: Role, setting: Setting, rest: Rest) -> None:
        super().__init__(role, setting)
        self.rest = rest
        self._resumes = self.resuming = Resuming(role, self.history, self._ask_sync)

    async def live(self) -> None:
        while self.stopping.acting:
            if self.chance.random() < 0.3:
                await self._resumes.go_on()
                self._learn()
            else:
                actions = ("send", "edit", "delete", "react", "unreact", "read")
                action = self.chance.choices(actions, [WEIGHTS[each] for each in actions])[0]
                self.begin(action, lambda command: lambda number: over_rest(self.rest, command))
            await self.sleeper.sleep(self.chance.expovariate(1 / self.pace_s))
        await self.settled()

    async def leave(self) -> None:
        await self.rest.close()

    def _learn(self) -> None:
        for synced in self._resumes.last_turn:
            if synced.name == "message:new" and synced.message_id is not None and synced.payload is not None:
                self.known.append((synced.payload["conversationId"], synced.message_id))

    async def _ask_sync(self, after: str | None) -> Json:
        status, answer = await self.rest.request("GET", "/api/v1/sync", query={} if after is None else {"after": after})
        if status != 200:
            code = str(answer.get("error", {}).get("code", status))
            if code == "unavailable":
                raise Unanswered(code)
            raise RuntimeError(f"sync was refused: {code}")
        return answer


class SocketPlayer(_Doing):
    """A client with a socket. `make_socket` is called for each life of a brief one, and once for others."""

    def __init__(self, role: Role, setting: Setting, make_socket: Callable[[], Socket], rest: Rest) -> None:
        super().__init__(role, setting)
        self.words = DIALECTS[role.dialect]
        self.telling = Telling(role, self.words, self.history, self.conversations, self)
        self.rooms = Rooms(self.telling, self.words, self.conversations, self._call_room)
        if role.dialect == "messenger":
            self.resuming = Resuming(role, self.history, self._ask_sync)
        self._make_socket = make_socket
        self._socket: Socket | None = None
        self._rest = rest
        self._tending: asyncio.Task[None] | None = None
        self._syncing: asyncio.Task[bool] | None = None

    @property
    def connected(self) -> bool:
        return self._socket is not None and self._socket.connected

    def can_try(self) -> bool:
        return self.connected

    @property
    def settled_in(self) -> bool:
        """Whether it is connected and has opened the conversations that it wants."""
        return self.connected and self.rooms.tended

    async def live(self) -> None:
        while self.stopping.acting:
            await self._open()
            if not self.role.brief:
                await self._act()
            else:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self.chance.uniform(6, 25)):
                        await self._act()
                if self.stopping.acting:
                    await self.settled()
                    await self._close()
                    await self.sleeper.sleep(self.chance.uniform(0.5, 4))
        if self._socket is None:
            await self._open()
        await self.settled()

    async def leave(self) -> None:
        await self._close()
        await self._rest.close()

    async def _open(self) -> None:
        self._socket = self._make_socket()
        await self._socket.open(Listener(self.telling.connected, self.telling.disconnected, self.telling.received))

    async def _close(self) -> None:
        for task in (self._tending, self._syncing):
            if task is not None:
                task.cancel()
                await asyncio.wait([task])
        if self._socket is not None:
            await self._socket.close()
        self.telling.left()
        self._socket = None

    async def _act(self) -> None:
        while self.stopping.acting:
            await self.sleeper.sleep(self.chance.expovariate(1 / self.pace_s))
            if self.connected and self.stopping.acting:
                self._do_something()

    def _do_something(self) -> None:
        possible = [each for each in WEIGHTS if self._can(each)]
        match self.chance.choices(possible, [WEIGHTS[each] for each in possible])[0]:
            case "room":
                if self.rooms.tended:
                    self._tend(self.rooms.move(self.chance))
            case "sync":
                if self._syncing is None or self._syncing.done():
                    assert self.resuming is not None
                    self._syncing = asyncio.create_task(self.resuming.go_on())
            case "drop":
                assert self._socket is not None
                self._socket.drop()
            case action:
                self.begin(action, self._attempts)

    def _can(self, action: str) -> bool:
        match action:
            case "drop":
                return True
            case "room":
                return self.words.opens is not None
            case "sync":
                return self.resuming is not None
            case _:
                return action in self.words.says

    # --- commands ---------------------------------------------------------------------------------------------------

    def _attempts(self, command: Command) -> Callable[[int], Awaitable[tuple[bool, str, int | None]]]:
        event, payload = self.words.says[command.kind](_asked(command))

        async def attempt(number: int) -> tuple[bool, str, int | None]:
            # A retry may use another transport: the clientMessageId identifies it.
            if number > 1 and command.kind == "send" and self.chance.random() < 0.3:
                return await over_rest(self._rest, command)
            answer = await self._call(event, payload)
            done, says = outcome_of(answer)
            return done, says, self.words.answered_id(answer) if done else None

        return attempt

    async def _call(self, event: str, payload: Json) -> Json:
        if self._socket is None or not self._socket.connected:
            raise Unanswered("not connected")
        return await self._socket.call(event, payload, CALL_S)

    async def _ask_sync(self, after: str | None) -> Json:
        answer = await self._call("sync", {} if after is None else {"after": after})
        done, says = outcome_of(answer)
        if not done:
            if says == "unavailable":
                raise Unanswered(says)
            raise RuntimeError(f"sync was refused: {says}")
        return answer

    # --- what comes -------------------------------------------------------------------------------------------------

    def come(self) -> None:
        """Handles a connect: opens the wanted conversations, unless the socket was recovered."""
        self._tend(self.rooms.tend())

    def _tend(self, work: Any) -> None:  # noqa: ANN401 (a coroutine)
        if self._tending is not None and not self._tending.done():
            self._tending.cancel()
        self._tending = asyncio.create_task(work)

    async def _call_room(self, event: str, payload: Json) -> bool:
        """Whether it was done. Raises Unanswered."""
        return outcome_of(await self._call(event, payload))[0]

    def received(self, conversation: str, message_id: int) -> None:
        self.known.append((conversation, message_id))


class Mover:
    """The application's backend: it adds members to conversations and removes them."""

    def __init__(self, setting: Setting, rest: Rest) -> None:
        self._moving = setting.world.moving()
        self._history = setting.history
        self._stopping = setting.stopping
        self._chance = setting.chance("mover")
        self._rest = rest
        self.pace_s = 3 * setting.pace_s
        self.sleeper = Sleeper(setting.stopping)
        self.inside = {(each.id, user): True for each in self._moving for user in each.members[1:]}
        """Never the first member, who owns the conversation."""

    async def live(self) -> None:
        while self._stopping.acting:
            await self.sleeper.sleep(self._chance.expovariate(1 / self.pace_s))
            place, user = self._chance.choice(sorted(self.inside))
            kind: Kind = "remove" if self.inside[place, user] else "add"
            command = self._history.command("mover", "backend", kind, place, content=user)
            if await carry_out(command, self._attempt(command), self._history, self._stopping):
                self.inside[place, user] = kind == "add"

    async def leave(self) -> None:
        await self._rest.close()

    def _attempt(self, command: Command) -> Callable[[int], Awaitable[tuple[bool, str, int | None]]]:
        async def attempt(number: int) -> tuple[bool, str, int | None]:
            path = f"/api/v1/conversations/{command.conversation}/members"
            if command.kind == "add":
                status, answer = await self._rest.request("POST", path, {"userIds": [command.content]})
            else:
                status, answer = await self._rest.request("DELETE", f"{path}/{command.content}")
            code = str(answer.get("error", {}).get("code", ""))
            # An attempt before this one may have removed the member already.
            gone = command.kind == "remove" and number > 1 and code == "not_found"
            return status < 300 or gone, code, None

        return attempt
