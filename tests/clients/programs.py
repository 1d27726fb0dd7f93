"""Example programs that run while a test types lines and reads what they print."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.chat.chat_server import SECRET
from tests.waiting import deadline


class Program:
    """A running example and the lines that it prints."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def prints(self) -> str:
        assert self._process.stdout is not None
        async with deadline():
            return (await self._process.stdout.readline()).decode().rstrip("\n")

    async def ends(self) -> int:
        """Returns the exit code."""
        async with deadline():
            return await self._process.wait()

    def type(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())


@asynccontextmanager
async def running(file: Path, *arguments: str) -> AsyncIterator[Program]:
    program = sys.executable if file.suffix == ".py" else "node"
    environment = {**os.environ, "JWT_SECRET": SECRET}
    process = await asyncio.create_subprocess_exec(
        program, str(file), *arguments, stdin=PIPE, stdout=PIPE, env=environment
    )
    try:
        yield Program(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
