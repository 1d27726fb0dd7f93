"""Installs, configures and starts Synapse, the Matrix homeserver, as one process on PostgreSQL.

Its own documentation says what makes it fast; everything else keeps its default:

- PostgreSQL with 5 to 10 connections: https://element-hq.github.io/synapse/latest/postgres.html
- a cache factor of 2, libjemalloc, and no presence:
  https://element-hq.github.io/synapse/latest/usage/administration/admin_faq.html
- the options by name: https://element-hq.github.io/synapse/latest/usage/configuration/config_documentation.html
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import httpx

from bench import backing, dataset
from bench.build import BUILD
from bench.dataset import Dataset
from bench.matrix.client import API, DEVICE, SERVER_NAME
from bench.servers import Place, Running, ServerFailedError

VERSION = "1.163.2"
# The compiled driver instead of Synapse's extra `postgres`, which needs a C compiler and PostgreSQL's headers.
PACKAGES = (f"matrix-synapse[jwt]=={VERSION}", "psycopg2-binary==2.9.13")
FOLDER = BUILD / "synapse"
PYTHON = FOLDER / "bin" / "python"

REQUESTS_AT_A_TIME = 8
_UNLIMITED = {"per_second": 1_000_000, "burst_count": 1_000_000}


def install() -> None:
    """Installs Synapse into a virtual environment of this Python version, unless it is there."""
    done = FOLDER / "installed"
    if done.exists() and done.read_text() == " ".join(PACKAGES):
        return
    subprocess.run([sys.executable, "-m", "venv", "--clear", FOLDER], check=True)
    subprocess.run([PYTHON, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", *PACKAGES], check=True)
    done.write_text(" ".join(PACKAGES))


def version() -> str:
    """Returns Synapse's name and version, and the memory allocator, for a report."""
    return f"Synapse {VERSION} ({'with' if jemalloc() else 'without'} libjemalloc)"


def jemalloc() -> Path | None:
    """Returns the path of Debian's libjemalloc2, or None if it is not installed."""
    library = Path("/usr/lib") / str(sysconfig.get_config_var("MULTIARCH")) / "libjemalloc.so.2"
    return library if library.exists() else None


def command(place: Place) -> list[str]:
    """Writes the configuration into the node's folder, and returns the command line that starts Synapse."""
    logs, configuration = place.folder / "log.json", place.folder / "homeserver.json"
    logs.write_text(json.dumps(_log_configuration()))
    configuration.write_text(json.dumps(_configuration(place, logs)))  # YAML includes JSON
    library = jemalloc()
    preload = [f"LD_PRELOAD={library}"] if library else []
    return ["env", *preload, str(PYTHON), "-m", "synapse.app.homeserver", "-c", str(configuration)]


def is_up(port: int) -> bool:
    """Returns whether Synapse accepts requests on a port."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health").is_success
    except httpx.TransportError:
        return False


def prepare(server: Running, data: Dataset) -> None:
    """Creates the users of a scenario by signing them in, and a public room for each conversation, which they join.

    A room's alias is the conversation's id, and its creator is the first member.
    """
    base = f"http://127.0.0.1:{server.port}{API}"
    with httpx.Client(base_url=base, timeout=60) as client, ThreadPoolExecutor(REQUESTS_AT_A_TIME) as pool:

        def sign_in(user: str) -> str:
            login = {"type": "org.matrix.login.jwt", "token": dataset.token(user), "device_id": DEVICE}
            return str(_post(client, "/login", login)["access_token"])

        def create(conversation: str) -> None:
            creator = access_tokens[data.conversations[conversation][0]]
            _post(client, "/createRoom", {"preset": "public_chat", "room_alias_name": conversation}, creator)

        def join(conversation: str, user: str) -> None:
            _post(client, f"/join/{quote(f'#{conversation}:{SERVER_NAME}')}", {}, access_tokens[user])

        access_tokens = dict(zip(data.users, pool.map(sign_in, data.users), strict=True))
        list(pool.map(create, data.conversations))
        joins = [(name, user) for name, members in data.conversations.items() for user in members[1:]]
        list(pool.map(join, *zip(*joins, strict=True)))


def _post(client: httpx.Client, path: str, body: object, access_token: str = "") -> dict[str, object]:
    headers = {"Authorization": f"Bearer {access_token}"} if access_token else {}
    answer = client.post(path, json=body, headers=headers)
    if not answer.is_success:
        raise ServerFailedError(f"POST {path}: {answer.status_code} {answer.text[:500]}")
    decoded: dict[str, object] = answer.json()
    return decoded


def _log_configuration() -> dict[str, object]:
    return {
        "version": 1,
        "handlers": {"console": {"class": "logging.StreamHandler"}},
        "root": {"level": "WARNING", "handlers": ["console"]},
    }


def _configuration(place: Place, logs: Path) -> dict[str, object]:
    assert place.postgresql is not None, "Synapse is compared on PostgreSQL"
    database = {
        "user": backing.USER,
        "dbname": backing.DATABASE,
        "host": str(place.postgresql.sockets),
        "port": place.postgresql.port,
    }
    resources = [{"names": ["client"], "compress": False}]
    return {
        "server_name": SERVER_NAME,
        "listeners": [{"port": place.port, "bind_addresses": ["127.0.0.1"], "type": "http", "resources": resources}],
        "database": {"name": "psycopg2", "args": database | {"cp_min": 5, "cp_max": 10}},
        "caches": {"global_factor": 2.0},
        "presence": {"enabled": False},
        "jwt_config": {"enabled": True, "secret": dataset.SECRET, "algorithm": "HS256"},
        "password_config": {"enabled": False},
        "signing_key": f"ed25519 bench {base64.b64encode(bytes(32)).decode().rstrip('=')}",
        "macaroon_secret_key": dataset.SECRET,
        "trusted_key_servers": [],
        "federation_domain_whitelist": [],
        "enable_media_repo": False,
        "user_directory": {"enabled": False},
        "stats": {"enabled": False},
        "report_stats": False,
        "log_config": str(logs),
        **_no_limits(),
    }


def _no_limits() -> dict[str, object]:
    """Returns the options that lift Synapse's limits of requests per second."""
    plain = ("message", "registration", "joins_per_room", "room_creation", "admin_redaction")
    nested = {
        "login": ("address", "account", "failed_attempts"),
        "joins": ("local", "remote"),
        "invites": ("per_room", "per_user", "per_issuer"),
    }
    limits: dict[str, object] = {f"rc_{name}": _UNLIMITED for name in plain}
    return limits | {f"rc_{name}": dict.fromkeys(parts, _UNLIMITED) for name, parts in nested.items()}
