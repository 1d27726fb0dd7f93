"""docs/tutorials/nestjs.md: a NestJS application with its own gateway, and the same one whose chat is Talkwire's.

The same people say the same in both, and their clients print the same.
"""

from __future__ import annotations

import asyncio
import difflib
import os
import re
import shutil
import subprocess
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.chat.chat_server import SECRET, running_chat
from tests.http_client import AsyncHttpClient
from tests.protocol.server_process import reserved_port
from tests.reference.blocks.collected import blocks_of
from tests.waiting import DEADLINE_S, deadline

REPOSITORY = Path(__file__).parents[2]
EXAMPLE = REPOSITORY / "examples" / "nestjs"
PAGE = (REPOSITORY / "docs" / "tutorials" / "nestjs.md").read_text(encoding="utf-8")
LIBRARIES = Path(__file__).parent / "node_modules"
COMPILER = REPOSITORY / "tests" / "reference" / "node_modules" / "typescript" / "bin" / "tsc"
CALLBACK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the compiled example."""
    if not (LIBRARIES / "@nestjs").is_dir() or not COMPILER.is_file():
        pytest.fail("the packages of the tests are not installed: run make install")
    folder = tmp_path_factory.mktemp("nestjs") / "shop"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("node_modules", "build"))
    (folder / "node_modules").symlink_to(LIBRARIES)
    done = subprocess.run(["node", str(COMPILER)], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return folder


def block(language: str) -> str:
    """Returns the one block of the page in a language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


class Program:
    """A running program of the example."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def prints(self, line: str) -> None:
        """Returns when the program prints this line next."""
        assert self._process.stdout is not None
        async with deadline():
            assert (await self._process.stdout.readline()).decode().rstrip("\n") == line

    def kill(self) -> None:
        self._process.kill()

    def type(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())


@asynccontextmanager
async def running(folder: Path, file: str, *arguments: str, **environment: str) -> AsyncIterator[Program]:
    variables = {**os.environ, "JWT_SECRET": SECRET, "CALLBACK_SECRET": CALLBACK_SECRET, **environment}
    process = await asyncio.create_subprocess_exec(
        "node", file, *arguments, cwd=folder, env=variables, stdin=PIPE, stdout=PIPE, stderr=DEVNULL
    )
    try:
        yield Program(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def they_talk(shop: str, alice: Program, support: Program) -> None:
    """Has alice, who is connected, and support, who joins, use everything that the clients have."""
    await support.prints("(joined)")
    alice.type("/typing")
    await support.prints("(alice is typing)")
    alice.type("Is it on its way?")
    await alice.prints("alice: Is it on its way?")
    await support.prints("alice: Is it on its way?")
    support.type("buy now!")
    await support.prints("(refused: Advertising is not allowed here.)")
    alice.type("/order")
    await alice.prints("(order 7 is paid)")
    async with AsyncHttpClient(timeout=DEADLINE_S) as http:
        (await http.post(f"{shop}/orders/7/ship")).raise_for_status()
    await alice.prints("(order 7 is on its way)")


async def test_clients_of_the_gateway_and_of_talkwire_show_the_same(built: Path, tmp_path: Path) -> None:
    port, next_port = reserved_port(), reserved_port()
    old, new = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{next_port}"
    async with running(built, "build/before/main.js", PORT=str(port)) as before:
        await before.prints("ready")
        async with running(built, "before/client.mjs", old, "alice") as alice:
            await alice.prints("(joined)")
            async with running(built, "before/client.mjs", old, "support") as support:
                await they_talk(old, alice, support)

        (tmp_path / "talkwire.toml").write_text(block("toml").replace("4001", str(next_port)), encoding="utf-8")
        settings = {"TALKWIRE_ACCOUNTS": "off", "TALKWIRE_CALLBACK_SECRET": CALLBACK_SECRET}
        with running_chat(tmp_path, settings) as server:
            asked = {"TALKWIRE": server.url, "PORT": str(next_port)}
            async with running(built, "build/after/main.js", **asked) as after:
                await after.prints("ready")
                for _ in range(2):  # the page says that it can run again
                    async with running(built, "build/after/move.js", old, **asked) as move:
                        await move.prints("order-7: 1 messages")
                async with AsyncHttpClient() as http:
                    unsigned = await http.post(f"{new}/chat/before-send", json={"command": {"content": "Hello"}})
                    assert unsigned.status_code == 401
                async with running(built, "after/client.mjs", new, "alice", server.url) as alice:
                    await alice.prints("alice: Is it on its way?")
                    await alice.prints("(joined)")
                    async with running(built, "after/client.mjs", new, "support", server.url) as support:
                        await support.prints("alice: Is it on its way?")
                        await they_talk(new, alice, support)
                        after.kill()
                        support.type("It should be there soon.")
                        await alice.prints("support: It should be there soon.")
            assert server.logged_errors() == []


def test_the_page_shows_the_files_of_the_example() -> None:
    blocks = {each.text for each in blocks_of(REPOSITORY / "docs" / "tutorials" / "nestjs.md")}
    for name in ("before/chat.gateway.ts", "after/main.ts", "after/talkwire.ts", "after/move.ts"):
        assert (EXAMPLE / name).read_text(encoding="utf-8") in blocks, name


def test_the_page_shows_what_changes_in_the_client() -> None:
    before, after = (
        (EXAMPLE / folder / "client.mjs").read_text("utf-8").splitlines() for folder in ("before", "after")
    )
    changes = [line for line in difflib.ndiff(before, after) if line[0] in "+-"]
    assert [line for line in block("diff").splitlines() if line[:1] in {"+", "-"}] == [
        f"{each[0]}{each[2:]}" for each in changes
    ]
