"""The commands and programs of `docs/api-clients.md` work as documented, against a server of their own."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chat.chat_server import ServerProcess, running_chat
from tests.http_client import http_get

HERE = Path(__file__).parent
PAGE = (HERE.parents[1] / "docs/api-clients.md").read_text(encoding="utf-8")
DEADLINE_S = 120

ADDRESS = "http://localhost:3000"
"""The server's address in the documentation."""


def block(language: str, having: str = "") -> str:
    """Returns the first code block of a language on the page that contains this text."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return next(str(text) for text in blocks if having in text)


@pytest.fixture(scope="module")
def default_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with all dialects."""
    with running_chat(tmp_path_factory.mktemp("generated")) as server:
        yield server
        assert server.logged_errors() == []


class Shell:
    """A shell in a folder with the packages that the page installs."""

    def __init__(self, folder: Path, server: ServerProcess, packages: Path = HERE) -> None:
        self.folder = folder
        self._url = server.url
        # npx must run the installed packages and download nothing.
        self._environment = {
            **os.environ,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "TALKWIRE_TOKEN": server.token("alice"),
            "npm_config_offline": "true",
        }
        (folder / "package.json").write_text(json.dumps({"type": "module"}))
        (folder / "node_modules").symlink_to(packages / "node_modules")

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text.replace(ADDRESS, self._url), encoding="utf-8")

    def run(self, commands: str) -> str:
        """Returns the output of the commands, and fails if one of them fails."""
        done = subprocess.run(
            ["sh", "-e", "-c", commands.replace(ADDRESS, self._url)],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def typescript(default_server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """Returns a shell in which the TypeScript types were generated as documented."""
    if not (HERE / "node_modules/openapi-typescript").is_dir():
        pytest.fail("the generator is not installed: run make install")
    shell = Shell(tmp_path_factory.mktemp("typescript"), default_server)
    shell.run(block("sh", "npx openapi-typescript"))
    return shell


def test_a_typescript_client_sends_and_lists_a_message(typescript: Shell) -> None:
    typescript.write("send.ts", block("ts"))
    assert typescript.run(block("sh", "node send.js")).splitlines() == ["1 Alice: Hello from TypeScript"]


def test_the_typescript_compiler_refuses_invalid_requests(typescript: Shell) -> None:
    mistakes = {
        'kind: "group"': 'kind: "crowd"',
        'content: "Hello from TypeScript"': "content: 5",
        "message.seq": "message.number",
    }
    program = block("ts")
    for right, wrong in mistakes.items():
        assert right in program
        program = program.replace(right, wrong)
    typescript.write("wrong.ts", program)
    printed = typescript.run("npx tsc --noEmit --strict --target es2022 --module nodenext wrong.ts || true")
    assert printed.count("error TS2") == len(mistakes), printed


def test_the_models_of_events_have_names_and_compile(default_server: ServerProcess, tmp_path: Path) -> None:
    shell = Shell(tmp_path, default_server, HERE / "modelina")
    shell.write("models.mjs", block("js"))
    shell.run(block("sh", "node models.mjs"))
    models = (tmp_path / "models.ts").read_text(encoding="utf-8")
    assert "AnonymousSchema" not in models
    schemas = http_get(f"{default_server.url}/asyncapi.json").json()["components"]["schemas"]
    assert [name for name in schemas if f"export interface {name} {{" not in models] == []


@pytest.fixture(scope="module")
def python(default_server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """Returns a shell in which the Python client was generated as documented, and the page's program was written."""
    shell = Shell(tmp_path_factory.mktemp("python"), default_server)
    shell.write("talkwire.yaml", block("yaml"))
    printed = shell.run(block("sh", "openapi-python-client generate"))
    # The generator prints the operations that it skipped.
    assert "WARNING" not in printed, printed
    assert "Unable" not in printed, printed
    shell.write("send.py", block("python"))
    return shell


def test_a_python_client_has_everything_and_sends_and_lists_a_message(
    default_server: ServerProcess, python: Shell
) -> None:
    document = http_get(f"{default_server.url}/openapi.json").json()
    operations, models = written_in(python.folder / "talkwire_api")
    assert len(operations) == sum(map(len, document["paths"].values()))
    assert set(document["components"]["schemas"]) <= models
    # The others are enumerations, and one for each member such as `metadata`.
    assert len(models) < 1.6 * len(document["components"]["schemas"])
    (line,) = python.run(block("sh", "send.py")).splitlines()
    assert re.fullmatch(r"1 Alice: Hello from Python \(20\d\d\)", line)


def test_a_python_client_and_its_use_pass_mypy(python: Shell) -> None:
    # Its `client.py` is the same for every API. The linter of this repository changes it in a way that mypy refuses.
    checked = "send.py talkwire_api/models talkwire_api/api"
    assert python.run(f"mypy --python-version 3.11 --follow-imports=silent {checked}").startswith("Success")


def written_in(package: Path) -> tuple[set[str], set[str]]:
    """Returns the names of the operations and the models of a generated Python client."""
    operations = {path.stem for path in (package / "api").glob("*/*.py") if path.stem != "__init__"}
    exported = (package / "models/__init__.py").read_text(encoding="utf-8").rpartition("__all__ = ")[2]
    return operations, set(ast.literal_eval(exported))
