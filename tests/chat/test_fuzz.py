"""Any input that is valid for the protocol gets a documented response, and the server keeps working."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from talkwire.api.http.errors import STATUS
from talkwire.dialects.messenger import MESSENGER
from tests.chat.chat_client import ChatClient
from tests.chat.chat_server import ServerProcess
from tests.chat.conftest import World
from tests.repetition import repetitions

FUZZ = settings(
    max_examples=repetitions(40),
    deadline=None,
    derandomize=True,
    # Shrinking an example would repeat the timeouts of a broken server.
    phases=[Phase.explicit, Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

texts = st.one_of(st.text(max_size=20), st.sampled_from(["\x00", "me", "online", "a/b", "1", "9" * 30, "é" * 200, " "]))
numbers = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.just(10**40))
scalars = st.one_of(st.none(), st.booleans(), numbers, texts)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=8,
)
MEMBERS = (
    *("conversationId", "content", "clientMessageId", "metadata", "attachments", "replyToId", "threadId", "before"),
    *("after", "around", "limit", "cursor", "kind", "memberIds", "name", "id", "userIds", "isTyping", "senderId"),
    *("email", "password", "refreshToken"),
)
fitting: dict[str, st.SearchStrategy[Any]] = {
    "conversationId": texts,
    "content": texts,
    "clientMessageId": texts,
    "metadata": st.dictionaries(texts, values, max_size=3),
    "kind": st.sampled_from(["direct", "group"]),
    "memberIds": st.lists(texts, max_size=3),
    "userIds": st.lists(texts, max_size=3),
    "limit": st.integers(),
    "isTyping": st.booleans(),
    "email": st.emails(),
}
# Most inputs are valid, since others fail the first check.
payloads = st.one_of(
    values,
    st.fixed_dictionaries({}, optional={name: st.one_of(fitting.get(name, texts), values) for name in MEMBERS}),
    st.fixed_dictionaries(
        {name: fitting.get(name, texts) for name in ("conversationId", "content", "kind", "memberIds")}
    ),
)


POSTS = [
    "/api/v1/messages",
    "/api/v1/conversations",
    "/api/v1/conversations/{}/members",
    "/api/v1/conversations/{}/typing",
    "/api/v1/invitations",
    "/api/v1/auth/register",
    "/api/v1/auth/login",
    "/api/v1/auth/refresh",
]


def is_refusal(error: dict[str, Any]) -> bool:
    return error["code"] in STATUS and bool(error["message"]) and set(error) <= {"code", "message", "details", "event"}


def placed(drawn: tuple[object, bool], conversation: str) -> object:
    """Returns a drawn payload, optionally with the id of an existing conversation."""
    payload, here = drawn
    return {**payload, "conversationId": conversation} if here and isinstance(payload, dict) else payload


@pytest.fixture
async def conversation(world: World) -> str:
    return await world.conversation("alice", "bob")


@pytest.fixture
async def alice(world: World, conversation: str) -> ChatClient:
    return await world.connect("alice")


@pytest.fixture
def nothing_logged(chat_server: ServerProcess) -> Iterator[None]:
    yield
    assert chat_server.logged_errors() == []


@pytest.mark.usefixtures("nothing_logged")
@pytest.mark.parametrize("event", [*MESSENGER.inbound, "no:such:event"])
@FUZZ
@given(drawn=st.tuples(payloads, st.booleans()), further=st.lists(values, max_size=2))
async def test_an_event_with_any_payload_is_answered(
    alice: ChatClient, conversation: str, event: str, drawn: tuple[object, bool], further: list[object]
) -> None:
    payload = placed(drawn, conversation)
    answer = await alice.call(event, payload, *further)
    assert answer["success"] is True or is_refusal(answer["error"]), answer
    await alice.emit(event, payload)
    received = await alice.pending("error")
    assert all(is_refusal(error) for _, error in received)
    alice.events.clear()


@pytest.mark.usefixtures("nothing_logged")
@pytest.mark.parametrize("path", POSTS)
@FUZZ
@given(drawn=st.tuples(payloads, st.booleans()))
async def test_a_route_with_any_body_answers(
    world: World, conversation: str, path: str, drawn: tuple[object, bool]
) -> None:
    body = placed(drawn, conversation)
    answer = await world.request("POST", path.format(conversation), by="alice", json=body)
    if not answer.is_success:
        assert answer.status_code == STATUS[answer.json()["error"]["code"]], answer.text
        assert is_refusal(answer.json()["error"]), answer.text


@pytest.mark.usefixtures("nothing_logged")
@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/conversations?cursor={}&limit={}",
        "/api/v1/conversations/{}",
        "/api/v1/conversations/{}/messages?limit={}",
        "/api/v1/conversations/c/messages?before={}",
        "/api/v1/conversations/c/messages?after={}&around={}",
        "/api/v1/messages/{}",
        "/api/v1/users/{}",
        "/api/v1/users/me?token={}",
    ],
)
@FUZZ
@given(first=texts.filter(bool), second=texts)
async def test_a_route_with_any_address_answers(world: World, path: str, first: str, second: str) -> None:
    address = path.format(quote(first, safe=""), quote(second, safe=""))
    by = None if "token" in path else "alice"
    answer = await world.request("GET", address, by=by)
    if not answer.is_success:
        assert answer.status_code == STATUS[answer.json()["error"]["code"]], answer.text
        assert is_refusal(answer.json()["error"]), answer.text
