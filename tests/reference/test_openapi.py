"""`/openapi.json` matches the server's behaviour: schemathesis sends valid and invalid requests to each route."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from talkwire.api.http.errors import STATUS
from tests.chat.chat_server import ServerProcess, running_chat
from tests.chat.conftest import World
from tests.http_client import HttpClient
from tests.repetition import repetitions

DEADLINE_S = 900

NOT_CHECKED = {
    # A schema cannot express that a user must exist or that a direct conversation has two members, so requests that fit
    # the schema may still be refused with 422.
    "positive_data_acceptance": "",
}

# The statuses of a text that is longer than `maxLength`, beside those that schemathesis expects.
SETTINGS = f"""\
hooks = "{Path(__file__).with_name("schemathesis_hooks.py")}"

[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429, "5xx"]
"""

# Random requests to each route, beside those that follow from the description. Fewer for roles that differ in few
# routes only.
EXAMPLES = {"user": repetitions(10), "service": repetitions(5), "admin": repetitions(5)}


@pytest.fixture(scope="module")
def unlimited_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server without rate limits, which would otherwise refuse most of a thousand requests in a row."""
    with running_chat(tmp_path_factory.mktemp("openapi"), {"TALKWIRE_RATE_LIMITS": "off"}) as server:
        fill(server)
        yield server
        assert server.process.poll() is None
        assert server.logged_errors() == []


def fill(server: ServerProcess) -> None:
    """Creates conversations with messages of the users that send requests, so that the routes find something."""
    headers = {"authorization": f"Bearer {server.token('backend', role='service')}"}
    with HttpClient(base_url=f"{server.url}/api/v1", headers=headers) as http:
        members = ["asks-as-user", "asks-as-service", "asks-as-admin", "bob"]
        for name in ("one", "two"):
            made = http.post("/conversations", json={"kind": "group", "id": name, "name": name, "memberIds": members})
            assert made.status_code == 201, made.text
            for sender in members:
                body = {"conversationId": name, "content": "Hello", "senderId": sender}
                assert http.post("/messages", json=body).status_code == 201


@pytest.mark.timeout(DEADLINE_S + 100)
@pytest.mark.parametrize("role", EXAMPLES)
def test_every_response_is_declared_and_no_request_fails(
    unlimited_server: ServerProcess, tmp_path: Path, role: str
) -> None:
    token = unlimited_server.token(f"asks-as-{role}", ttl_s=3600, role=None if role == "user" else role)
    program = shutil.which("schemathesis", path=str(Path(sys.executable).parent))
    assert program is not None, "schemathesis is not installed: run make install"
    (tmp_path / "schemathesis.toml").write_text(SETTINGS)
    command = [
        *(program, "run", f"{unlimited_server.url}/openapi.json"),
        *("--header", f"Authorization: Bearer {token}"),
        *("--phases", "examples,coverage,fuzzing,stateful"),
        *("--max-examples", str(EXAMPLES[role])),
        *("--exclude-checks", ",".join(NOT_CHECKED)),
        *("--generation-deterministic", "--continue-on-failure"),
        *("--request-timeout", "60", "--workers", "1", "--no-color"),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = re.search(r"Selected: (\d+)/(\d+)\s+Tested: (\d+)", done.stdout)
    assert counts is not None, done.stdout
    assert len(set(counts.groups())) == 1, "every route is asked"


async def test_every_refusal_is_described(world: World) -> None:
    description = (await world.request("GET", "/openapi.json")).json()
    responses = description["components"]["responses"].values()
    received = {code for response in responses for code in re.findall(r"`(\w+)`", response["description"])}
    assert received == set(STATUS)
    described = set(description["components"]["schemas"]["ErrorBody"]["properties"]["code"]["enum"])
    assert described == set(STATUS)


async def test_a_route_that_needs_a_caller_declares_security(world: World) -> None:
    description = (await world.request("GET", "/openapi.json")).json()
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            open_to_all = operation.get("security") == []
            given = operation.get("parameters", [])
            needed = [each["name"] for each in given if each["required"] and each["in"] == "query"]
            path_of_none = re.sub(r"\{\w+\}", "x", path)
            answer = await world.request(method.upper(), path_of_none, params=dict.fromkeys(needed, "x"), json={})
            assert (answer.status_code != 401) == open_to_all, (method, path, answer.text)
            assert ("401" in operation["responses"]) or open_to_all, (method, path)
            assert "$ref" in operation["responses"].get("400", {"$ref": ""}), "never in the framework's form"


async def test_head_is_get_without_its_body(world: World) -> None:
    for path in ("/api/v1/users/me", "/healthz", "/openapi.json", "/docs", "/api/v1/users/nobody"):
        got = await world.request("GET", path, by="alice")
        head = await world.request("HEAD", path, by="alice")
        assert (head.status_code, head.content) == (got.status_code, b"")
        for name in ("content-type", "content-length"):
            assert head.headers[name] == got.headers[name]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "TRACE", "HEAD", "PATCH"])
async def test_an_unsupported_method_is_refused_with_the_allowed_ones(world: World, method: str) -> None:
    answer = await world.request(method, "/messages")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "OPTIONS, POST"
    if method != "HEAD":
        assert answer.json()["error"]["code"] == "invalid_request"


async def test_options_names_the_methods_of_a_path(world: World) -> None:
    for path, allowed in {
        "/messages": "OPTIONS, POST",
        "/healthz": "GET, HEAD, OPTIONS",
        "/api/v1/conversations": "GET, HEAD, OPTIONS, POST",
    }.items():
        answer = await world.request("OPTIONS", path)
        assert (answer.status_code, answer.headers["allow"], answer.content) == (204, allowed, b"")


async def test_an_unknown_path_is_not_found(world: World) -> None:
    for method in ("GET", "POST", "HEAD", "OPTIONS"):
        answer = await world.request(method, "/api/v1/nothing")
        assert answer.status_code == 404
        if method != "HEAD":
            assert answer.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    ("body", "path"),
    [({"isTyping": 1}, "isTyping"), ({"isTyping": "true"}, "isTyping"), ([], "")],
)
async def test_a_body_is_validated_as_strictly_as_a_sockets_payload(world: World, body: object, path: str) -> None:
    conversation = await world.conversation("alice")
    answer = await world.request("POST", f"/api/v1/conversations/{conversation}/typing", by="alice", json=body)
    assert answer.status_code == 422
    assert [detail["path"] for detail in answer.json()["error"]["details"]] == [path]
