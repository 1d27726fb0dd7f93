"""docs/client-python.md: its program runs as it stands there, and its other blocks are valid."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

import pytest

from talkwire_client import EventStream, SignalStream, Talkwire
from tests.chat.chat_server import ServerProcess
from tests.chat.conftest import World
from tests.forked_talkwire import Streams, start_python
from tests.waiting import DEADLINE_S

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs/client-python.md").read_text(encoding="utf-8")
DESK_PAGE = (REPOSITORY / "docs/desk.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_program_of_the_page_prints_what_it_sent(chat_server: ServerProcess, world: World, tmp_path: Path) -> None:
    printed = _run(BLOCKS[0], chat_server, world.id_of("alice"), tmp_path)
    assert printed == f"{world.id_of('alice').title()} Hello!\n"


async def test_the_program_of_the_page_about_desks_answers_customers(
    chat_server: ServerProcess, world: World, tmp_path: Path
) -> None:
    (program,) = re.findall(r"^```python\n(.*?)^```$", DESK_PAGE, re.MULTILINE | re.DOTALL)
    team, ids = world.id_of("support"), [world.id_of("asked"), world.id_of("quiet")]
    await world.service("PUT", f"/api/v1/teams/{team}", {"name": "Support", "memberIds": [world.id_of("bob")]})
    for id_ in ids:
        body = {"kind": "group", "id": id_, "memberIds": [world.id_of("alice")], "teamIds": [team]}
        await world.service("POST", "/api/v1/conversations", body)
    asked = {"conversationId": ids[0], "content": "Where is it?", "senderId": world.id_of("alice")}
    await world.service("POST", "/api/v1/messages", asked)
    assert _run(program, chat_server, world.id_of("bob"), tmp_path) == ""
    found = [await world.service("GET", f"/api/v1/conversations/{id_}") for id_ in ids]
    assert [each["state"] for each in found] == ["closed", "open"]
    assert [each["lastSeq"] for each in found] == [2, 0]


def _run(program: str, server: ServerProcess, user_id: str, folder: Path) -> str:
    """Runs a program of a page as a user, and returns what it prints."""
    (folder / "program.py").write_text(program.replace("http://localhost:3000", server.url), encoding="utf-8")
    environment = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY / "clients/python/src"),
        "TALKWIRE_TOKEN": server.token(user_id),
    }
    with Path(os.devnull).open("rb") as nothing, (folder / "printed").open("wb") as output:
        process = start_python([str(folder / "program.py")], Streams(nothing, output, output), environment, folder)
    printed = (folder / "printed").read_text
    assert process.wait(DEADLINE_S) == 0, printed()
    return printed()


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_the_blocks_are_valid(block: str) -> None:
    compile(block, "block", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def test_the_page_names_every_call() -> None:
    public = {name for name in dir(Talkwire) if not name.startswith("_")}
    assert {name for name in public if f"`{name}(" not in PAGE and f"`{name}`" not in PAGE} == set()


def test_public_names_have_docstrings() -> None:
    for owner in (Talkwire, EventStream, SignalStream):
        silent = [name for name, value in vars(owner).items() if not name.startswith("_") and not value.__doc__]
        assert silent in ([], ["receive"]), owner
