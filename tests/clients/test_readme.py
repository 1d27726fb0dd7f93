"""README.md shows the examples unchanged, its commands work, and its results match docs/benchmarks.md."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
from asyncio.subprocess import PIPE
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chat.chat_server import ServerProcess, running_chat
from tests.clients.programs import running
from tests.clients.token_route import running_token_route
from tests.http_client import AsyncHttpClient
from tests.waiting import deadline

REPOSITORY = Path(__file__).parents[2]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")

ROOM_TEST = """
import { openRoom } from "./room.mjs";
const [url, token] = process.argv.slice(2);
const room = openRoom({
  url,
  conversationId: "workshop",
  getToken: async () => token,
  showStatus: () => {},
  show: ({ content, id }) => {
    console.log(content, id);
    if (content === "Sent by the snippet") room.close();
    else if (content.startsWith("The deploy is through")) room.send("Sent by the snippet");
  },
});
"""

TYPED_TEST = """
import { createInterface } from "node:readline";
import { openRoom } from "./room.mjs";
const [url, tokenUrl, conversationId] = process.argv.slice(2);
const room = openRoom({
  url,
  conversationId,
  getToken: async () => (await fetch(tokenUrl)).text(),
  show: ({ id, content = "", deletedAt }) => console.log("message", id, deletedAt ? "deleted" : content),
  showStatus: (status) => console.log("status", status),
});
for await (const line of createInterface({ input: process.stdin }))
  room.send(line).then(() => console.log("sent", line), (error) => console.log("not sent", line, error.message));
room.close();
"""
"""Sends the lines that are typed, and prints what the page would show."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with running_chat(tmp_path_factory.mktemp("demo"), {"TALKWIRE_DEMO": "true"}) as server:
        yield server
        assert server.logged_errors() == []


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    """Returns a folder with the examples and the client library that they import."""
    for name in ("hello.mjs", "room.mjs"):
        shutil.copy(REPOSITORY / "examples" / name, tmp_path)
    (tmp_path / "node_modules").symlink_to(Path(__file__).parent / "node_modules")
    return tmp_path


async def output_of(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
    async with deadline():
        output, _ = await process.communicate()
    assert process.returncode == 0, output
    return output.decode()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_the_readme_shows_the_example_as_it_is() -> None:
    assert blocks("js") == [(REPOSITORY / "examples" / "room.mjs").read_text(encoding="utf-8")]


async def test_the_example_shows_messages_and_sends_one(demo: ServerProcess, examples: Path) -> None:
    (examples / "page.mjs").write_text(ROOM_TEST, encoding="utf-8")
    lines = (await output_of("node", str(examples / "page.mjs"), demo.url, demo.token("maya"))).splitlines()
    assert lines[0].startswith("The frames for the second batch")
    assert lines[-1].startswith("Sent by the snippet ")
    assert len(lines) == len(set(lines)), "each message is shown once"


async def test_the_example_lives_through_two_expiries_and_shows_what_changes(
    demo: ServerProcess, examples: Path
) -> None:
    (examples / "page.mjs").write_text(TYPED_TEST, encoding="utf-8")
    headers = {"authorization": f"Bearer {demo.token('backend', role='service')}"}
    with running_token_route("nora", ttl_s=2) as route:
        async with AsyncHttpClient(base_url=demo.url, headers=headers) as http:
            body = {"id": "nora-and-omar", "kind": "group", "memberIds": ["nora", "omar"]}
            assert (await http.post("/api/v1/conversations", json=body)).status_code == 201
            sent = {"conversationId": "nora-and-omar", "senderId": "omar", "content": "first"}
            first, second = [(await http.post("/api/v1/messages", json=sent)).json()["id"] for _ in range(2)]
            async with running(examples / "page.mjs", demo.url, route.url, "nora-and-omar") as page:
                assert await page.prints() == "status connected"
                assert await page.prints() == f"message {first} first"
                assert await page.prints() == f"message {second} first"
                await http.patch(f"/api/v1/messages/{first}", json={"content": "edited"})
                assert await page.prints() == f"message {first} edited"
                assert await page.prints() == "status connecting again"
                await http.request("DELETE", f"/api/v1/messages/{second}")
                assert await page.prints() == "status connected"
                assert await page.prints() == f"message {second} deleted"
                assert await page.prints() == "status connecting again"
                page.type("typed while away")
                lines = sorted([await page.prints() for _ in range(3)])
                assert re.fullmatch(r"message \d+ typed while away", lines[0])
                assert lines[1:] == ["sent typed while away", "status connected"]


async def test_a_message_that_is_not_stored_is_reported(demo: ServerProcess, examples: Path) -> None:
    (examples / "page.mjs").write_text(TYPED_TEST, encoding="utf-8")
    with running_token_route("nobody", ttl_s=60) as route:
        async with running(examples / "page.mjs", demo.url, route.url, "workshop") as page:
            assert await page.prints() == "status connected"
            page.type("hello")
            assert await page.prints() == "not sent hello You have no access to this."


async def test_two_people_of_the_demo_greet_each_other(demo: ServerProcess, examples: Path) -> None:
    lines = (await output_of("node", str(examples / "hello.mjs"), demo.url)).splitlines()
    assert lines.count("Maya Lindgren is typing …") == 1
    assert any(re.fullmatch(r"Maya Lindgren in workshop, number \d+: Hello!", line) for line in lines)


def test_the_request_of_the_readme_sends(demo: ServerProcess) -> None:
    (request,) = [block for block in blocks("sh") if block.startswith("curl")]
    command = request.replace("http://localhost:3000", demo.url).replace("curl ", "curl --silent --noproxy '*' ", 1)
    sent = json.loads(subprocess.run(["sh", "-ec", command], check=True, capture_output=True, env=os.environ).stdout)
    assert (sent["conversationId"], sent["content"]) == ("workshop", "Hello!")


def test_the_figures_are_those_of_the_benchmarks() -> None:
    page = (REPOSITORY / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    section = README.partition("## Figures")[2].partition("\n## ")[0]
    # A row of README.md has a title, figures of as many servers as it compares, and a remark.
    shown = [row[1:-1] for row in _rows(section) if row[1][:1].isdigit()]
    assert len(shown) > 20
    measured = [row[1:] for row in _rows(page)]
    assert [row for row in shown if row not in [each[: len(row)] for each in measured]] == []
    dates = re.findall(r"[Mm]easured on (\d{4}-\d\d-\d\d)", section)
    assert dates
    assert [date for date in dates if f"Measured on {date}" not in page] == []


def _rows(page: str) -> list[list[str]]:
    """Returns the cells of all tables' rows in a page."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line[:2] == "| "]
