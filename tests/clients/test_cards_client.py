"""Cards of the package @talkwire/client: a program that is killed while it asks, a poll of three, and receipts."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.chat.chat_server import ServerProcess, running_chat
from tests.clients.test_talkwire_client import RestChat, driven
from tests.protocol.server_process import reserved_port
from tests.reference.blocks.test_blocks import block_of
from tests.waiting import deadline, until_asked

REPOSITORY = Path(__file__).parents[2]
CLIENT = REPOSITORY / "clients" / "javascript" / "client" / "dist"
JOSE = Path(__file__).parent / "node_modules" / "jose" / "dist" / "webapi" / "index.js"
PLACE = "order-17"
LUNCH = {
    "title": "Lunch?",
    "actions": [{"id": "pizza", "label": "Pizza"}, {"id": "soup", "label": "Soup"}],
    "decide": "poll",
}
REFUND = {
    "title": "Refund?",
    "actions": [{"id": "approve", "label": "Approve"}, {"id": "decline", "label": "Decline"}],
    "decide": {"approve": 2, "decline": 1},
}


def _prepare(chat: RestChat) -> None:
    chat.send("PUT", "users/alice", name="Alice")
    chat.send("PUT", "users/helper", name="Helper", kind="agent", ownerId="alice")
    chat.post("conversations", kind="group", id=PLACE, memberIds=["alice", "bob", "carol", "helper"])


class Asking:
    """The program of the page, which asks for an approval."""

    def __init__(self, folder: Path) -> None:
        beginning = 'import { Talkwire } from "@talkwire/client";\nimport { cardsOf }'
        text = block_of("docs/client-javascript.md", "js", beginning)
        modules = {
            "@talkwire/client/cards": CLIENT / "cards" / "index.js",
            "@talkwire/client": CLIENT / "index.js",
            "jose": JOSE,
        }
        for name, module in modules.items():
            text = text.replace(f'"{name}"', f'"{module}"')
        self._program = folder / "approve.mjs"
        self._program.write_text(text)

    @asynccontextmanager
    async def started(self, server: ServerProcess, order: int) -> AsyncIterator[Process]:
        command = ["node", str(self._program), server.url, server.token("helper"), PLACE, str(order)]
        process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=STDOUT)
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def _printed(process: Process) -> str:
    async with deadline():
        printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()
    return printed.decode()


async def _waiting_of(chat: RestChat, user_id: str) -> list[dict[str, Any]]:
    waiting: list[dict[str, Any]] = (await asyncio.to_thread(chat.send, "GET", "cards?open=mine", user_id))["items"]
    return waiting


async def test_the_program_of_the_page_is_killed_and_gets_its_decision_nevertheless(tmp_path: Path) -> None:
    asking = Asking(tmp_path)
    port = reserved_port()
    with running_chat(tmp_path, port=port) as server:
        chat = RestChat(server)
        _prepare(chat)

        async def is_asked() -> list[dict[str, Any]]:
            return await _waiting_of(chat, "bob")

        async with asking.started(server, 1) as first:
            (asked,) = await until_asked(is_asked)
            first.kill()
            await first.wait()
        async with asking.started(server, 1) as second, asking.started(server, 2) as other:

            async def are_asked() -> bool:
                return len(await is_asked()) == 2

            await until_asked(are_asked)
            newer, same = await is_asked()
            assert same == asked
            path = f"messages/{asked['messageId']}/card"
            chat.post(path, "bob", actionIds=["approve"])
            assert await _printed(second) == "Order 1 is refunded.\n"

            # The server is killed, too, while the other program waits.
            server.process.kill()
            await asyncio.to_thread(server.wait_ended)
            with running_chat(tmp_path, port=port) as again:
                RestChat(again).post(f"messages/{newer['messageId']}/card", "carol", actionIds=["decline"])
                assert await _printed(other) == "Order 2 stays: decided.\n"
                async with asking.started(again, 1) as third:
                    assert await _printed(third) == "Order 1 is refunded.\n"


async def test_three_people_see_a_poll_live_and_after_a_gap(tmp_path: Path, node_client: list[str]) -> None:
    with running_chat(tmp_path) as server:
        _prepare(RestChat(server))
        async with driven(node_client, server.url, "cards_client.mjs") as clients:
            await clients.do("open", PLACE)
            poll = (await clients.do("send", "alice", LUNCH))["id"]
            await clients.do("shown", poll, {"state": "open", "counts": {"pizza": 0, "soup": 0}})
            chosen = await clients.do("do", "bob", "choose", poll, ["pizza"])
            assert chosen["card"]["mine"]["actionIds"] == ["pizza"]
            await clients.do("shown", poll, {"counts": {"pizza": 1, "soup": 0}})
            await clients.do("do", "carol", "choose", poll, ["pizza"])
            shown = await clients.do("shown", poll, {"counts": {"pizza": 2, "soup": 0}})
            assert shown["mine"] == {"alice": [], "bob": ["pizza"], "carol": ["pizza"]}

            await clients.do("cut")
            await clients.do("do", "bob", "choose", poll, ["soup"])
            # The counts that were sent meanwhile are not sent again.
            await clients.do("shown", poll, {"counts": {"pizza": 1, "soup": 1}}, ["alice", "bob"])
            await clients.do("join")
            await clients.do("shown", poll, {"counts": {"pizza": 1, "soup": 1}})

            await clients.do("cut")
            await clients.do("do", "bob", "choose", poll, [])
            assert (await clients.do("do", "bob", "close", poll))["refused"]["code"] == "forbidden"
            await clients.do("do", "alice", "close", poll)
            await clients.do("join")
            ended = {"state": "closed", "outcome": "closed", "counts": {"pizza": 1, "soup": 0}}
            shown = await clients.do("shown", poll, ended)
            assert shown["mine"] == {"alice": [], "bob": [], "carol": ["pizza"]}
            stored = RestChat(server).send("GET", f"messages/{poll}", "alice")["content"]
            assert (await clients.do("text", poll))["texts"] == [stored] * 3


async def test_an_approval_waits_for_two_and_its_receipt_is_verified(tmp_path: Path, node_client: list[str]) -> None:
    with running_chat(tmp_path) as server:
        _prepare(RestChat(server))
        async with driven(node_client, server.url, "cards_client.mjs") as clients:
            await clients.do("open", PLACE)
            card = (await clients.do("send", "alice", REFUND))["id"]
            later = (await clients.do("send", "bob", {**REFUND, "title": "Another?"}))["id"]
            await clients.do("waiting", "alice", ["Another?"])
            await clients.do("waiting", "carol", ["Another?", "Refund?"])
            await clients.do("do", "bob", "choose", card, ["approve"], {"comment": "Lost in the mail"})
            await clients.do("waiting", "bob", [])
            assert (await clients.do("do", "bob", "choose", card, ["decline"]))["refused"]["code"] == "conflict"
            await clients.do("shown", card, {"state": "open", "counts": {"approve": 1, "decline": 0}})
            await clients.do("do", "carol", "choose", card, ["approve"])
            decided = {"state": "decided", "actionId": "approve", "decidedBy": ["bob", "carol"]}
            await clients.do("shown", card, decided)
            await clients.do("waiting", "carol", ["Another?"])
            await clients.do("do", "bob", "cancel", later)
            await clients.do("waiting", "carol", [])
            await clients.do("waiting", "alice", [])

            verified = await clients.do("verify", "bob", card)
            assert (verified["alg"], verified["isSame"]) == ("ES256", True)
            payload = verified["payload"]
            assert (payload["iss"], payload["sub"], payload["outcome"]) == (server.url, card, "decided")
            assert (payload["actionId"], [each["userId"] for each in payload["by"]]) == ("approve", ["bob", "carol"])
            asked = RestChat(server).send("GET", f"messages/{card}/card", "alice")
            assert payload["digest"] == asked["digest"]
            assert await clients.do("forge", "bob", card) == {
                "done": "forge",
                "changed": "ERR_JWS_SIGNATURE_VERIFICATION_FAILED",
                "anotherKey": "ERR_JWS_SIGNATURE_VERIFICATION_FAILED",
                "unknownKey": "ERR_JWKS_NO_MATCHING_KEY",
                "unsigned": "ERR_JOSE_ALG_NOT_ALLOWED",
                "byPublicKey": "ERR_JOSE_ALG_NOT_ALLOWED",
                "anotherServer": "ERR_JWT_CLAIM_VALIDATION_FAILED iss",
                "anotherCard": "ERR_JWT_CLAIM_VALIDATION_FAILED sub",
                "genuine": "accepted",
            }
