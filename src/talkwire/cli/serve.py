"""`talkwire serve`: runs the server until a signal ends it."""

from __future__ import annotations

import asyncio
import errno
import json
import socket
import sys
from datetime import UTC, datetime
from importlib.metadata import version

from talkwire import demo
from talkwire.cli.database import database_failures, printable_database
from talkwire.cli.extras import require_redis, require_s3
from talkwire.cli.failures import Failure
from talkwire.cli.flags import Flag, load, takes_settings
from talkwire.cli.output import print_line
from talkwire.cli.workers.supervisor import Workers
from talkwire.datafolder import FolderInUse, find_holder, prepare_folder, reachable_url
from talkwire.files.byte_store import SCHEME
from talkwire.logs import are_json, configure_logs
from talkwire.realtime.serving.server import bind_shared, listen
from talkwire.settings import Settings
from talkwire.settings.sources import known_settings

_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 (compared, not bound)


@takes_settings(*known_settings())
def serve(**flags: Flag) -> None:
    """Run the server until SIGTERM or Ctrl-C."""
    settings = load(flags).settings
    configure_logs(settings.log_level, settings.log_format)
    _refuse_a_second_server(settings)
    _refuse_an_unusable_redis(settings)
    if settings.files is not None and settings.files.startswith(SCHEME):
        require_s3()
    listening = _listen(settings)
    if settings.workers > 1:
        _serve_with_workers(settings, listening)
        return
    # The supervisor of workers needs no node.
    from talkwire.app import Node  # noqa: PLC0415
    from talkwire.running import run  # noqa: PLC0415

    with listening, database_failures(settings):
        prepare_folder(settings.data)
        url = reachable_url(listening)
        run(Node(settings), listening, lambda: _greet(settings, url))


def _serve_with_workers(settings: Settings, listening: socket.socket) -> None:
    """Runs workers on the port. A socket that accepts no connections reserves the address, since
    workers come and go.
    """
    url, port = reachable_url(listening), listening.getsockname()[1]
    listening.close()
    with bind_shared(settings.host, port):

        async def run() -> None:
            await Workers(settings, port, lambda: _greet(settings, url)).run()

        asyncio.run(run())


def _greet(settings: Settings, url: str) -> None:
    lines = [_greeting_for_programs(settings, url)] if are_json(settings.log_format) else _greeting(settings, url)
    print_line("\n".join(lines))
    sys.stdout.flush()


def _greeting_for_programs(settings: Settings, url: str) -> str:
    """Returns the greeting as one line of JSON, since standard output and the log often end up in one file."""
    greeting = {
        "event": "serving",
        "level": "info",
        "timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "version": version("talkwire"),
        "url": url,
        "host": settings.host,
        "database": printable_database(settings),
        "workers": settings.workers,
        "demo": settings.demo,
        "insecure_dev_auth": settings.insecure_dev_auth,
    }
    return json.dumps(greeting, ensure_ascii=False)


def _greeting(settings: Settings, url: str) -> list[str]:
    everywhere = " and on all other addresses of this machine" if settings.host in _EVERYWHERE else ""
    workers = f", {settings.workers} workers" if settings.workers > 1 else ""
    lines = [f"Talkwire {version('talkwire')} at {url}{everywhere} with {printable_database(settings)}{workers}"]
    if settings.demo:
        lines += [
            f"Demo: open {url}/ and sign in as one of the people there; no password is needed.",
            f"      Users of the examples: {', '.join(demo.SNIPPET_USERS)}",
            f"      An account: {demo.ACCOUNT_EMAIL}, password {demo.ACCOUNT_PASSWORD}",
        ]
    elif settings.insecure_dev_auth:
        lines.append("Anyone on this machine can sign in as any user: --insecure-dev-auth is for development.")
    return lines


def _refuse_a_second_server(settings: Settings) -> None:
    """Raises FolderInUse before the port is tried, since this error says more than a port that is in use."""
    if settings.lock_file is None:
        return
    holder = find_holder(settings.lock_file)
    if holder is not None and holder.url is not None:
        raise FolderInUse(settings.lock_file, holder)


def _refuse_an_unusable_redis(settings: Settings) -> None:
    """Raises Failure for an invalid URL or a missing client. A Redis that is only unavailable now may
    become available.
    """
    if settings.redis is not None:
        require_redis()
        from talkwire.cli.redis import client_of  # noqa: PLC0415 (needs the package of an extra)

        client_of(settings.redis)


def _listen(settings: Settings) -> socket.socket:
    try:
        return listen(settings.host, settings.port)
    except OSError as error:
        reason = "the port is in use" if error.errno == errno.EADDRINUSE else error.strerror
        raise Failure(f"cannot listen on {settings.host}, port {settings.port}: {reason}") from None
