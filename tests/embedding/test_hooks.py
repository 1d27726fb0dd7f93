"""Hooks, with which an application changes or refuses a command before it is executed."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from talkwire import Actor, Refused, Talkwire
from talkwire.commands import (
    ActOnCard,
    Command,
    CreateConversation,
    CreateInvitation,
    EditMessage,
    GetConversation,
    MarkRead,
    RegisterAccount,
    SendMessage,
    SetTyping,
)
from talkwire.core.domain.cards.card import AskedCard, CardAction
from talkwire.core.domain.cards.card_digest import digest_of
from talkwire.core.domain.parts.message_parts import MessagePart, SourcePart, TextPart
from talkwire.core.engine.hooks import HOOK_MAX_S, Hook
from tests.embedding.conftest import Serve, request

SEND = {"conversationId": "talk", "content": "damn"}


def _star(_: Actor, command: SendMessage) -> SendMessage:
    return replace(command, content=command.content.replace("damn", "****"))


async def test_a_hook_changes_what_is_stored_and_sent(chat: Talkwire, serve: Serve) -> None:
    chat.before("message:send")(_star)
    server = await serve(chat)
    async with server.client("alice") as alice, server.client("bob") as bob:
        answer = await alice.call("message:send", SEND)
        assert answer["message"]["content"] == "****"
        assert (await bob.wait_for("message:new"))["content"] == "****"


async def test_a_hook_that_returns_none_leaves_the_command_unchanged(chat: Talkwire, serve: Serve) -> None:
    asked: list[tuple[Actor, SendMessage]] = []

    @chat.before(SendMessage)
    async def note(actor: Actor, command: SendMessage) -> None:
        asked.append((actor, command))

    server = await serve(chat)
    async with server.client("alice", role="admin") as alice:
        answer = await alice.call("message:send", SEND)
    assert answer["message"]["content"] == "damn"
    ((actor, command),) = asked
    assert (actor.user_id, actor.role) == ("alice", "admin")
    assert (command.conversation_id, command.content) == ("talk", "damn")


async def test_hooks_run_in_the_order_of_their_registration(chat: Talkwire, serve: Serve) -> None:
    @chat.before("message:send")
    def first(_: Actor, command: SendMessage) -> SendMessage:
        return replace(command, content=command.content + " one")

    @chat.before("message:send")
    async def second(_: Actor, command: SendMessage) -> SendMessage:
        await asyncio.sleep(0)
        return replace(command, content=command.content + " two")

    await serve(chat)
    message = await chat.send_message("talk", sender="alice", content="zero")
    assert message.content == "zero one two"


async def test_a_hooks_refusal_reaches_sockets_rest_and_the_program(chat: Talkwire, serve: Serve) -> None:
    @chat.before("message:send")
    def refuse(_: Actor, command: SendMessage) -> None:
        raise Refused("muted", "Quiet, please.", {"until": 7, "said": command.content})

    server = await serve(chat)
    async with server.client("alice") as alice:
        answer = await alice.call("message:send", SEND)
        expected = {"code": "muted", "message": "Quiet, please.", "details": {"until": 7, "said": "damn"}}
        assert answer == {"success": False, "error": expected}
        await alice.emit("message:send", SEND)
        assert (await alice.wait_for("error"))["event"] == "message:send"
    rest = await request(server, "POST", "/api/v1/messages", json=SEND, headers=server.headers("alice"))
    assert (rest.status_code, rest.json()["error"]) == (403, expected)
    with pytest.raises(Refused, match=r"Quiet, please\."):
        await chat.send_message("talk", sender="alice", content="damn")


_SENDS: list[tuple[str, str, dict[str, Any]]] = [
    ("/", "message:send", SEND),
    ("/talks", "message", {"conversationId": "talk", "content": "damn"}),
    ("/messages", "message:send", {"conversationId": "talk", "content": {"text": "damn"}}),
    ("/chat", "sendMessage", {"chatId": "talk", "content": "damn", "message": "damn"}),
    ("/gateway", "message", {"conversationId": "talk", "message": "damn"}),
]


@pytest.mark.parametrize(("namespace", "event", "payload"), _SENDS)
async def test_a_hook_runs_for_every_dialect(
    chat: Talkwire, serve: Serve, namespace: str, event: str, payload: dict[str, Any]
) -> None:
    chat.before("message:send")(_star)
    server = await serve(chat)
    async with server.client("bob") as bob, server.client("alice", namespace=namespace) as alice:
        await alice.emit(event, payload)
        assert (await bob.wait_for("message:new"))["content"] == "****"


async def test_a_hook_runs_for_every_route(chat: Talkwire, serve: Serve) -> None:
    chat.before("message:send")(_star)
    server = await serve(chat)
    for path in ("/api/v1/messages", "/messages"):
        sent = await request(server, "POST", path, json=SEND, headers=server.headers("alice"))
        assert sent.json()["content"] == "****"


async def test_a_retry_does_not_run_the_hook_again(chat: Talkwire, serve: Serve) -> None:
    asked: list[str] = []

    @chat.before("message:send")
    async def number(_: Actor, command: SendMessage) -> SendMessage:
        asked.append(command.content)
        return replace(command, content=f"{command.content} {len(asked)}")

    server = await serve(chat)
    named = {**SEND, "clientMessageId": "m1"}
    async with server.client("alice") as alice:
        first = await alice.call("message:send", named)
        assert await alice.call("message:send", named) == first
        other = await alice.call("message:send", {**named, "content": "damn 1"})
        assert other["error"]["code"] == "conflict"
    rest = await request(server, "POST", "/api/v1/messages", json=named, headers=server.headers("alice"))
    assert rest.json() == first["message"]
    assert asked == ["damn"]


async def test_a_retry_of_a_system_message_does_not_run_the_hook_again(chat: Talkwire, serve: Serve) -> None:
    asked: list[str] = []

    @chat.before("message:send")
    def note(_: Actor, command: SendMessage) -> None:
        asked.append(command.content)

    server = await serve(chat)
    backend = server.headers("backend", role="service")
    named = {**SEND, "clientMessageId": "m1", "type": "system"}
    answers = [await request(server, "POST", "/api/v1/messages", json=named, headers=backend) for _ in range(2)]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert len(asked) == 1


async def test_a_hook_may_redirect_a_message(chat: Talkwire, serve: Serve) -> None:
    """The sender is a member of the other conversation, and not of the named one."""

    @chat.before("message:send")
    def redirect(_: Actor, command: SendMessage) -> SendMessage:
        return replace(command, conversation_id="talk") if command.conversation_id == "help" else command

    server = await serve(chat)
    named = {"conversationId": "help", "content": "damn", "clientMessageId": "m1"}
    async with server.client("alice") as alice:
        first = await alice.call("message:send", named)
        assert first["message"]["conversationId"] == "talk"
        assert await alice.call("message:send", named) == first
        stray = await alice.call("message:send", {**named, "conversationId": "elsewhere"})
        assert stray["error"]["code"] == "forbidden"


async def test_two_concurrent_tries_are_one_message_even_if_a_hook_changes_it(chat: Talkwire, serve: Serve) -> None:
    both = asyncio.Barrier(2)
    asked: list[str] = []

    @chat.before("message:send")
    async def wait_for_the_other(_: Actor, command: SendMessage) -> SendMessage:
        asked.append(command.content)
        await both.wait()
        return replace(command, content=f"{command.content} {len(asked)}", client_message_id=None)

    server = await serve(chat)
    named = {**SEND, "clientMessageId": "m1"}
    async with server.client("alice") as one, server.client("alice") as other:
        first, second = await asyncio.gather(one.call("message:send", named), other.call("message:send", named))
    assert first["message"] == second["message"]
    assert asked == ["damn", "damn"]


async def test_a_retry_is_recognised_by_the_original_request(chat: Talkwire, serve: Serve) -> None:
    asked: list[str | None] = []

    @chat.before("conversation:create")
    def rename(_: Actor, command: CreateConversation) -> CreateConversation:
        asked.append(command.name)
        return replace(command, name=f"{command.name} {len(asked)}")

    server = await serve(chat)
    asked.clear()
    options = {
        "json": {"kind": "group", "memberIds": ["bob"], "name": "Team"},
        "headers": {**server.headers("alice"), "Idempotency-Key": "k1"},
    }
    await request(server, "GET", "/api/v1/users/me", headers=server.headers("bob"))
    first = await request(server, "POST", "/api/v1/conversations", **options)
    second = await request(server, "POST", "/api/v1/conversations", **options)
    assert first.json()["name"] == "Team 1"
    assert second.json()["id"] == first.json()["id"]
    assert asked == ["Team"]


async def test_a_connections_commands_keep_their_order_behind_slow_hooks(chat: Talkwire, serve: Serve) -> None:
    let_go = asyncio.Event()
    reached = asyncio.Event()

    @chat.before("message:send")
    async def hold_the_first(_: Actor, command: SendMessage) -> None:
        if command.content == "0":
            reached.set()
            await let_go.wait()

    server = await serve(chat)
    async with server.client("alice") as alice:
        sends = [
            asyncio.create_task(alice.call("message:send", {"conversationId": "talk", "content": str(number)}))
            for number in range(4)
        ]
        await reached.wait()
        read = asyncio.create_task(alice.call("message:read", {"conversationId": "talk"}))
        async with server.client("bob") as bob:
            await bob.call("ping")  # other clients are not delayed
        let_go.set()
        answers = await asyncio.gather(*sends)
        assert [answer["message"]["seq"] for answer in answers] == [1, 2, 3, 4]
        assert [answer["message"]["content"] for answer in answers] == ["0", "1", "2", "3"]
        assert (await read)["seq"] == 4


async def test_an_invalid_command_of_a_hook_is_its_failure(
    chat: Talkwire, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    @chat.before("message:send")
    def spoil(_: Actor, command: SendMessage) -> SendMessage:
        return replace(command, content="" if command.content == "empty" else "x" * 100_000)

    server = await serve(chat)
    async with server.client("alice") as alice:
        codes = [
            (await alice.call("message:send", {"conversationId": "talk", "content": content}))["error"]["code"]
            for content in ("empty", "long")
        ]
    assert codes == ["unavailable", "unavailable"]
    assert "a hook returned an invalid command: content: must not be empty" in caplog.text


def _raise(_: Actor, command: SendMessage) -> None:
    raise RuntimeError(command.conversation_id)


def _another_type(_: Actor, command: SendMessage) -> Command[Any]:
    return MarkRead(command.conversation_id)


def _wrong_member(_: Actor, command: SendMessage) -> SendMessage:
    return replace(command, content=7)


def _no_command(_: Actor, command: SendMessage) -> str:
    return command.content


@pytest.mark.parametrize("hook", [_raise, _another_type, _wrong_member, _no_command])
async def test_a_failing_hook_refuses_the_command(
    chat: Talkwire, serve: Serve, caplog: pytest.LogCaptureFixture, hook: Hook[SendMessage]
) -> None:
    chat.before("message:send")(hook)
    server = await serve(chat)
    async with server.client("alice") as alice:
        answer = await alice.call("message:send", SEND)
        assert answer["error"]["code"] == "unavailable"
        page = await alice.call("messages:list", {"conversationId": "talk"})
    assert page["messages"] == []
    assert "hook_failed" in caplog.text


async def test_a_hook_that_hangs_refuses_the_command(
    chat: Talkwire, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("talkwire.core.engine.hooks.HOOK_MAX_S", 0.05)

    @chat.before("message:send")
    async def hang(_: Actor, __: SendMessage) -> None:
        await asyncio.Event().wait()

    server = await serve(chat)
    async with server.client("alice") as alice:
        assert (await alice.call("message:send", SEND))["error"]["code"] == "unavailable"
    assert HOOK_MAX_S > 1


async def test_a_hook_sees_signals_and_queries_too(chat: Talkwire, serve: Serve) -> None:
    seen: list[object] = []

    @chat.before("typing:start")
    def typing(_: Actor, command: SetTyping) -> None:
        seen.append(command.is_typing)

    @chat.before("messages:list")
    def nothing_to_see(_: Actor, command: Command[Any]) -> None:
        raise Refused("forbidden", f"No {type(command).__name__} today.")

    server = await serve(chat)
    async with server.client("alice") as alice:
        await alice.call("typing:start", {"conversationId": "talk"})
        await alice.call("typing:stop", {"conversationId": "talk"})
        answer = await alice.call("messages:list", {"conversationId": "talk"})
    assert seen == [True]
    assert answer["error"]["message"] == "No ListMessages today."


async def test_a_retry_beyond_the_rate_limit_is_answered_when_a_hook_has_changed_the_message(
    chat: Talkwire, serve: Serve
) -> None:
    chat.before("message:send")(_star)
    server = await serve(chat, rate_limits=True, rates=("sends=0.001/1",))
    named = {**SEND, "clientMessageId": "m1"}
    async with server.client("alice") as alice:
        first = await alice.call("message:send", named)
        assert await alice.call("message:send", named) == first
        other = await alice.call("message:send", {**named, "clientMessageId": "m2"})
        assert other["error"]["code"] == "rate_limited"


async def test_each_way_to_join_runs_its_own_hook(chat: Talkwire, serve: Serve) -> None:
    asked: list[str] = []

    def refuse(_: Actor, command: Command[Any]) -> None:
        asked.append(type(command).__name__)
        raise Refused("forbidden", "Not on my watch.")

    for name in ("member:add", "invitation:accept", RegisterAccount):
        chat.before(name)(refuse)
    server = await serve(chat, accounts="open")
    created = await chat.execute(CreateInvitation(("talk",)))
    account = {"email": "eve@example.com", "password": "correct horse", "name": "Eve", "invitation": created.code}
    for path, body in (
        ("/conversations/talk/members", {"userIds": ["carol"]}),
        (f"/invitations/{created.code}/accept", None),
        ("/auth/register", account),
    ):
        answer = await request(server, "POST", f"/api/v1{path}", json=body, headers=server.headers("carol"))
        assert (answer.status_code, answer.json()["error"]["message"]) == (403, "Not on my watch.")
    assert asked == ["AddMembers", "AcceptInvitation", "RegisterAccount"]
    members = (await chat.execute(GetConversation("talk"))).members
    assert members is not None
    assert {view.member.user_id for view in members} == {"alice", "bob"}


def test_a_refusal_needs_a_code_that_clients_know() -> None:
    with pytest.raises(ValueError, match='unknown code "nope": must be one of banned, blocked'):
        Refused("nope", "…")  # type: ignore[arg-type]  # the invalid use under test


def test_commands_are_frozen() -> None:
    command = SendMessage("talk", "x")
    with pytest.raises(AttributeError):
        command.content = "y"  # type: ignore[misc]  # the invalid use under test
    assert msgspec.structs.replace(command, content="y").content == "y"


# --- parts ------------------------------------------------------------------------------------------------------------

_LINK = SourcePart(url="https://example.com/", title="damn")
_PARTS = (_LINK, TextPart("damn"), TextPart("it"))


@pytest.mark.parametrize(
    ("changes", "content", "parts"),
    [
        ({}, "damn\n\nit", _PARTS),
        ({"content": "****"}, "****", (_LINK, TextPart("****"))),
        ({"parts": (TextPart("a"), _LINK)}, "a", (TextPart("a"), _LINK)),
        ({"parts": (TextPart("a"), _LINK), "content": "b"}, "b", (TextPart("b"), _LINK)),
        ({"parts": (), "content": "b"}, "b", ()),
    ],
)
async def test_a_hook_sees_and_changes_text_and_parts(
    chat: Talkwire, serve: Serve, changes: dict[str, Any], content: str, parts: tuple[MessagePart, ...]
) -> None:
    shown: list[tuple[object, object]] = []

    def change(_: Actor, command: Any) -> Any:  # noqa: ANN401 (either command)
        shown.append((command.content, command.parts))
        return replace(command, **changes)

    chat.before(SendMessage)(change)
    chat.before(EditMessage)(change)
    await serve(chat)
    sent = await chat.execute(SendMessage("talk", parts=_PARTS, sender_id="alice", client_message_id="m1"))
    again = await chat.execute(SendMessage("talk", parts=_PARTS, sender_id="alice", client_message_id="m1"))
    assert (sent.content, sent.parts, again) == (content, parts, sent)
    plain = await chat.execute(SendMessage("talk", "x", sender_id="alice"))
    edited = await chat.execute(EditMessage(str(plain.id), parts=_PARTS))
    assert (edited.content, edited.parts) == (content, parts)
    assert shown[0] == shown[-1] == ("damn\n\nit", _PARTS)


# --- cards ------------------------------------------------------------------------------------------------------------


async def test_a_hook_changes_what_a_card_asks_and_the_text_and_the_digest_follow(chat: Talkwire, serve: Serve) -> None:
    asked = AskedCard("Pay 500?", (CardAction("yes", "Yes"), CardAction("no", "No")), "first")
    other = replace(asked, title="Pay 50?")
    shown: list[SendMessage] = []

    async def change(_: Actor, command: SendMessage) -> SendMessage:
        shown.append(command)
        return replace(command, card=other)

    chat.before(SendMessage)(change)
    await serve(chat)
    sent = await chat.execute(SendMessage("talk", card=asked, sender_id="alice", client_message_id="m1"))
    assert (shown[0].card, shown[0].content) == (asked, "Pay 500?\n\n- Yes\n- No")
    assert sent.card is not None
    assert (sent.card.asked, sent.card.digest) == (other, digest_of(other))
    assert sent.content == "Pay 50?\n\n- Yes\n- No"
    assert await chat.execute(SendMessage("talk", card=asked, sender_id="alice", client_message_id="m1")) == sent


async def test_a_hook_refuses_a_choice(chat: Talkwire, serve: Serve) -> None:
    @chat.before(ActOnCard)
    async def refuse(_: Actor, command: ActOnCard) -> None:
        if command.action_ids == ("yes",):
            raise Refused("forbidden", "Ask the treasurer.")

    await serve(chat)
    asked = AskedCard("Pay?", (CardAction("yes", "Yes"), CardAction("no", "No")), "first")
    sent = await chat.execute(SendMessage("talk", card=asked, sender_id="alice"))
    with pytest.raises(Refused, match="Ask the treasurer"):
        await chat.execute(ActOnCard(str(sent.id), ("yes",), sender_id="bob"))
    seen = await chat.execute(ActOnCard(str(sent.id), ("no",), sender_id="bob"))
    assert seen.message.card is not None
    assert (seen.message.card.state, seen.message.card.action_id) == ("decided", "no")
