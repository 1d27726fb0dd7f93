"""The examples of docs/quick-start.md and docs/authentication.md, run as these pages say."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from talkwire.identity.issuer import TokenIssuer
from talkwire.identity.user_ids import user_id_of
from tests.chat.chat_server import SECRET, ServerProcess, running_chat
from tests.cli.processes import run_talkwire
from tests.clients.programs import running
from tests.clients.token_route import TokenRoute, running_token_route
from tests.http_client import AsyncHttpClient
from tests.reference.blocks.test_blocks import block_of
from tests.waiting import DEADLINE_S

REPOSITORY = Path(__file__).parents[2]
EXAMPLES = REPOSITORY / "examples"
DOCS = REPOSITORY / "docs"
TOKEN_S = 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server runs; its data are in `data` there."""
    return tmp_path_factory.mktemp("chat")


@pytest.fixture(scope="module")
def chat_server(folder: Path) -> Iterator[ServerProcess]:
    with running_chat(folder) as server:
        yield server
        assert server.logged_errors() == []


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    """The examples, in a folder with the libraries that they name."""
    folder = tmp_path / "examples"
    folder.mkdir()
    for file in (EXAMPLES / "talk.mjs", *(EXAMPLES / "tokens").iterdir()):
        if file.is_file():
            shutil.copy(file, folder)
    libraries = Path(__file__).parent / "node_modules"
    if not (libraries / "jose").is_dir():
        pytest.fail("the official clients are not installed: run make install")
    (folder / "node_modules").symlink_to(libraries)
    return folder


def talkwire(folder: Path, *arguments: str) -> str:
    """What a command prints that works with the data of the server in this folder."""
    answer = run_talkwire(*arguments, cwd=folder, environ={"TALKWIRE_DATA": "data", "JWT_SECRET": SECRET})
    assert answer.exit_code == 0, answer.err
    return answer.out.strip()


def test_pages_show_the_examples_as_they_are() -> None:
    shown = {
        "quick-start.md": ["talk.mjs"],
        "authentication.md": [f"tokens/{file.name}" for file in (EXAMPLES / "tokens").iterdir() if file.is_file()],
    }
    assert len(shown["authentication.md"]) == 4
    for page, files in shown.items():
        text = (DOCS / page).read_text(encoding="utf-8")
        for file in files:
            code = (EXAMPLES / file).read_text(encoding="utf-8")
            assert f"```{'python' if file.endswith('.py') else 'js'}\n{code}```" in text, f"{page} shows another {file}"


async def test_two_talk_as_in_the_quick_start(chat_server: ServerProcess, folder: Path, examples: Path) -> None:
    assert talkwire(folder, "conversation", "create", "alice", "bob", "--id", "first", "--name", "First") == "first"
    alices, bobs = (talkwire(folder, "token", user.lower(), "--name", user) for user in ("Alice", "Bob"))
    async with (
        running(examples / "talk.mjs", chat_server.url, alices, "first") as alice,
        running(examples / "talk.mjs", chat_server.url, bobs, "first") as bob,
    ):
        assert await alice.prints() == "you are alice"
        assert await bob.prints() == "you are bob"
        alice.type("Hello, Bob!")
        assert await alice.prints() == await bob.prints() == "1 Alice: Hello, Bob!"
        bob.type("Hello, Alice!")
        assert await alice.prints() == await bob.prints() == "2 Bob: Hello, Alice!"
        async with AsyncHttpClient(base_url=chat_server.url, headers={"authorization": f"Bearer {bobs}"}) as http:
            _, second = (await http.get("/api/v1/conversations/first/messages")).json()["items"]
            await http.patch(f"/api/v1/messages/{second['id']}", json={"content": "Good morning!"})
            assert await alice.prints() == await bob.prints() == "2 Bob, edited: Good morning!"
            await http.request("DELETE", f"/api/v1/messages/{second['id']}")
            assert await alice.prints() == await bob.prints() == "2 was deleted"
        alice.type("x" * 100_000)
        assert (await alice.prints()).startswith("not sent: ")


async def test_talk_ends_when_its_token_is_refused(chat_server: ServerProcess, examples: Path) -> None:
    token = TokenIssuer("another secret than the server's is this").issue("alice", ttl_s=60)
    async with running(examples / "talk.mjs", chat_server.url, token, "first") as alice:
        assert await alice.prints() == "not connected: unauthenticated"
        assert await alice.ends() == 1


@pytest.mark.parametrize("file", ["issue_token.mjs", "issue_token.py"])
async def test_an_applications_token_is_taken(chat_server: ServerProcess, examples: Path, file: str) -> None:
    async with running(examples / file, "dora", "Dora") as issuer:
        token = await issuer.prints()
    async with AsyncHttpClient(base_url=chat_server.url) as http:
        answer = await http.get("/api/v1/users/me", headers={"authorization": f"Bearer {token}"})
    assert (answer.json()["id"], answer.json()["name"]) == ("dora", "Dora")


async def test_an_applications_backend_speaks_for_its_users(chat_server: ServerProcess, examples: Path) -> None:
    message_ids = []
    for _ in range(2):  # the page says that running it twice is safe
        async with running(examples / "backend.py", chat_server.url) as backend:
            message_ids.append(await backend.prints())
    message_id, again = message_ids
    assert again == message_id
    async with AsyncHttpClient(base_url=chat_server.url) as http:
        headers = {"authorization": f"Bearer {chat_server.token('bob')}"}
        (message,) = (await http.get("/api/v1/conversations/order-17/messages", headers=headers)).json()["items"]
    assert (message["id"], message["senderId"], message["content"]) == (message_id, "alice", "Is it on its way?")


@pytest.fixture
def token_route() -> Iterator[TokenRoute]:
    with running_token_route("erik", TOKEN_S) as route:
        yield route


async def test_a_client_that_renews_its_token_stays_for_longer_than_one(
    chat_server: ServerProcess, examples: Path, token_route: TokenRoute
) -> None:
    url, asked, _ = token_route
    async with running(examples / "signed_in.mjs", chat_server.url, url) as client:
        lines = [await client.prints() for _ in range(6)]
    assert [line for line in lines if not line.startswith("signed in until ")] == []
    assert lines == sorted(set(lines))
    assert len(asked) >= len(lines) + 1


@pytest.mark.parametrize("failing", [{1, 2}, {3, 4}], ids=["at the first connection", "when it renews"])
async def test_a_client_survives_a_token_route_that_fails_twice(
    chat_server: ServerProcess, examples: Path, token_route: TokenRoute, failing: set[int]
) -> None:
    url, _, fails = token_route
    fails |= failing
    async with running(examples / "signed_in.mjs", chat_server.url, url) as client:
        lines = [await client.prints() for _ in range(6)]
    assert lines.count(f"no token: {url} answers 503") == 2
    assert len([line for line in lines if line.startswith("signed in until ")]) >= 3


def test_a_back_end_maps_ids_as_the_page_says() -> None:
    page, ids = "docs/authentication.md", ["DOMAIN/jane", "é/日本", "a" * 200]
    python: dict[str, Any] = {}
    exec(block_of(page, "python", "import hashlib"), python)  # noqa: S102 (the page's own code)
    program = (
        block_of(page, "js", "import { createHash }") + f"console.log(JSON.stringify({json.dumps(ids)}.map(mappedId)))"
    )
    node = ["node", "--input-type=module", "--eval", program]
    by_node = subprocess.run(node, capture_output=True, check=True, timeout=DEADLINE_S).stdout
    expected = [user_id_of(user_id) for user_id in ids]
    assert [python["mapped_id"](user_id) for user_id in ids] == expected == json.loads(by_node)
