"""The packages for JavaScript as npm packs them: their types, and the examples of their pages."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import tarfile
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from tests.chat.chat_server import running_chat
from tests.chat.conftest import world_at
from tests.chat.test_recovery import service_send

REPOSITORY = Path(__file__).parents[2]
CLIENTS = REPOSITORY / "clients" / "javascript"
GUIDE = REPOSITORY / "docs" / "client-javascript.md"
DESK = REPOSITORY / "docs" / "desk.md"
EMBEDDING = REPOSITORY / "docs" / "embedding-the-web-client.md"
PACKAGES = ("client", "react", "embed")
DEADLINE_S = 240

WRONG = """
import { Talkwire } from "@talkwire/client";
const room = new Talkwire({ url: "http://localhost", token: "" }).conversation("c");
// @ts-expect-error
export const messages: number = room.messages;
// @ts-expect-error
export const sender: number = room.messages[0]?.sender.name;
"""
"""A program that compiles without types only."""


def _blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def _run(*command: str, folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the packed packages are installed, with the libraries that they depend on."""
    folder = tmp_path_factory.mktemp("application")
    modules = folder / "node_modules"
    modules.mkdir()
    for library in (CLIENTS / "node_modules").iterdir():
        if library.name != "@talkwire" and not library.name.startswith(".l"):
            (modules / library.name).symlink_to(library)
    for name in PACKAGES:
        packed = json.loads(_run("npm", "pack", "--json", "--pack-destination", str(folder), folder=CLIENTS / name))
        with tarfile.open(folder / packed[0]["filename"]) as archive:
            archive.extractall(modules / "@talkwire" / name, filter="data")
        for part in (modules / "@talkwire" / name / "package").iterdir():
            part.rename(modules / "@talkwire" / name / part.name)
    (folder / "package.json").write_text('{"type": "module"}')
    return folder


def test_a_package_has_what_its_users_need_and_nothing_else(application: Path) -> None:
    for name in PACKAGES:
        folder = application / "node_modules" / "@talkwire" / name
        assert {each.name for each in folder.iterdir()} == {"README.md", "LICENSE", "dist", "package.json", "package"}
        assert {each.suffix for each in folder.glob("dist/**/*.*")} == {".js", ".ts"}
        manifest = json.loads((folder / "package.json").read_text())
        # The import of `embed` defines the element.
        assert manifest.get("sideEffects", True) is (name == "embed")
        assert manifest["type"] == "module"


@pytest.mark.parametrize("resolution", ["bundler", "nodenext"])
def test_the_documented_programs_have_the_right_types(application: Path, resolution: str) -> None:
    folder = application / resolution
    folder.mkdir()
    readmes = [CLIENTS / name / "README.md" for name in PACKAGES]
    for number, page in enumerate([GUIDE, EMBEDDING, DESK, *readmes]):
        for language in ("ts", "tsx"):
            for count, program in enumerate(_blocks(page, language)):
                (folder / f"program{number}-{count}.{language}").write_text(program)
    (folder / "wrong.ts").write_text(WRONG)
    module = "nodenext" if resolution == "nodenext" else "esnext"
    options = ["--module", module, "--moduleResolution", resolution, "--target", "es2022", "--jsx", "react-jsx"]
    compiler = str(CLIENTS / "node_modules" / "typescript" / "bin" / "tsc")
    files = [str(each) for each in sorted(folder.iterdir())]
    checks = ["--strict", "--noEmit", "--skipLibCheck", "--lib", "es2023,dom,dom.iterable", "--types", "react"]
    _run("node", compiler, *options, *checks, *files, folder=application)


def test_the_api_documentation_has_all_public_types(tmp_path: Path) -> None:
    """TypeDoc fails where a public type refers to one that is not exported."""
    _run("npm", "run", "docs", "--", "--out", str(tmp_path), folder=CLIENTS)
    modules = {*PACKAGES, "client.index", "client.cards", "client.desk", "client.turns"}
    assert {each.stem for each in tmp_path.glob("modules/*.html")} == {f"_talkwire_{name}" for name in modules}


async def test_the_documented_program_answers_a_message(application: Path, tmp_path: Path) -> None:
    program, _asks, _turns = _blocks(GUIDE, "js")
    (application / "answer.mjs").write_text(program)
    with running_chat(tmp_path) as server:
        async with world_at(server) as world:
            conversation = await world.conversation("alice", "bob")
            command = ["node", str(application / "answer.mjs"), server.url, server.token(world.id_of("bob"))]
            process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
            assert process.stdout is not None
            async with asyncio.timeout(DEADLINE_S):
                assert (await process.stdout.readline()).startswith(b"Signed in as ")
                await service_send(world, conversation, "alice", "Hello!")
                assert await process.wait() == 0
            page = await world.service("GET", f"/api/v1/conversations/{conversation}/messages")
            assert [message["content"] for message in page["items"]] == ["Hello!", "You said: Hello!"]
