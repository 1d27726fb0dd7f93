"""Reports to the service manager that started this process, as systemd's sd_notify(3) describes.

systemd names its socket in NOTIFY_SOCKET. With `Type=notify` it waits for READY=1 before it starts what needs the
service, and with `WatchdogSec=` it kills a service whose event loop stops sending WATCHDOG=1. Without these variables
nothing is sent.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping

READY = "READY=1"
_ALIVE = "WATCHDOG=1"


def notify(state: str, environ: Mapping[str, str] = os.environ) -> None:
    """Sends a state such as `READY=1` to the service manager (systemd), if one started this process. Ignores a failure
    to send.
    """
    address = environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    # An address that begins with @ is in Linux' abstract namespace, where the first byte is 0.
    name = f"\0{address[1:]}" if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.setblocking(False)  # noqa: FBT003 (takes it by place only)
            sender.sendto(state.encode(), name)
    except OSError:
        return


def watchdog_interval_s(environ: Mapping[str, str] = os.environ) -> float | None:
    """Returns the seconds between two reports to systemd's watchdog, a third of its time limit. Returns None if no
    watchdog monitors this process.
    """
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    try:
        within_s = int(environ.get("WATCHDOG_USEC", "0")) / 1_000_000
    except ValueError:
        return None
    return within_s / 3 if within_s > 0 else None


async def report_alive(environ: Mapping[str, str] = os.environ) -> None:
    """Sends WATCHDOG=1 to systemd from the event loop at regular intervals until cancelled. Returns at once if no
    watchdog monitors this process.
    """
    interval_s = watchdog_interval_s(environ)
    while interval_s is not None:
        notify(_ALIVE, environ)
        await asyncio.sleep(interval_s)
