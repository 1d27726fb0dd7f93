"""Query parameters that a route does not have."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from talkwire.testing import TemporaryServer, temporary_server
from tests.http_client import AsyncHttpClient


@pytest.fixture
async def server() -> AsyncIterator[TemporaryServer]:
    async with temporary_server() as server:
        yield server


@pytest.fixture
async def http(server: TemporaryServer) -> AsyncIterator[httpx.AsyncClient]:
    headers = server.headers("backend", role="service")
    async with AsyncHttpClient(base_url=server.url, headers=headers) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "messages"),
    [
        ("events?type=message:new", ["type: is not a parameter here; did you mean types?"]),
        ("users?limt=2", ["limt: is not a parameter here; did you mean limit?"]),
        ("server?x=1", ["x: is not a parameter here"]),
        (
            "conversations?limt=1&member_id=a&limit=1",
            [
                "limt: is not a parameter here; did you mean limit?",
                "member_id: is not a parameter here; did you mean memberId?",
            ],
        ),
    ],
)
async def test_an_unknown_parameter_is_refused_with_the_one_that_was_meant(
    http: httpx.AsyncClient, path: str, messages: list[str]
) -> None:
    answer = await http.get(f"/api/v1/{path}")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["message"]) == (422, "invalid_request", "; ".join(messages))
    assert [f"{each['path']}: {each['message']}" for each in error["details"]] == messages


async def test_many_and_long_names_are_cut_short(http: httpx.AsyncClient) -> None:
    query = "&".join(f"{'x' * 200}{number}=1" for number in range(20))
    error = (await http.get(f"/api/v1/users?{query}")).json()["error"]
    assert [len(each["path"]) for each in error["details"]] == [64] * 5


async def test_a_token_in_the_query_is_a_parameter_of_every_route(server: TemporaryServer) -> None:
    async with AsyncHttpClient(base_url=server.url) as http:
        answer = await http.get(f"/api/v1/users/me?token={server.token('alice')}")
    assert (answer.status_code, answer.json()["id"]) == (200, "alice")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/docs", "/openapi.json"])
async def test_other_pages_ignore_their_query(http: httpx.AsyncClient, path: str) -> None:
    assert (await http.get(f"{path}?v=3")).status_code == 200


async def test_an_unknown_event_is_refused_with_the_one_that_was_meant(server: TemporaryServer) -> None:
    async with server.client("alice") as alice:
        answer = await alice.call("mesage:send", {})
    assert answer["error"]["message"] == "No such event: mesage:send; did you mean message:send?"


async def test_an_event_of_other_dialects_is_refused_with_their_names(server: TemporaryServer) -> None:
    async with server.client("alice") as alice:
        answer = await alice.call("sendMessage", {})
    expected = "No such event: sendMessage; it is one of the dialect crm, and this connection speaks messenger"
    assert answer["error"]["message"] == expected


async def test_an_unknown_path_and_an_unknown_method_name_what_exists(http: httpx.AsyncClient) -> None:
    no_path = await http.get("/api/v1/mesages")
    assert no_path.json()["error"] == {"code": "not_found", "message": "There is no such path; /docs lists the paths."}
    for path, parent, part in (
        ("conversations/c/members", "conversations", "members"),
        ("conversations/c/members/alice", "conversations", "members"),
        ("messages/1/reactions/x", "messages", "reactions"),
    ):
        elsewhere = await http.get(f"/api/v1/{path}")
        assert elsewhere.status_code == 405
        where = f" GET /api/v1/{parent}/{{id}} returns the {part}."
        assert elsewhere.json()["error"]["message"].endswith(where)
    no_method = await http.delete("/api/v1/conversations")
    assert (no_method.status_code, no_method.headers["allow"]) == (405, "GET, HEAD, OPTIONS, POST")
    expected = "This path does not have this method; it has GET, HEAD, OPTIONS, POST."
    assert no_method.json()["error"]["message"] == expected
