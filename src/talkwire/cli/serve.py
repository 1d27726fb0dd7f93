"""`talkwire serve`: the server, until a signal ends it."""

from __future__ import annotations

import asyncio
import errno
import socket
import sys
from importlib.metadata import version

from talkwire import demo
from talkwire.app import Node
from talkwire.cli.database import database_failures, shown_database
from talkwire.cli.failures import Failure
from talkwire.cli.flags import Flag, load, takes_settings
from talkwire.cli.output import print_line
from talkwire.datafolder import FolderInUse, find_holder, prepare_folder, reachable_url
from talkwire.logs import configure_logs
from talkwire.realtime.serving import listen
from talkwire.settings import Settings
from talkwire.settings.sources import known_settings

_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 (compared, not bound)


@takes_settings(*known_settings())
def serve(**flags: Flag) -> None:
    """Run the server until SIGTERM or Ctrl-C."""
    settings = load(flags).settings
    configure_logs(settings.log_level, settings.log_format)
    _refuse_a_second_server(settings)
    with _listen(settings) as listening, database_failures(settings):
        prepare_folder(settings.data)
        _Announcing(settings, reachable_url(listening)).run(listening)


class _Announcing(Node):
    """Says that it is ready when it is."""

    def __init__(self, settings: Settings, url: str) -> None:
        super().__init__(settings)
        self._url = url

    async def start(self) -> None:
        await super().start()
        # In the loop's next turn the server has begun: from then on a signal stops it in good order.
        asyncio.get_running_loop().call_soon(self._greet)

    def _greet(self) -> None:
        print_line("\n".join(_greeting(self.settings, self._url)))
        sys.stdout.flush()


def _greeting(settings: Settings, url: str) -> list[str]:
    everywhere = " and on all other addresses of this machine" if settings.host in _EVERYWHERE else ""
    lines = [f"Talkwire {version('talkwire')} at {url}{everywhere} with {shown_database(settings)}"]
    if settings.demo:
        lines += [
            f"Demo: open {url}/ and sign in as {', '.join(demo.USERS)}; no password is asked for.",
            f"      There is an account too: {demo.ACCOUNT_EMAIL} with the password {demo.ACCOUNT_PASSWORD}",
        ]
    elif settings.insecure_dev_auth:
        lines.append("Anyone on this machine may be anyone here: --insecure-dev-auth is for development.")
    return lines


def _refuse_a_second_server(settings: Settings) -> None:
    """Before the port is tried: that it is in use is not what matters then."""
    if settings.lock_file is None:
        return
    holder = find_holder(settings.lock_file)
    if holder is not None and holder.url is not None:
        raise FolderInUse(settings.lock_file, holder)


def _listen(settings: Settings) -> socket.socket:
    try:
        return listen(settings.host, settings.port)
    except OSError as error:
        reason = "the port is in use" if error.errno == errno.EADDRINUSE else error.strerror
        raise Failure(f"cannot listen on {settings.host}, port {settings.port}: {reason}") from None
