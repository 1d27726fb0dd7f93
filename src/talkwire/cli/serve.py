"""The command `talkwire serve`, which runs the server until a signal ends it."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import socket
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import zip_longest
from pathlib import Path

import structlog

from talkwire import demo
from talkwire.cli.database import database_failures, printable_database
from talkwire.cli.extras import require_otlp, require_redis, require_s3
from talkwire.cli.failures import Failure
from talkwire.cli.flags import Flag, load, takes_settings
from talkwire.cli.output import iso_time, print_line, print_note
from talkwire.cli.workers.supervisor import Workers
from talkwire.control import operator_for
from talkwire.core.background_tasks import BackgroundTasks
from talkwire.core.commands.invitations import EnsureFirstInvitation
from talkwire.core.domain.errors import ChatError
from talkwire.core.engine.chat import Chat
from talkwire.datafolder import FolderInUse, find_holder, prepare_folder, reachable_url
from talkwire.files.byte_store import SCHEME
from talkwire.logs import are_json, configure_logs
from talkwire.payloads.invitations import invitation_url
from talkwire.realtime.serving.server import bind_shared, listen
from talkwire.service_manager import READY, notify, report_alive
from talkwire.settings import Settings
from talkwire.settings.known import known_settings
from talkwire.settings.policy import access_policy
from talkwire.settings.secrets import secret_values
from talkwire.settings.sources import readable_log_format, unknown_variables

_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 (compared, not bound)

_logger = structlog.get_logger(__name__)


@takes_settings(*known_settings())
def serve(**flags: Flag) -> None:
    """Run the server until SIGTERM or Ctrl-C."""
    settings = load(flags).settings
    secrets = secret_values(settings)
    configure_logs(settings.log_level, settings.log_format, is_final=settings.workers == 1, secrets=secrets)
    for name, similar in unknown_variables(os.environ):
        _logger.warning("unknown_variable", variable=name, similar=similar)
    _refuse_a_second_server(settings)
    _refuse_an_unusable_redis(settings)
    if settings.files is not None and settings.files.startswith(SCHEME):
        require_s3()
    if settings.otlp_endpoint is not None:
        require_otlp()
    listening = listen_on(settings)
    if settings.workers > 1:
        _serve_with_workers(settings, listening)
        return
    # The supervisor of workers needs no node.
    from talkwire.app import Node  # noqa: PLC0415
    from talkwire.running import run  # noqa: PLC0415

    with listening, database_failures(settings):
        prepare_folder(settings.data)
        url = reachable_url(listening)
        node, tasks = Node(settings), BackgroundTasks()
        node.ends_stalled_process = True

        def greet() -> None:
            _greet(settings, url)
            if sys.stdout.isatty() and not are_json(settings.log_format):
                tasks.start(_greet_first_admin(settings, url, node.chat))

        run(node, listening, greet)


def log_failure(arguments: Sequence[str], exit_code: int, reason: str) -> bool:
    """Logs why `serve` with these arguments failed if its log is JSON (`log_format = json`): programs that read it skip
    lines that are not. Returns False, and logs nothing, for another format.

    Settings may be what failed, so the format is read again from the arguments, the environment or the file.
    """
    config = _flag(arguments, "--config")
    file = None if config is None else Path(config)
    if readable_log_format(_flag(arguments, "--log-format"), os.environ, file) != "json":
        return False
    configure_logs("info", "json")
    _logger.error("serve_failed", reason=reason, exit_code=exit_code)
    return True


def _flag(arguments: Sequence[str], name: str) -> str | None:
    """Returns the value of the last flag `name` among the arguments, which may be invalid; None if there is none."""
    values = [
        value if equals else following
        for argument, following in zip_longest(arguments, arguments[1:], fillvalue="")
        for flag, equals, value in [argument.partition("=")]
        if flag == name
    ]
    return values[-1] if values else None


def _serve_with_workers(settings: Settings, listening: socket.socket) -> None:
    """Runs the workers (server processes that share the port) until a signal ends them. Closes `listening`, whose
    address they use.

    A socket that accepts no connections reserves the address meanwhile, since single workers end and restart.
    """
    url, port = reachable_url(listening), listening.getsockname()[1]
    listening.close()
    with bind_shared(settings.host, port):

        async def run() -> None:
            alive = asyncio.create_task(report_alive())
            try:
                await Workers(settings, port, lambda: _greet(settings, url)).run()
            finally:
                alive.cancel()

        asyncio.run(run())


async def _greet_first_admin(settings: Settings, url: str, chat: Chat) -> None:
    """Prints the link with which the first admin registers, if people can have accounts and no account is an admin.

    The link is as sensitive as a password, so it is printed only on terminals and never logged.
    """
    if settings.demo or access_policy(settings).accounts == "off":
        return
    command = EnsureFirstInvitation()
    try:
        created = await chat.execute(operator_for(command), command)
    except ChatError as error:
        print_note(f"the link for the first admin could not be made: {error.message}")
        return
    if created is not None:
        until = iso_time(created.invitation.expires_ms or 0)
        print_line(f"No admin yet: {invitation_url(settings.public_url or url, created.code)}")
        print_line(f"      registers the first one, once, until {until}.")
        sys.stdout.flush()


def _greet(settings: Settings, url: str) -> None:
    lines = [_greeting_for_programs(settings, url)] if are_json(settings.log_format) else _greeting(settings, url)
    print_line("\n".join(lines))
    sys.stdout.flush()
    notify(READY)


def _greeting_for_programs(settings: Settings, url: str) -> str:
    """Returns the message for programs that the server is running: one line of JSON with its URL and main settings.

    It is JSON like the log, since standard output and the log often end up in one file.
    """
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
            f"      An admin: talkwire user add EMAIL --name NAME --role admin --data {settings.data}",
        ]
    elif settings.insecure_dev_auth:
        lines.append("Anyone on this machine can sign in as any user: --insecure-dev-auth is for development.")
    return lines


def _refuse_a_second_server(settings: Settings) -> None:
    """Raises FolderInUse if a server already uses the same SQLite database.

    This runs before the port is opened, since this error says more than one about a port in use.
    """
    if settings.lock_file is None:
        return
    holder = find_holder(settings.lock_file)
    if holder is not None and holder.url is not None:
        raise FolderInUse(settings.lock_file, holder)


def _refuse_an_unusable_redis(settings: Settings) -> None:
    """Raises Failure if the settings name a Redis and its URL is invalid or the Redis client is not installed.

    A Redis that does not respond now is accepted, since it may become available later.
    """
    if settings.redis is not None:
        require_redis()
        from talkwire.cli.redis import client_of  # noqa: PLC0415 (needs the package of an extra)

        client_of(settings.redis)


def listen_on(settings: Settings) -> socket.socket:
    """Opens the listening socket of the settings. Raises Failure."""
    try:
        return listen(settings.host, settings.port)
    except OSError as error:
        reason = (
            "the port is in use; choose another one with --port" if error.errno == errno.EADDRINUSE else error.strerror
        )
        raise Failure(f"cannot listen on {settings.host}, port {settings.port}: {reason}") from None
