"""Commands as payloads of the messenger dialect, as callbacks receive and change them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from talkwire.callbacks.command_payloads import command_of, payload_of
from talkwire.core.commands.command import Command
from talkwire.core.commands.conversations import ListConversations
from talkwire.core.commands.invitations import AcceptInvitation
from talkwire.core.commands.messages import AttachmentRef, EditMessage, RemoveLinkPreviews, SendMessage
from talkwire.core.commands.offers import UpdateOffer
from talkwire.core.commands.typing import SetTyping
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import Place
from talkwire.core.domain.parts.message_parts import SourcePart, TextPart
from talkwire.dialects.messenger import MESSENGER
from talkwire.operations.names import COMMANDS, REST_COMMANDS, commands_named

_FULL: Mapping[str, list[dict[str, Any]]] = MappingProxyType(
    {
        "message:send": [
            {
                "conversationId": "c",
                "content": "x",
                "clientMessageId": "m",
                "metadata": {"a": [1, None]},
                "attachments": [{"id": "f"}, {"url": "https://a.example/b", "name": "b"}],
                "replyToId": "1",
                "threadId": "2",
                "senderId": "bob",
                "createdAt": "2024-02-03T04:05:06.789Z",
            },
            {"conversationId": "c", "content": "x", "ifLastSeq": 0},
            {"conversationId": "c", "content": "x", "ifHandler": None},
            {"conversationId": "c", "content": "x", "ifHandler": "bob"},
        ],
        "message:edit": [
            {"messageId": "1", "content": "x", "senderId": "bob"},
            {"messageId": "1", "content": "x", "metadata": {"a": 1}},
            {"messageId": "1", "metadata": {}},
            {"messageId": "1", "metadata": None},
        ],
        "message:delete": [{"messageId": "1"}],
        "message:forward": [{"messageId": "1", "conversationIds": ["c", "d"], "senderId": "bob"}],
        "message:react": [{"messageId": "1", "emoji": "👍", "senderId": "bob"}],
        "message:unreact": [{"messageId": "1", "emoji": "👍"}],
        "message:rate": [{"messageId": "1", "rating": -1, "comment": "x", "senderId": "bob"}],
        "card:act": [
            {"messageId": "1", "actionIds": ["yes"], "input": {"amount": 1.5}, "comment": "x", "senderId": "bob"}
        ],
        "turn:claim": [{"max": 2, "leaseS": 30, "wait": 10, "conversationId": "c", "senderId": "bot"}],
        "turn:update": [{"turn": "1.1", "label": "thinking", "leaseS": 30, "senderId": "bot"}],
        "turn:done": [{"turn": "1.1", "senderId": "bot"}],
        "turn:release": [{"turn": "1.1", "senderId": "bot"}],
        "turn:fail": [{"turn": "1.1", "error": {"code": "x", "message": "y"}, "senderId": "bot"}],
        "turn:retry": [{"turnId": "1"}],
        "card:close": [{"messageId": "1"}],
        "card:cancel": [{"messageId": "1"}],
        "message:pin": [{"messageId": "1"}],
        "message:unpin": [{"messageId": "1"}],
        "message:save": [{"messageId": "1"}],
        "message:unsave": [{"messageId": "1"}],
        "offer:delete": [{"offerId": "1"}],
        "offer:report": [{"offerId": "1", "reason": "spam", "note": "x"}],
        "message:report": [{"messageId": "1", "reason": "spam", "note": "x"}],
        "saved:list": [{"cursor": "3", "limit": 7, "conversationId": "c"}],
        "message:read": [{"conversationId": "c", "messageId": "1"}, {"conversationId": "c"}],
        "message:delivered": [{"conversationId": "c", "messageId": "1"}],
        "conversation:mark-unread": [{"conversationId": "c", "messageId": "1"}],
        "thread:follow": [{"messageId": "1"}],
        "thread:unfollow": [{"messageId": "1"}],
        "thread:read": [{"messageId": "1"}, {"messageId": "1", "replyId": "2"}],
        "notifications:read": [{"ids": ["1", "2"]}, {"all": True}],
        "messages:search": [
            {"q": "x", "conversationId": "c", "senderId": "bob", "cursor": "3", "limit": 7},
            {"q": "x", "before": "2026-01-02T00:00:00.000Z", "after": "2026-01-01T00:00:00.000Z"},
        ],
        "offers:search": [
            {"q": "x", "conversationId": "c", "senderId": "bob", "cursor": "3", "limit": 7},
            {"q": "x", "before": "2026-01-02T00:00:00.000Z", "after": "2026-01-01T00:00:00.000Z"},
        ],
        "messages:list": [{"conversationId": "c", "before": "3", "limit": 7}, {"conversationId": "c", "aroundSeq": 5}],
        "conversation:create": [
            {
                "kind": "group",
                "memberIds": ["bob", "eve"],
                "name": "n",
                "id": "c",
                "avatar": "https://a.example/a.png",
                "public": True,
                "history": "from-join",
                "slowModeS": 5,
                "metadata": {"a": 1},
                "ownerId": "bob",
                "roles": {"eve": "admin"},
                "topic": "t",
                "description": "d",
            },
            {"kind": "direct", "memberIds": []},
        ],
        "conversation:update": [
            {"conversationId": "c", "name": None, "public": False, "metadata": None, "topic": "t", "description": None},
            {"conversationId": "c", "avatar": "https://a.example/a.png", "history": "all", "slowModeS": 0},
        ],
        "conversation:delete": [{"conversationId": "c"}],
        "conversation:claim": [{"conversationId": "c"}, {"conversationId": "c", "if": "bob", "senderId": "eve"}],
        "conversation:release": [{"conversationId": "c"}],
        "conversation:handoff": [{"conversationId": "c", "to": "bob"}, {"conversationId": "c", "to": "t", "note": "n"}],
        "conversation:close": [{"conversationId": "c", "senderId": "eve"}],
        "note:send": [
            {"conversationId": "c", "content": "a note", "clientMessageId": "1", "senderId": "eve"},
            {"conversationId": "c", "attachments": [{"id": "f"}], "replyToId": "1", "threadId": "2"},
        ],
        "conversations:list": [{"cursor": "x", "limit": 7}, {"query": "q", "cursor": "x"}],
        "member:add": [{"conversationId": "c", "userIds": ["bob"]}],
        "member:remove": [{"conversationId": "c", "userId": "bob"}],
        "member:update": [{"conversationId": "c", "userId": "bob", "role": "admin"}],
        "offer:create": [
            {
                "conversationId": "c",
                "title": "t",
                "amount": 0,
                "currency": "EUR",
                "description": "d",
                "expiresAt": "2034-02-03T04:05:06.000Z",
                "metadata": {},
                "senderId": "bob",
            }
        ],
        "offer:update": [{"offerId": "1", "status": "accepted", "senderId": "bob"}],
        "offer:counter": [{"offerId": "1", "amount": 5, "title": "t", "expiresAt": "2034-02-03T04:05:06.000Z"}],
        "offers:list": [{"conversationId": "c", "cursor": "x", "limit": 7}],
        "unread:get": [{}],
        "signal:send": [
            {"conversationId": "c", "name": "ping"},
            {"conversationId": "c", "name": "ping", "data": {"x": 1}},
        ],
        "message:stream": [
            {"conversationId": "c", "clientMessageId": "s"},
            {
                "conversationId": "c",
                "clientMessageId": "s",
                "replyToId": "1",
                "threadId": "1",
                "metadata": {"a": 1},
                "leaseS": 5,
                "ifLastSeq": 3,
                "ifHandler": None,
                "generated": {"model": "m"},
                "onBehalfOf": "bob",
                "senderId": "bob",
            },
        ],
        "message:append": [
            {"messageId": "1", "attempt": 1, "part": 0, "text": "t", "type": "reasoning", "at": 0},
            {"messageId": "1", "attempt": 1, "part": 1, "set": {"type": "data", "name": "n", "value": 1}},
        ],
        "message:rewind": [{"messageId": "1", "attempt": 1, "part": 0, "at": 3}],
        "message:keep": [{"messageId": "1", "attempt": 1}],
        "message:stop": [{"messageId": "1"}, {"replyToId": "1"}],
        "message:finish": [
            {"messageId": "1", "attempt": 1},
            {
                "messageId": "1",
                "attempt": 1,
                "state": "failed",
                "parts": [{"type": "text", "text": "t"}],
                "attachments": [{"id": "f"}],
                "error": {"code": "c", "message": "m"},
            },
        ],
        "typing:start": [{"conversationId": "c"}],
        "typing:stop": [{"conversationId": "c"}],
        "presence:set": [{"status": "away", "text": None}, {"status": "dnd", "text": "t"}, {"status": "online"}],
        "presence:get": [{"userIds": ["bob"]}],
        "call:invite": [{"conversationId": "c", "toUserId": "bob", "data": {"sdp": "x"}}],
        "call:accept": [{"conversationId": "c", "callId": "k"}],
        "call:reject": [{"conversationId": "c", "callId": "k"}],
        "call:signal": [{"conversationId": "c", "callId": "k", "toUserId": "bob", "data": [1]}],
        "call:hangup": [{"conversationId": "c", "callId": "k"}],
        "sync": [{"limit": 7}, {"after": "e-1"}],
    }
)
_CASES = [(name, payload) for name, payloads in _FULL.items() for payload in payloads]


def _command(name: str, payload: dict[str, Any]) -> Command[Any]:
    inbound = MESSENGER.inbound[name]
    assert inbound.payload is not None
    command = inbound.to_command(msgspec.convert(payload, inbound.payload))
    assert isinstance(command, Command)
    return command


def test_every_command_has_an_example() -> None:
    assert _FULL.keys() == COMMANDS.keys()
    assert REST_COMMANDS.keys() == {"invitation:accept", "message:remove-previews"}


@pytest.mark.parametrize(("name", "payload"), _CASES)
def test_a_callback_receives_what_a_messenger_client_would_have_sent(name: str, payload: dict[str, Any]) -> None:
    command = _command(name, payload)
    encoded = msgspec.json.decode(msgspec.json.encode(payload_of(name, command)))
    assert encoded == payload
    assert command_of(name, encoded, command) == command
    assert any(type(command) is named.command_type and named.when(command) for named in commands_named(name))


def test_an_invitation_is_accepted_over_rest_only() -> None:
    encoded = payload_of("invitation:accept", AcceptInvitation("secret"))
    assert encoded == {"code": "secret"}
    assert command_of("invitation:accept", {"code": "other"}, AcceptInvitation("secret")) == AcceptInvitation("other")


def test_previews_are_removed_over_rest_only() -> None:
    encoded = payload_of("message:remove-previews", RemoveLinkPreviews("7"))
    assert encoded == {"messageId": "7"}
    changed = command_of("message:remove-previews", {"messageId": "8"}, RemoveLinkPreviews("7"))
    assert changed == RemoveLinkPreviews("8")


def test_what_a_payload_cannot_say_stays() -> None:
    typing = SetTyping("c", is_typing=True, source="socket")
    assert command_of("typing:start", {"conversationId": "d"}, typing) == replace(typing, conversation_id="d")
    listed = ListConversations(of_everybody=True, member_id="bob", text="q")
    assert payload_of("conversations:list", listed) == {}
    assert command_of("conversations:list", {"limit": 3}, listed) == replace(listed, limit=3)
    decided = UpdateOffer("1", "accepted", conversation_id="c")
    assert command_of("offer:update", {"offerId": "1", "status": "rejected"}, decided) == replace(
        decided, status="rejected"
    )
    sent = SendMessage("c", "x", sent_hash=7)
    assert command_of("message:send", {"conversationId": "c", "content": "y"}, sent) == replace(sent, content="y")


def test_a_callback_sees_and_changes_text_and_parts() -> None:
    parts = (TextPart("x"), SourcePart(url="https://example.com/"))
    for name, shown in (
        ("message:send", SendMessage("c", "x", parts=parts)),
        ("message:edit", EditMessage("7", "x", parts=parts)),
    ):
        encoded = msgspec.json.decode(msgspec.json.encode(payload_of(name, shown)))
        assert (encoded["content"], encoded["parts"]) == ("x", msgspec.json.decode(msgspec.json.encode(parts)))
        assert command_of(name, encoded, shown) == shown
        assert command_of(name, {**encoded, "content": "y"}, shown).content == "y"
        fewer = command_of(name, {**encoded, "parts": encoded["parts"][:1]}, shown)
        assert fewer.parts == parts[:1]
        with pytest.raises(ChatError, match=r"parts\[0\]\.text: must not be empty"):
            command_of(name, {**encoded, "parts": [{"type": "text", "text": ""}]}, shown)


def test_a_place_of_another_dialect_is_shown_and_kept() -> None:
    place = Place(latitude=1.5, longitude=2.5, name="Here")
    sent = SendMessage("c", "", attachments=(AttachmentRef(kind="document", place=place), AttachmentRef(id="f")))
    encoded = msgspec.json.decode(msgspec.json.encode(payload_of("message:send", sent)))
    assert encoded["attachments"][0]["place"]["latitude"] == 1.5
    assert command_of("message:send", {**encoded, "content": "y"}, sent) == replace(sent, content="y")
    encoded["attachments"].pop()
    changed = command_of("message:send", encoded, sent)
    assert changed.attachments == sent.attachments[:1]
    del encoded["attachments"]
    assert command_of("message:send", {**encoded, "content": "y"}, sent).attachments == ()


@pytest.mark.parametrize(
    ("name", "payload", "changed", "problem"),
    [
        ("message:send", {"conversationId": "c", "content": "x"}, {"content": "y"}, "conversationId"),
        (
            "message:send",
            {"conversationId": "c", "content": "x"},
            {"conversationId": "c"},
            "must not be empty",
        ),
        ("message:send", {"conversationId": "c"}, {"conversationId": "c", "content": 5}, "Expected `str`"),
        ("message:send", {"conversationId": "c"}, {"conversationId": "c", "contnt": "y"}, '"contnt" is not a member'),
        ("message:send", {"conversationId": "c"}, {"conversationId": "c", "attachments": 5}, "Expected `array`"),
        ("message:send", {"conversationId": "c"}, {"conversationId": "c", "createdAt": "now"}, "createdAt"),
        ("sync", {}, {"after": "e-1"}, "ListEvents instead of GetSyncState"),
        ("conversations:list", {"query": "q"}, {}, "ListConversations instead of FindPublicConversations"),
    ],
)
def test_a_changed_payload_that_is_invalid_is_refused(
    name: str, payload: dict[str, Any], changed: dict[str, Any], problem: str
) -> None:
    with pytest.raises((ValueError, ChatError), match=problem):
        command_of(name, changed, _command(name, payload))
