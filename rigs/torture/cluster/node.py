"""One `talkwire serve` process, and its successors on the same port."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from rigs.torture.cluster.processes import end, resident_mb, wait_until
from tests.forked_talkwire import Process, start_talkwire
from tests.http_client import AsyncHttpClient

STARTS_WITHIN_S = 120.0
DRAINS_WITHIN_S = 60.0


class EndedError(Exception):
    """A node ended by itself; the message has the end of its log."""


@dataclass(frozen=True)
class NodeOptions:
    """What all nodes are started with. `sabotage` names something of the product to be broken (`sabotage.py`)."""

    environment: Mapping[str, str]
    sabotage: str | None = None


class Node:
    """`log` holds what all its processes have written, one after the other."""

    def __init__(self, name: str, port: int, folder: Path, options: NodeOptions) -> None:
        self.name = name
        self.port = port
        self.log = folder / f"{name}.log"
        self._options = options
        self._process: Process | None = None
        self._http = AsyncHttpClient(base_url=f"http://127.0.0.1:{port}", timeout=5)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    async def start(self, *, skew_s: int = 0) -> None:
        """Starts the node and returns when it accepts requests. `skew_s` is by how many seconds its clock is wrong."""
        deadline = time.monotonic() + STARTS_WITHIN_S
        while True:
            self.launch(skew_s=skew_s)
            try:
                await self.wait_ready(deadline - time.monotonic())
                return
            except EndedError:
                # As its supervisor would: where there is no database, it ends and is started again.
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.5)

    def launch(self, *, skew_s: int = 0) -> None:
        environment = {**os.environ, **self._options.environment, **(skewed(skew_s) if skew_s else {})}
        arguments = ["serve", "--port", str(self.port)]
        with self.log.open("ab") as log:
            if skew_s or self._options.sabotage is not None:  # a skewed clock is loaded with the interpreter
                command = [sys.executable, *self._program(), *arguments]
                self._process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
            else:
                self._process = start_talkwire(arguments, log, environment, Path.cwd())

    def _program(self) -> list[str]:
        sabotage = self._options.sabotage
        return ["-m", "talkwire"] if sabotage is None else ["-m", "rigs.torture.sabotage", sabotage]

    async def wait_ready(self, deadline_s: float = STARTS_WITHIN_S) -> None:
        await wait_until(self.ready, f"{self.name} is ready", deadline_s)

    async def ready(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            tail = self.log.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise EndedError(f"{self.name} ended with status {self._process.returncode}: {tail}")
        try:
            return (await self._http.get("/readyz")).status_code == 200
        except httpx.HTTPError:
            return False

    async def kill(self) -> None:
        if self._process is not None:
            await end(self._process, signal.SIGKILL)

    def pause(self) -> None:
        if self.pid is not None:
            os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        if self.pid is not None:
            os.kill(self.pid, signal.SIGCONT)

    async def drain(self) -> int:
        """Asks the node to shut down in order, and returns its exit status."""
        assert self._process is not None
        return await end(self._process, signal.SIGTERM, DRAINS_WITHIN_S)

    async def metrics(self) -> dict[str, float]:
        lines = (await self._http.get("/metrics")).text.splitlines()
        return {
            name: float(value)
            for name, _, value in (line.rpartition(" ") for line in lines if not line.startswith("#"))
            if name
        }

    def resident_mb(self) -> float | None:
        return None if self.pid is None else resident_mb(self.pid)

    def logged(self) -> Iterator[dict[str, Any]]:
        """Yields the node's log lines as dicts; a line that is not JSON has `level` "unreadable"."""
        if not self.log.exists():
            return
        for line in self.log.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("Talkwire "):
                continue  # the greeting
            try:
                entry = json.loads(line)
            except ValueError:
                entry = {"level": "unreadable", "event": line}
            yield entry if isinstance(entry, dict) else {"level": "unreadable", "event": line}

    async def close(self) -> None:
        await self._http.aclose()
        await self.kill()


def can_skew() -> bool:
    """Whether a clock can be set wrong here: by faketime (apt-get install faketime)."""
    return shutil.which("faketime") is not None


def skewed(seconds: int) -> dict[str, str]:
    """Returns the environment of a process whose wall clock is wrong by so many seconds. Its monotonic
    clock is right.
    """
    # faketime would be an additional process, so it is only asked for the variables that it would set.
    output = subprocess.run(
        ["faketime", "-f", f"{seconds:+d}s", "env"],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": os.environ["PATH"]},
    ).stdout
    found = dict(line.split("=", 1) for line in output.splitlines() if "=" in line)
    return {
        "LD_PRELOAD": found["LD_PRELOAD"],
        "FAKETIME": f"{seconds:+d}s",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
