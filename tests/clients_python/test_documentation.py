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
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_program_of_the_page_prints_what_it_sent(chat_server: ServerProcess, world: World, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(BLOCKS[0].replace("http://localhost:3000", chat_server.url), encoding="utf-8")
    environment = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY / "clients/python/src"),
        "TALKWIRE_TOKEN": chat_server.token(world.id_of("alice")),
    }
    with Path(os.devnull).open("rb") as nothing, (tmp_path / "printed").open("wb") as output:
        process = start_python([str(program)], Streams(nothing, output, output), environment, tmp_path)
    assert process.wait(DEADLINE_S) == 0, (tmp_path / "printed").read_text()
    assert (tmp_path / "printed").read_text() == f"{world.id_of('alice').title()} Hello!\n"


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
