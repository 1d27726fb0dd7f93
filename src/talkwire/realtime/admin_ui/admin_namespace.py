"""The namespace to which web pages of Socket.IO's Admin UI (a dashboard of sockets) connect.

Each second, a node with connected pages asks all nodes, itself included, what has changed among their sockets, and
sends the changes to the pages. A page that does not read in time receives nothing until it does, and then the list of
all sockets again. So a page needs no more memory than any other client.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import msgspec
import structlog

from talkwire.core.cluster.peers import Peers
from talkwire.observability.refusals import log_refusal
from talkwire.realtime.admin_ui.commands import CommandRunner, InvalidCommand, PageCommand, parse_command
from talkwire.realtime.admin_ui.credentials import AdminCredentials
from talkwire.realtime.admin_ui.node_news import Mirror, NewsQuestion, NodeNews, Packet, SocketView
from talkwire.realtime.admin_ui.node_watch import iso_now
from talkwire.realtime.admin_ui.observed import ObservedServer
from talkwire.realtime.engine.connection import Handshake
from talkwire.realtime.engine.hub import EncodingGroup
from talkwire.realtime.socketio.socketio_socket import Admitted, ConnectRefused, Socket
from talkwire.wire import LocalProtocolError, encode_event, message_frame

NAMESPACE = "/admin"
PAGES_MAX = 20
"""The most Admin UI pages that can be connected to one node at a time."""

INTERVAL_S = 1.0
ANSWERS_S = 0.5
"""Seconds to wait for the answers of other nodes about their sockets."""

ALL_SOCKETS_MAX = 512 * 1024
"""The largest list of all sockets that a page receives, in bytes of JSON. It leaves out the sockets beyond that."""

_NEWS = "admin ui: news"
_COMMAND = "admin ui: command"

_logger = structlog.get_logger(__name__)


class AdminNamespace:
    """The namespace of the Admin UI's pages; implements `socketio_socket.NamespaceHandler`. With `control`, pages may
    carry out commands on sockets; without, they only watch.
    """

    def __init__(
        self,
        server: ObservedServer,
        credentials: AdminCredentials,
        peers: Peers,
        runner: CommandRunner,
        *,
        control: bool,
    ) -> None:
        self._server = server
        self._watch = server.watch
        self._watch.node_id = peers.node_id
        self._credentials = credentials
        self._peers = peers
        self._runner = runner
        self._control = control
        self._group = server.hub.add_encoding_group(EncodingGroup(NAMESPACE))
        self._mirror = Mirror()
        self._numbers: dict[str, int] = {}
        """The number of the last news of each node."""
        self._pages: dict[Socket, bool] = {}
        """Whether each page knows all sockets; if not, it is sent all of them when it reads."""
        self._task: asyncio.Task[None] | None = None
        peers.answer(_NEWS, NewsQuestion, self._answer_news)
        peers.answer(_COMMAND, PageCommand, self._answer_command)

    async def close(self) -> None:
        """Stops sending the changes among all nodes' sockets to the pages, and stops collecting events for other nodes'
        pages. Does not disconnect the pages.
        """
        self._watch.close()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    # --- NamespaceHandler -------------------------------------------------------------------------------------------

    async def admit(self, handshake: Handshake, namespace: str, auth: dict[str, Any]) -> Admitted:  # noqa: ARG002
        session = await self._credentials.admit(auth, handshake.address)
        if len(self._pages) >= PAGES_MAX:
            raise ConnectRefused("Too many pages of the Admin UI are connected.", {"code": "rate_limited"})
        return Admitted(self._group, session)

    def entered(self, socket: Socket) -> None:
        address = socket.handshake.address
        _logger.info("admin_ui_connected", socket_id=socket.id, address=address, control=self._control)
        self._watch.entered(socket)
        if socket.data is not None:
            self._send(socket, ("session", socket.data))
        self._send(socket, ("config", {"supportedFeatures": self._features()}))
        self._pages[socket] = False
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        else:
            self._send_all_sockets(socket)

    def received(self, socket: Socket, args: list[Any], ack_id: int | None) -> None:  # noqa: ARG002
        try:
            command = self._command_of(args)
        except InvalidCommand as refusal:
            log_refusal("admin_ui_command_refused", reason=str(refusal), socket_id=socket.id)
            return
        _logger.info(
            "admin_ui_command",
            command=command.kind.strip("_"),
            namespace=command.namespace,
            chosen=command.chosen,
            socket_id=socket.id,
            address=socket.handshake.address,
        )
        socket.connection.lane.enter(lambda: self._start(socket, command), pipelined=False)

    def unreadable(self, socket: Socket, name: str | float, ack_id: int | None, flaw: str) -> None:  # noqa: ARG002
        """Logs and ignores a page's event whose payload could not be decoded; the page receives no reply."""
        log_refusal("admin_ui_command_refused", reason="unreadable", socket_id=socket.id)

    def expired(self, socket: Socket) -> None:
        """Does nothing: a page's sign-in does not expire while it is connected."""

    def say_goodbye(self, socket: Socket, reason: str) -> None:
        """Does nothing: the Admin UI's pages have no use for the reason."""

    def disconnected(self, socket: Socket, reason: str) -> None:
        self._watch.left(socket, reason)
        self._pages.pop(socket, None)

    # --- commands ---------------------------------------------------------------------------------------------------

    def _features(self) -> list[str]:
        features = ["AGGREGATED_EVENTS"]
        if self._watch.detail != "totals":
            features.append("ALL_EVENTS")
        if self._control:
            features += ["EMIT", "JOIN", "LEAVE", "DISCONNECT", "MJOIN", "MLEAVE", "MDISCONNECT"]
        return features

    def _command_of(self, args: list[Any]) -> PageCommand:
        if not self._control:
            raise InvalidCommand("read-only")
        command = parse_command(args, NAMESPACE)
        try:
            encode_event(command.namespace, command.args)
            msgspec.msgpack.encode(command)
        except (LocalProtocolError, msgspec.MsgspecError, TypeError, ValueError, RecursionError):
            raise InvalidCommand("invalid arguments") from None
        return command

    def _start(self, socket: Socket, command: PageCommand) -> bool:
        task = asyncio.ensure_future(self._carry_out(command))
        task.add_done_callback(lambda _: socket.connection.lane.finished())
        return True

    async def _carry_out(self, command: PageCommand) -> None:
        try:
            await self._runner.run(command)
            await self._peers.ask(_COMMAND, command, int)
        except Exception as error:  # noqa: BLE001 (one page's command must not harm others)
            self._server.report(error)

    async def _answer_command(self, command: PageCommand) -> int:
        return await self._runner.run(command) if self._control else 0

    # --- news -------------------------------------------------------------------------------------------------------

    async def _answer_news(self, question: NewsQuestion) -> NodeNews:
        return self._watch.news(question.viewer, question.after.get(self._peers.node_id))

    async def _run(self) -> None:
        """Sends the changes among all nodes' sockets to the connected pages once a second, until no page is
        connected.
        """
        while self._pages:
            try:
                await self._send_news()
            except Exception as error:  # noqa: BLE001 (the next news may succeed)
                self._server.report(error)
            await asyncio.sleep(INTERVAL_S)
        self._mirror, self._numbers, self._task = Mirror(), {}, None

    async def _send_news(self) -> None:
        question = NewsQuestion(self._peers.node_id, dict(self._numbers))
        found = await self._peers.ask(_NEWS, question, NodeNews, wait_s=ANSWERS_S)
        found[self._peers.node_id] = await self._answer_news(question)
        packets: list[Packet] = []
        for node_id in self._mirror.node_ids():
            if node_id != self._peers.node_id and not self._peers.is_peer(node_id):
                packets += self._mirror.forget(node_id, iso_now())
                self._numbers.pop(node_id, None)
        for node_id, news in found.items():
            self._numbers[node_id] = news.number
            packets += self._mirror.adopt(node_id, news)
            if news.left_out:
                packets.append(_left_out(news))
            packets.append(("server_stats", news.statistics))
        self._show(packets)

    def _show(self, packets: list[Packet]) -> None:
        frames: bytes | None = None
        for page, knows_all in list(self._pages.items()):
            if page.connection.is_slow():
                self._pages[page] = False
            elif not knows_all:
                self._send_all_sockets(page)
                self._send(page, *(packet for packet in packets if packet[0] == "server_stats"))
            else:
                frames = _frames(packets) if frames is None else frames
                self._server.observed_hub.send_unobserved(page.connection, frames)

    def _send_all_sockets(self, page: Socket) -> None:
        self._pages[page] = True
        if self._watch.detail == "totals":
            return
        shown: list[SocketView] = []
        size = 0
        for view in self._mirror.views():
            size += len(msgspec.json.encode(view))
            if size > ALL_SOCKETS_MAX:
                break
            shown.append(view)
        self._send(page, ("all_sockets", shown))

    def _send(self, page: Socket, *packets: Packet) -> None:
        self._server.observed_hub.send_unobserved(page.connection, _frames(packets))


def _frames(packets: list[Packet] | tuple[Packet, ...]) -> bytes:
    return b"".join(message_frame(part) for packet in packets for part in encode_event(NAMESPACE, packet))


def _left_out(news: NodeNews) -> Packet:
    """Returns an event that shows Admin UI pages how many events of a node were not shown."""
    shown = ["(not shown)", {"events": news.left_out, "server": news.statistics.server_id}]
    return ("event_sent", "/", news.statistics.server_id, shown, news.time)
