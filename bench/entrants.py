"""The server configurations that the benchmark compares: their command lines, and how they get users and
conversations.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx

from bench import build, dataset, ejabberd, synapse
from bench.backing import PostgreSQL
from bench.dataset import Dataset
from bench.servers import MATRIX, XMPP, Entrant, Place, Running, ServerFailedError


def _talkwire_command(place: Place) -> list[str]:
    return [str(Path(sys.executable).with_name("talkwire")), *talkwire_arguments(place)]


def _talkwire_with_webhooks(place: Place) -> list[str]:
    """Returns the command line of a Talkwire server that may send webhooks to 127.0.0.1."""
    return [*_talkwire_command(place), "--webhook-allow", "127.0.0.1"]


def _talkwire_with_streams(place: Place) -> list[str]:
    """Returns the command line of a Talkwire server at which everybody may write as many streams as an agent."""
    return [*_talkwire_command(place), "--streams", "everyone", "--open-streams", "500"]


USERS_A_REQUEST = 100


def talkwire_arguments(place: Place) -> list[str]:
    """Returns the command line arguments of `talkwire` that start a node."""
    data = str(place.folder / "talkwire-data")
    arguments = ["serve", "--host", "127.0.0.1", "--port", str(place.port), "--data", data]
    arguments += ["--database", place.postgresql.url] if place.postgresql else []
    arguments += ["--redis", place.valkey.url] if place.valkey else []
    return arguments


def _create_conversations(server: Running, data: Dataset) -> None:
    """Creates the users and conversations of a scenario in Talkwire over REST, as an application's back end with role
    `service`.

    The users get the names in their tokens. Otherwise the first connect would store the name, in a commit that no other
    server makes.
    """
    headers = {"Authorization": f"Bearer {dataset.token('bench-backend', 'service')}"}
    base = f"http://127.0.0.1:{server.port}/api/v1"
    users = [{"id": user, "name": dataset.name(user)} for user in data.users]
    with httpx.Client(base_url=base, headers=headers, timeout=60) as client:
        for start in range(0, len(users), USERS_A_REQUEST):
            _post(client, "/users/batch", {"users": users[start : start + USERS_A_REQUEST]})
        for conversation_id, members in data.conversations.items():
            body = {"kind": "group", "id": conversation_id, "name": conversation_id, "memberIds": members}
            _post(client, "/conversations", body)


def _post(client: httpx.Client, path: str, body: object) -> None:
    answer = client.post(path, json=body)
    if not answer.is_success:
        raise ServerFailedError(f"POST {path}: {answer.status_code} {answer.text[:500]}")


# ---- the peers


def _node_command(*more: str, synchronous: str | None = None) -> Callable[[Place], list[str]]:
    def command(place: Place) -> list[str]:
        program = str(build.NODE_PEER / "server.js")
        command = ["node", program, "--port", str(place.port), "--conversations", str(place.files.conversations)]
        command += more
        if synchronous is not None:
            command += ["--sqlite", str(place.folder / "node.db"), "--synchronous", synchronous]
        command += _postgresql_options(place.postgresql) if place.postgresql else []
        command += ["--redis", place.valkey.url] if place.valkey else []
        return command

    return command


def _postgresql_options(postgresql: PostgreSQL) -> list[str]:
    return ["--postgresql", str(postgresql.sockets), "--postgresql-port", str(postgresql.port)]


def _bun_command(synchronous: str | None = None) -> Callable[[Place], list[str]]:
    def command(place: Place) -> list[str]:
        program = [str(build.bun_program()), str(build.BUN_PEER / "server.js")]
        command = [*program, "--port", str(place.port), "--conversations", str(place.files.conversations)]
        if synchronous is not None:
            command += ["--sqlite", str(place.folder / "bun.db"), "--synchronous", synchronous]
        return command

    return command


def _python_command(place: Place) -> list[str]:
    program = str(build.PYTHON_PEER / "server.py")
    command = [sys.executable, program, "--port", str(place.port), "--conversations", str(place.files.conversations)]
    command += ["--redis", place.valkey.url] if place.valkey else []
    return command


TALKWIRE = Entrant("talkwire", "talkwire", _talkwire_command, _create_conversations)
TALKWIRE_WEBHOOKS = replace(TALKWIRE, name="talkwire-webhooks", command=_talkwire_with_webhooks)
TALKWIRE_STREAMS = replace(TALKWIRE, name="talkwire-streams", command=_talkwire_with_streams)
TALKWIRE_POSTGRESQL = replace(TALKWIRE, name="talkwire-postgresql", on_postgresql=True)
TALKWIRE_NODES = replace(TALKWIRE_POSTGRESQL, name="talkwire-two-nodes", nodes=2, on_valkey=True)
NODE = Entrant("node", "node", _node_command())
NODE_FULL = Entrant("node-full", "node", _node_command(synchronous="FULL"))
NODE_NORMAL = Entrant("node-normal", "node", _node_command(synchronous="NORMAL"))
NODE_POSTGRESQL = Entrant("node-postgresql", "node", _node_command(), on_postgresql=True)
NODE_PIPELINED = Entrant("node-pipelined", "node", _node_command("--pipeline"), on_postgresql=True)
NODE_NODES = Entrant("node-two-nodes", "node", _node_command(), nodes=2, on_valkey=True)
BUN = Entrant("bun", "bun", _bun_command())
BUN_FULL = Entrant("bun-full", "bun", _bun_command("FULL"))
BUN_NORMAL = Entrant("bun-normal", "bun", _bun_command("NORMAL"))
PYTHON = Entrant("python", "python", _python_command)
PYTHON_NODES = Entrant("python-two-nodes", "python", _python_command, nodes=2, on_valkey=True)
EJABBERD = Entrant(
    "ejabberd",
    "ejabberd",
    ejabberd.command,
    on_postgresql=True,
    is_up=ejabberd.is_up,
    protocol=XMPP,
    write_files=ejabberd.write_files,
)

SYNAPSE = Entrant(
    "synapse",
    "synapse",
    synapse.command,
    synapse.prepare,
    on_postgresql=True,
    is_up=synapse.is_up,
    turn_length=10,
    protocol=MATRIX,
)
FAMILIES = ("talkwire", "ejabberd", "synapse", "node", "bun", "python")
