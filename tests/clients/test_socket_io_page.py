"""docs/socket-io.md: each row of its tables holds for the oldest and the newest official client."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.waiting import DEADLINE_S

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "socket-io.md"
LIBRARIES = ["socket.io-client", "socket.io-client-4.5.4"]

SERVED: dict[str, tuple[str, object]] = {
    "HTTP long-polling": ("polling", "polling"),
    "WebSocket": ("websocket", "websocket"),
    "The upgrade from polling to a WebSocket": ("upgrade", "websocket"),
    "Events": ("events", ["a", 2]),
    "Acknowledgements": ("acknowledgements", ["a", 2, {"b": [None]}]),
    "Binary values in events and acknowledgements": ("binary", "010203"),
    "Namespaces": ("namespaces", ["/custom", [1]]),
    "The `auth` payload": ("auth", {"token": "t"}),
    "The option `protocols`": ("protocols", "websocket"),
    "Any number of packets in a poll's answer and in a POST": ("manyPackets", [True, True]),
}
"""By the first cell of a row: the feature to try, and its result."""

NOT_SERVED: dict[str, tuple[str, object]] = {
    "Clients of Socket.IO 1 and 2 (Engine.IO 3)": ("revision3", 5),
    "Other parsers, such as `socket.io-msgpack-parser`": ("parsers", "transport close"),
    "WebTransport": ("webtransport", ["websocket"]),
    "Compressed WebSocket frames (`perMessageDeflate`)": ("compression", ""),
    "A cookie with the session's id (`cookie`)": ("cookie", None),
}


BUNDLE = "The client's bundle: `/socket.io/socket.io.js`, `.min.js`, `.esm.min.js`, and their `.map`"
"""Served with the chat only, and tried in tests/chat/test_client_bundle.py."""


def _rows(heading: str) -> list[str]:
    """The first cells of the table below a heading."""
    section = PAGE.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return [row for row in re.findall(r"^\| (.*?) \|", section, re.MULTILINE)[1:] if not row.startswith("---")]


def test_the_tables_have_a_row_for_each_check_and_no_other() -> None:
    assert [row for row in _rows("What is served") if row != BUNDLE] == list(SERVED)
    assert _rows("What is not served") == list(NOT_SERVED)


def test_the_page_names_the_versions_that_are_tried() -> None:
    for library in LIBRARIES:
        version = json.loads((HERE / "node_modules" / library / "package.json").read_text())["version"]
        assert version in PAGE.read_text()


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("row", [*SERVED, *NOT_SERVED])
def test_a_row_of_the_page_holds(echo_url: str, library: str, row: str) -> None:
    feature, expected = (SERVED | NOT_SERVED)[row]
    node = shutil.which("node")
    assert node is not None, "these tests drive the official JavaScript client and need node (20 or later)"
    command = [node, str(HERE / "feature_client.mjs"), library, echo_url, feature]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert finished.returncode == 0, finished.stderr
    assert json.loads(finished.stdout) == expected
