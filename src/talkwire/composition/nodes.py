"""Connects this node (server process) with the others: the address at which they reach it, and forwarded requests."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Collection

import structlog
from sqlalchemy.engine import URL

from talkwire.api.http.fencing import FencedApp
from talkwire.api.rest import RestApplication
from talkwire.composition.foundation import Foundation
from talkwire.core.commands.server.nodes import ListPeers
from talkwire.core.domain.actors import NODE
from talkwire.realtime.chat.fencing import fence
from talkwire.realtime.forwarding.file_forwarding import FileForwarding
from talkwire.realtime.forwarding.forwarder import Forwarder
from talkwire.realtime.forwarding.peer_auth import PeerAuth
from talkwire.realtime.forwarding.session_owners import SessionOwners
from talkwire.realtime.forwarding.stored_files import StoredFiles
from talkwire.realtime.serving.node_listener import LOOPBACK, NodeListener, address_of, host_towards
from talkwire.realtime.serving.server import listen
from talkwire.realtime.socketio.socket_server import SocketServer
from talkwire.settings import Settings
from talkwire.settings.addresses import is_loopback
from talkwire.storage.conninfo import first_server
from talkwire.storage.engine import parameters_of

EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 (compared, not bound)

_logger = structlog.get_logger(__name__)


async def take_lease(foundation: Foundation, needs_signals: Callable[[], bool]) -> socket.socket | None:
    """Takes the node's lease: the record in the database from which other nodes learn that this node is alive. Call it
    before clients may connect. `needs_signals` returns whether this node needs the signals of all conversations.

    Returns the listening socket for requests of other nodes; None if there can be no other nodes (SQLite). Raises
    OSError if the address for other nodes cannot be used.
    """
    settings, chat = foundation.settings, foundation.chat
    chat.lease.needs_signals = needs_signals
    if foundation.alone:
        await chat.lease.start(alone=True, serves=False)
        return None
    listening, address = await _listen_for_nodes(settings, foundation.database.url, foundation.closing)
    await chat.lease.start(
        alone=False,
        address=address,
        lease_s=settings.lease_s,
        folder_ids=foundation.files.folder_ids,
        serves=False,
    )
    chat.announce_node()
    return listening


async def _listen_for_nodes(
    settings: Settings, url: URL, closing: contextlib.AsyncExitStack
) -> tuple[socket.socket, str]:
    """Returns a listening socket for requests of other nodes, and the address (host and port) at which they reach it:
    by default the one from which this machine reaches the database `url`. Closing `closing` closes the socket.

    Nobody accepts its connections before the server runs. Raises OSError if the address cannot be used.
    """
    towards_database = await asyncio.to_thread(host_towards, *first_server(parameters_of(url)))
    host = settings.internal_host or (LOOPBACK if is_loopback(settings.host) else towards_database)
    if is_loopback(host) and not is_loopback(towards_database):
        _logger.warning("node_local_only", setting="internal_host")
    listening = open_internal_port(host, settings.internal_port)
    closing.callback(listening.close)
    address = address_of(listening, towards_database if host in EVERYWHERE else host)
    _logger.info("node_listening", address=address)
    return listening, address


def open_internal_port(host: str, port: int) -> socket.socket:
    """Opens the listening socket for requests of other nodes. Raises OSError that says what the address is for."""
    try:
        return listen(host, port)
    except OSError as error:
        where = f"the address for other nodes, {host} port {port}"
        raise OSError(error.errno, error.strerror, where) from error


def join_nodes(
    foundation: Foundation, listening: socket.socket, key: bytes, engine: SocketServer, rest: RestApplication
) -> NodeListener:
    """Sets up forwarding between nodes: this node sends requests for other nodes' sessions and files to those nodes,
    and the returned listener serves the requests that they send to this node at the socket `listening`.

    `key` is a secret that all nodes share; it authenticates them to each other.
    """
    chat, files, metrics = foundation.chat, foundation.files, engine.metrics
    link = PeerAuth(key, chat.node_id)
    owners = SessionOwners(chat.peers, lambda: chat.execute(NODE, ListPeers()), engine.now)
    forwarder = engine.forwarder = Forwarder(owners, link, chat.node_id, metrics)
    file_links = FileForwarding(owners, link, metrics, engine.now)
    foundation.closing.callback(file_links.close)
    stored = StoredFiles(files.store.local())
    files.store.holders = files.uploads.holders = file_links
    engine.node_id = chat.node_id
    metrics.open_tunnels = lambda: len(forwarder.tunnels)

    def drop(node_ids: Collection[str]) -> None:
        forwarder.drop(node_ids)
        file_links.drop(node_ids)

    chat.peers.on_peers_gone = drop
    chat.peers.on_peers_read = file_links.note_living
    foundation.closing.callback(fence(engine, chat).close)
    return NodeListener(listening, link, rest, FencedApp(rest, engine.is_fenced), stored)
