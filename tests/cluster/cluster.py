"""Several `talkwire serve` processes over one PostgreSQL, with a Valkey between them or without."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, ExitStack
from pathlib import Path

from tests.chat.chat_server import ServerProcess, running_chat
from tests.chat.conftest import World, world_at
from tests.databases import Database
from tests.http_client import http_get
from tests.valkey_server import ValkeyServer
from tests.waiting import wait_until


class Cluster:
    """A cluster. `nodes` are processes; `valkey` is the Valkey between them, if the bus uses one."""

    def __init__(self, folder: Path, database: Database, valkey: ValkeyServer | None, ending: ExitStack) -> None:
        self.database = database
        self.valkey = valkey
        self.nodes: list[ServerProcess] = []
        self._folder = folder
        self._ending = ending

    def add_node(self, environment: Mapping[str, str] | None = None, port: int | None = None) -> ServerProcess:
        """Starts another node, at a free or the given port, and returns when it is ready. It has its own log and data
        folder, and is killed at the end of the test.
        """
        folder = self._folder / f"node{len(self.nodes) + 1}"
        folder.mkdir()
        node = self._start(folder, environment, port)
        self.nodes.append(node)
        return node

    def restart(self, number: int, environment: Mapping[str, str] | None = None) -> ServerProcess:
        """Starts a node that has ended once more, with its data folder, at another port."""
        node = self.nodes[number] = self._start(self.nodes[number].data.parent, environment, None)
        return node

    def _start(self, folder: Path, environment: Mapping[str, str] | None, port: int | None) -> ServerProcess:
        variables = {"DATABASE_URL": self.database.url.render_as_string(hide_password=False)}
        if self.valkey is not None:
            variables["REDIS_URL"] = self.valkey.url
        node = self._ending.enter_context(running_chat(folder, variables | dict(environment or {}), port))
        _wait_for_bus(node)
        return node

    def world(self, number: int) -> AbstractAsyncContextManager[World]:
        """Returns users who connect to this node (numbered from 0). For the same users on another node, call
        `take_ids_of` with the first world.
        """
        return world_at(self.nodes[number])


def _wait_for_bus(node: ServerProcess) -> None:
    """Waits until a node's bus is connected, since ephemeral events only reach it then: on a busy machine, that may be
    a moment after the node is ready.
    """
    wait_until(lambda: http_get(f"{node.url}/readyz").json().get("bus") == "ok")
