"""The public Socket.IO server: its page, and which names the examples use."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from talkwire import socketio

REPOSITORY = Path(__file__).parents[2]
PUBLIC = {
    "talkwire",
    "talkwire.commands",
    "talkwire.events",
    "talkwire.socketio",
    "talkwire.testing",
    "talkwire.wire",
    "talkwire_client",
}


@pytest.mark.parametrize(
    "path", sorted((REPOSITORY / "examples").rglob("*.py")), ids=lambda path: "/".join(path.parts[-2:])
)
def test_an_example_imports_public_modules_only(path: Path) -> None:
    found = {
        node.module
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module is not None and node.module.startswith("talkwire")
    }
    assert found <= PUBLIC


def test_the_page_shows_the_example() -> None:
    page = (REPOSITORY / "docs" / "socket-io-server.md").read_text(encoding="utf-8")
    example = (REPOSITORY / "examples" / "echo.py").read_text(encoding="utf-8")
    shown = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert [block for block in shown if block in example] == shown
    assert shown


def test_every_public_name_exists_and_is_described() -> None:
    assert [name for name in socketio.__all__ if not getattr(socketio, name).__doc__] == []
