"""The desk of the package @talkwire/client against a server: two members of a team and their customers."""

from __future__ import annotations

import asyncio
import re
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path
from typing import Any

from tests.chat.chat_server import ServerProcess, running_chat
from tests.clients.test_talkwire_client import DrivenClients, RestChat, driven

PAGE = Path(__file__).parents[2] / "docs" / "desk.md"
CLIENT = Path(__file__).parents[2] / "clients" / "javascript" / "client" / "dist"
ORDERS = 55
DEADLINE_S = 120


class Shop:
    """The back end of a shop: a team, and a conversation of a customer for each order."""

    def __init__(self, server: ServerProcess) -> None:
        self._url = server.url
        self._chat = RestChat(server)
        self._chat.send("PUT", "teams/support", name="Support", memberIds=["sam", "kim"])

    def order(self, number: int) -> None:
        self._chat.post("conversations", kind="group", id=f"order-{number}", memberIds=["alice"], teamIds=["support"])

    def ask(self, number: int, content: str = "Where is it?") -> None:
        self._chat.post("messages", conversationId=f"order-{number}", content=content, senderId="alice")

    def order_of(self, number: int) -> dict[str, Any]:
        return self._chat.send("GET", f"conversations/order-{number}")

    def close(self, number: int) -> None:
        self._chat.post(f"conversations/order-{number}/close")


def _ids(lists: dict[str, list[list[Any]]]) -> dict[str, list[str]]:
    return {name: [each[0].removeprefix("order-") for each in shown] for name, shown in lists.items()}


async def _lists(clients: DrivenClients) -> dict[str, list[str]]:
    return _ids((await clients.do("lists"))["lists"])


async def test_two_members_of_a_team_see_the_same_desk(tmp_path: Path, node_client: list[str]) -> None:
    with running_chat(tmp_path) as server:
        shop = Shop(server)
        for number in range(ORDERS):
            shop.order(number)
            shop.ask(number)
        async with driven(node_client, server.url, "desk_client.mjs") as clients:
            assert [team["name"] for team in (await clients.do("open"))["teams"]] == ["Support"]
            everything = [str(number) for number in range(ORDERS)]
            shown = await _lists(clients)
            assert shown == {"waiting": everything, "mine": [], "all": everything[::-1], "closed": []}

            claimed = await clients.do("claim", "order-0")
            (handler,) = claimed["handlers"]
            assert claimed["refused"] == {"code": "conflict", "details": {"handler": handler}}
            await clients.do("do", "claim", "order-1")
            await clients.do("do", "close", "order-2")
            shop.ask(3, "Hello?")
            shown = await _lists(clients)
            assert shown["closed"] == ["2"]
            assert shown["all"][0] == "3"
            assert "1" in shown["mine"]
            shop.order(ORDERS)
            shop.ask(ORDERS)
            assert (await _lists(clients))["waiting"][-1] == str(ORDERS)

            await clients.do("cut")
            shop.close(4)
            for number in range(ORDERS + 1, ORDERS + 4):
                shop.order(number)
                shop.ask(number)
            await clients.do("join")
            shown = await _lists(clients)
            assert shown["closed"] == ["4", "2"] or shown["closed"] == ["2", "4"]
            assert shown["all"][0] == str(ORDERS + 3)


async def test_typing_and_signals_of_unlisted_conversations_arrive_while_they_are_followed(
    tmp_path: Path, node_client: list[str]
) -> None:
    with running_chat(tmp_path) as server:
        shop = Shop(server)
        shop.order(1)
        shop.ask(1)
        async with driven(node_client, server.url, "desk_client.mjs") as clients:
            await clients.do("open")
            await clients.do("follow", "order-1")
            await clients.do("cut")
            await clients.do("join")
            await clients.do("follow", "order-1")
            assert await clients.do("leave", "order-1") == {"done": "leave", "typing": [], "signals": []}


async def test_a_note_is_written_from_the_desk(tmp_path: Path, node_client: list[str]) -> None:
    with running_chat(tmp_path) as server:
        shop = Shop(server)
        shop.order(1)
        async with driven(node_client, server.url, "desk_client.mjs") as clients:
            await clients.do("open")
            note = (await clients.do("do", "sendNote", "order-1", "A friend of ours"))["result"]
            assert note["content"] == "A friend of ours"
            assert shop.order_of(1)["notesId"] == note["conversationId"]


async def test_the_program_of_the_page_answers_a_customer(tmp_path: Path) -> None:
    (program,) = re.findall(r"^```js\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    for name, module in {"@talkwire/client/desk": "desk/index.js", "@talkwire/client": "index.js"}.items():
        program = program.replace(f'"{name}"', f'"{CLIENT / module}"')
    (tmp_path / "desk.mjs").write_text(program)
    with running_chat(tmp_path) as server:
        shop = Shop(server)
        for number in (1, 2):
            shop.order(number)
            shop.ask(number)
        command = ["node", str(tmp_path / "desk.mjs"), server.url, server.token("sam")]
        process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=STDOUT)
        async with asyncio.timeout(DEADLINE_S):
            printed, _ = await process.communicate()
        assert (process.returncode, printed) == (0, b"")
        answered, other = shop.order_of(1), shop.order_of(2)
        assert (answered["lastMessage"]["content"], answered["state"]) == ("How can I help you?", "closed")
        assert (other["lastMessage"]["content"], other["state"]) == ("Where is it?", "open")
