"""Asks all living nodes (server processes), including this one, for console data, and merges their answers.

Each question is sent to all living nodes over the bus and waits at most `ASK_S` seconds. A node that does not answer is
called silent: its data is missing, and the result names the node. A list is merged from one page of each node, in an
order that does not change between pages.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from talkwire.console.connections import ConnectionRecord, LocalConnections, WantedConnections
from talkwire.console.figures import LimitCount, NodeFigures, NodeReporter, PushFigures
from talkwire.core.cluster.peers import Peers
from talkwire.observability.recent_refusals import RecentRefusal, RecentRefusals, RefusalKind

T = TypeVar("T")

_TOPIC = "console "


class RefusalKey(NamedTuple):
    """The sort key of refused requests: the time in milliseconds since 1970, the node's id, and the refusal's number
    on that node.
    """

    at_ms: int
    node_id: str
    number: int


class WantedRefusals(msgspec.Struct, frozen=True):
    """A request for a page of refused requests: the newest `limit` ones. With a key as `before`, only those that sort
    before this key count, so that a page begins where the former one ended.

    `kind` and `user_id` restrict the page; None restricts nothing.
    """

    limit: int
    kind: RefusalKind | None = None
    user_id: str | None = None
    before: RefusalKey | None = None


class SocketQuestion(msgspec.Struct, frozen=True):
    """A question to all nodes for the record of one socket. If `end` is true, the node that has the socket
    closes it.
    """

    socket_id: str
    end: bool = False


@dataclass(frozen=True, slots=True)
class Answers(Generic[T]):
    """The answers of the nodes that were asked, by node id. `silent` has the ids of living nodes that did not answer in
    time.
    """

    by_node: Mapping[str, T]
    silent: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MergedPage(Generic[T]):
    """One page of a list merged from all nodes. `more` is true if there is a next page.

    `silent` has the ids of the nodes that did not answer.
    """

    items: Sequence[T]
    more: bool
    silent: tuple[str, ...]


class NodesConsole:
    """Collects data for the operators' console from all nodes, this one included, by asking the others over the bus.
    From its creation on, it also answers such questions of other nodes about this node.
    """

    def __init__(
        self, peers: Peers, reporter: NodeReporter, connections: LocalConnections, refusals: RecentRefusals
    ) -> None:
        self.node_id = peers.node_id
        self._peers = peers
        self._reporter = reporter
        self._connections = connections
        self._refusals = refusals
        self._own: dict[str, Callable[[Any], Awaitable[Any]]] = {}
        self._register("figures", None, self._figures)
        self._register("limits", None, self._limits)
        self._register("pushes", None, self._pushes)
        self._register("connections", WantedConnections, connections.find)
        self._register("socket", SocketQuestion, self._socket)
        self._register("counts", tuple[str, ...], self._counts)
        self._register("refusals", WantedRefusals, self._newest_refusals)

    async def figures(self) -> Answers[NodeFigures]:
        """Returns the figures (state and recent work) of each node."""
        return await self._ask_all("figures", None, NodeFigures)

    async def limits(self) -> tuple[Sequence[LimitCount], tuple[str, ...]]:
        """Returns a pair: this node's limits, and the ids of the nodes that did not answer in time. The `refused` of
        each limit is how often it was exceeded on any of the nodes that answered, since the start of each.
        """
        answers = await self._ask_all("limits", None, tuple[LimitCount, ...])
        refused: Counter[str] = Counter()
        for answer in answers.by_node.values():
            refused.update({each.name: each.refused for each in answer})
        own = answers.by_node[self.node_id]
        return [msgspec.structs.replace(each, refused=refused[each.name]) for each in own], answers.silent

    async def pushes(self) -> tuple[PushFigures, tuple[str, ...]]:
        """Returns a pair: the push figures of all nodes added up, and the ids of the nodes that did not answer
        in time.
        """
        answers = await self._ask_all("pushes", None, PushFigures)
        attempts: Counter[str] = Counter()
        errors: dict[str, str] = {}
        for answer in answers.by_node.values():
            attempts.update(answer.attempts)
            errors.update(answer.errors)
        return PushFigures(dict(attempts), errors), answers.silent

    async def connections(self, wanted: WantedConnections, node_id: str | None = None) -> MergedPage[ConnectionRecord]:
        """Returns a page of the newest connections that `wanted` asks for, of all nodes or only of the node `node_id`.
        The page is empty if that node is not alive.
        """
        asked = msgspec.structs.replace(wanted, limit=wanted.limit + 1)
        answers = await self._ask_all("connections", asked, tuple[ConnectionRecord, ...], to=node_id)
        found = [record for records in answers.by_node.values() for record in records]
        found.sort(key=lambda record: record.key, reverse=True)
        return MergedPage(found[: wanted.limit], len(found) > wanted.limit, answers.silent)

    async def connection(self, socket_id: str) -> ConnectionRecord | None:
        """Returns the record of the socket with this id; None if none of the nodes that answered in time has it."""
        return await self._ask_about_socket(SocketQuestion(socket_id))

    async def end_connection(self, socket_id: str) -> bool:
        """Closes the socket with this id on the node that has it. Returns False if none of the nodes that answered in
        time has it.
        """
        return await self._ask_about_socket(SocketQuestion(socket_id, end=True)) is not None

    async def count_connections(self, user_ids: Sequence[str]) -> Answers[Mapping[str, int]]:
        """Returns, for each node, the number of sockets by user id; users without a socket there are missing."""
        return await self._ask_all("counts", tuple(user_ids), dict[str, int])

    async def refusals(self, wanted: WantedRefusals) -> MergedPage[tuple[str, RecentRefusal]]:
        """Returns a page of the newest refused requests of all nodes, as pairs of node id and refusal."""
        asked = msgspec.structs.replace(wanted, limit=wanted.limit + 1)
        answers = await self._ask_all("refusals", asked, tuple[RecentRefusal, ...])
        found = [(node_id, refusal) for node_id, refusals in answers.by_node.items() for refusal in refusals]
        found.sort(key=lambda item: refusal_key(*item), reverse=True)
        return MergedPage(found[: wanted.limit], len(found) > wanted.limit, answers.silent)

    # --- asking -----------------------------------------------------------------------------------------------------

    async def _ask_all(self, topic: str, body: object, kind: type[T], to: str | None = None) -> Answers[T]:
        """Sends a question, `body`, about `topic` to this node and all other living ones, or only to the node `to`.
        Returns the answers by node id, decoded as `kind`: none at all if the node `to` is not alive.
        """
        answers: dict[str, T] = {}
        if to is None or to == self.node_id:
            answers[self.node_id] = await self._own[topic](body)
        asked = [node_id for node_id in self._peers.living_ids if to is None or to == node_id]
        if asked:
            answers.update(await self._peers.ask(_TOPIC + topic, body, kind, to=to))
        return Answers(answers, tuple(sorted(set(asked) - set(answers))))

    async def _ask_about_socket(self, question: SocketQuestion) -> ConnectionRecord | None:
        answers = await self._ask_all("socket", question, tuple[ConnectionRecord, ...])
        return next((record for records in answers.by_node.values() for record in records), None)

    # --- answering --------------------------------------------------------------------------------------------------

    def _register(self, topic: str, kind: Any, answer: Callable[[Any], Awaitable[Any]]) -> None:  # noqa: ANN401 (a type)
        self._own[topic] = answer
        self._peers.answer(_TOPIC + topic, kind, answer)

    async def _figures(self, _: None) -> NodeFigures:
        return self._reporter.figures()

    async def _limits(self, _: None) -> tuple[LimitCount, ...]:
        return self._reporter.sources.limits()

    async def _pushes(self, _: None) -> PushFigures:
        return self._reporter.sources.pushes()

    async def _socket(self, question: SocketQuestion) -> tuple[ConnectionRecord, ...]:
        record = self._connections.get(question.socket_id)
        if question.end:
            self._connections.end(question.socket_id)
        return () if record is None else (record,)

    async def _counts(self, user_ids: Collection[str]) -> Mapping[str, int]:
        return self._connections.count_of(user_ids)

    async def _newest_refusals(self, wanted: WantedRefusals) -> Sequence[RecentRefusal]:
        found = [
            refusal
            for refusal in self._refusals.newest(wanted.kind, wanted.user_id)
            if wanted.before is None or refusal_key(self.node_id, refusal) < wanted.before
        ]
        found.sort(key=lambda refusal: (refusal.at_ms, refusal.number), reverse=True)
        await asyncio.sleep(0)
        return found[: wanted.limit]


def refusal_key(node_id: str, refusal: RecentRefusal) -> RefusalKey:
    return RefusalKey(refusal.at_ms, node_id, refusal.number)
