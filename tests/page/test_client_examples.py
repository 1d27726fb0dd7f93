"""The examples of @talkwire/client and @talkwire/react in Chromium, as Vite builds them, with the Node back end."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chat.chat_server import SECRET, running_chat
from tests.page.driving import Driver, run
from tests.protocol.server_process import reserved_port
from tests.vite import build_page

REPOSITORY = Path(__file__).parents[2]
MODULES = REPOSITORY / "clients" / "javascript" / "node_modules"
FRAMEWORKS = ("react", "vue", "angular")


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where the packages are installed, with the examples."""
    folder = tmp_path_factory.mktemp("examples")
    (folder / "node_modules").symlink_to(MODULES)
    for name in (*FRAMEWORKS, "node-back-end"):
        shutil.copytree(REPOSITORY / "examples" / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def back_end(examples: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the example's back end, which serves all pages."""
    port = reserved_port()
    url = f"http://127.0.0.1:{port}"
    with running_chat(tmp_path_factory.mktemp("chat"), {"TALKWIRE_ORIGINS": url}) as server:
        environment = {**os.environ, "TALKWIRE_URL": server.url, "JWT_SECRET": SECRET, "PORT": str(port)}
        command = ["node", str(examples / "node-back-end" / "server.mjs"), str(examples)]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                assert process.stdout.readline().strip() == url
                yield url
            finally:
                process.kill()
        assert server.logged_errors() == []


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_the_page_of_a_framework_sends_and_receives(driver: Driver, examples: Path, back_end: str, name: str) -> None:
    build_page(examples / name)
    text = f"Hello from {name}!"
    reports = run(driver, back_end, "examples", "framework", path=f"/{name}/dist/index.html", text=text)
    assert reports["talked"] == {"seen": [f"Visitor: {text}", f"Bot: You said: {text}"], "field": ""}
