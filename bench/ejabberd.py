"""Runs ejabberd, an XMPP server, for the benchmarks: its configuration, its tables, and the files of its clients."""

from __future__ import annotations

import base64
import json
import shutil
import socket
from pathlib import Path

import psycopg

from bench import dataset
from bench.dataset import Dataset, DatasetFiles
from bench.servers import Place

HOST = "localhost"
ROOMS = f"conference.{HOST}"
LIBRARIES = Path("/usr/lib/x86_64-linux-gnu")
TABLES = Path("/usr/share/ejabberd/sql/pg.sql")

CONFIGURATION = """\
hosts: [localhost]
loglevel: warning
listen:
  - port: {port}
    ip: "127.0.0.1"
    module: ejabberd_c2s
    backlog: 1024
auth_method: [jwt]
jwt_key: {folder}/jwt.json
default_db: sql
sql_type: pgsql
sql_server: 127.0.0.1
sql_port: {sql_port}
sql_database: postgres
sql_username: talkwire
sql_password: ""
sql_pool_size: 20
modules:
  mod_mam:
    default: always
  mod_muc:
    history_size: 0
    max_users: 10000
    max_users_presence: 0
    default_room_options:
      mam: true
      max_users: 10000
      presence_broadcast: []
"""
"""The server's configuration.

There are no shapers, which limit traffic, and only the modules that the scenarios use. The archive keeps every message.
A room sends no presence of its occupants, of which a room of 1,000 would have a million.
Caches, prepared statements, ten connections to the database and the SQL schema for one domain are the defaults.
"""


def version() -> str:
    """Returns the name and version of the installed ejabberd, such as `ejabberd 23.01`. Raises FileNotFoundError
    without one.
    """
    found = sorted(LIBRARIES.glob("ejabberd-*"))
    if not found or shutil.which("erl") is None:
        raise FileNotFoundError("ejabberd is not installed: apt-get install ejabberd erlang-p1-pgsql, or leave it out")
    return f"ejabberd {found[0].name.split('-')[1]}"


def command(place: Place) -> list[str]:
    """Writes the configuration into the node's folder, creates the tables, and returns the command line that starts
    ejabberd.
    """
    assert place.postgresql is not None, "ejabberd is compared on PostgreSQL"
    folder = place.folder
    key = base64.urlsafe_b64encode(dataset.SECRET.encode()).decode().rstrip("=")
    (folder / "jwt.json").write_text(json.dumps({"kty": "oct", "k": key}))
    configuration = folder / "ejabberd.yml"
    configuration.write_text(CONFIGURATION.format(port=place.port, folder=folder, sql_port=place.postgresql.port))
    with psycopg.connect(place.postgresql.url, autocommit=True) as connection:
        connection.execute(TABLES.read_bytes())
    variables = {
        "EJABBERD_CONFIG_PATH": configuration,
        "EJABBERD_LOG_PATH": folder / "ejabberd.log",
        "ERL_LIBS": LIBRARIES,
        "ERL_MAX_PORTS": 100_000,
    }
    settings = [f"{name}={value}" for name, value in variables.items()]
    # Kernel polling and many processes are what ejabberdctl starts it with; without distribution, it needs no epmd.
    options = ["+K", "true", "+P", "250000", "-noinput", "-mnesia", "dir", json.dumps(str(folder / "mnesia"))]
    return ["env", *settings, "erl", *options, "-s", "ejabberd"]


def is_up(port: int) -> bool:
    """Returns whether the server accepts connections."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def write_files(data: Dataset, folder: Path) -> DatasetFiles:
    """Writes the files for clients that speak XMPP: initial responses of SASL PLAIN (RFC 4616) with a JWT as password,
    and the addresses of rooms or of the two users of a conversation.
    """
    files = data.write(folder)
    files.tokens.write_text("".join(f"{_initial_response(user)}\n" for user in data.users))
    files.conversation_ids.write_text(
        "".join(f"{_address(conversation, members)}\n" for conversation, members in data.conversations.items())
    )
    return files


def _initial_response(user: str) -> str:
    token = dataset.token(user, jid=f"{user}@{HOST}")
    return base64.b64encode(f"\0{user}\0{token}".encode()).decode()


def _address(conversation: str, members: list[str]) -> str:
    if len(members) == 2:
        return " ".join(f"{member}@{HOST}" for member in members)
    return f"{conversation}@{ROOMS}"
