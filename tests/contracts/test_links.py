"""The list of the links in a conversation's messages."""

from __future__ import annotations

import pytest

from talkwire.core.commands.conversations import UpdateConversation
from talkwire.core.commands.links import LinkInMessage, ListLinks
from talkwire.core.commands.members import AddMembers, RemoveMember
from talkwire.core.commands.messages import DeleteMessage, EditMessage, SendMessage
from talkwire.core.domain.model import Actor
from tests.contracts.node import ALICE, BOB, CAROL, MALLORY, Node
from tests.contracts.plans import plan_of, read_statements
from tests.contracts.test_erasure import erase


async def _links(node: Node, actor: Actor = BOB) -> list[LinkInMessage]:
    return list((await node.do(actor, ListLinks("c"))).items)


async def _urls(node: Node, actor: Actor = BOB) -> list[str]:
    return [found.url for found in await _links(node, actor)]


async def test_links_are_listed_newest_message_first(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    first = await node.do(
        ALICE, SendMessage("c", "See https://a.example/x, (http://b.example) and https://a.example/x.")
    )
    await node.do(BOB, SendMessage("c", "no link: mail@example.com ftp://x.example `https://code.example` https://"))
    await node.do(BOB, SendMessage("c", "<HTTPS://c.example/#part>"))
    found = await _links(node)
    assert [(each.url, each.message.sender_id) for each in found] == [
        ("HTTPS://c.example/#part", "bob"),
        ("https://a.example/x", "alice"),
        ("http://b.example", "alice"),
    ]
    assert found[1].message.id == first.id


async def test_the_list_follows_edits_and_deletions(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    message = await node.do(ALICE, SendMessage("c", "https://old.example"))
    await node.do(ALICE, EditMessage(str(message.id), "https://new.example"))
    assert await _urls(node) == ["https://new.example"]
    await node.do(ALICE, EditMessage(str(message.id), "nothing"))
    assert await _urls(node) == []
    await node.do(ALICE, EditMessage(str(message.id), "https://new.example"))
    await node.do(ALICE, DeleteMessage(str(message.id)))
    assert await _urls(node) == []


async def test_an_erased_users_links_are_gone(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.do(ALICE, SendMessage("c", "https://a.example"))
    await erase(node, "alice")
    assert await _urls(node) == []


async def test_links_come_page_by_page(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    for number in range(4):
        await node.do(ALICE, SendMessage("c", f"https://a.example/{number} https://b.example/{number}"))
        await node.do(ALICE, SendMessage("c", "ftp://looks.like.one"))
    for limit in (1, 2, 3, 5, 50):
        urls: list[str] = []
        cursor = None
        for _ in range(20):
            page = await node.do(BOB, ListLinks("c", cursor, limit))
            assert len(page.items) <= limit
            urls += [found.url for found in page.items]
            cursor = page.next
            if cursor is None:
                break
        assert urls == [f"https://{host}.example/{number}" for number in (3, 2, 1, 0) for host in "ab"], limit


async def test_a_page_is_made_of_messages_with_a_limited_size(node: Node) -> None:
    """Also where the messages only look as if they had links: such a page is empty, and not the last one."""
    await node.group("c", ALICE, BOB)
    texts = [*(f"https://a.example/{number} " + "://" * 20_000 for number in range(6)), *["://" * 21_000] * 5]
    for text in texts:
        await node.do(ALICE, SendMessage("c", text))
    found: list[str] = []
    sizes: list[int] = []
    cursor = None
    while cursor is not None or not sizes:
        page = await node.do(BOB, ListLinks("c", cursor, 100))
        found += [each.url for each in page.items]
        sizes.append(len(page.items))
        cursor = page.next
    assert found == [f"https://a.example/{number}" for number in reversed(range(6))]
    assert sizes == [0, 3, 3]


async def test_a_page_is_read_from_the_index_of_links(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    with read_statements(node) as statements:
        await node.do(BOB, ListLinks("c"))
    [(statement, parameters)] = [each for each in statements if "://" in each[0]]
    assert "ix_messages_links" in plan_of(node, statement, parameters)


async def test_newcomers_see_the_links_that_they_may_read(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.users(CAROL)
    await node.do(ALICE, UpdateConversation("c", history="from-join"))
    await node.do(ALICE, SendMessage("c", "https://before.example"))
    await node.do(ALICE, AddMembers("c", ("carol",)))
    await node.do(ALICE, SendMessage("c", "https://after.example"))
    assert await _urls(node, CAROL) == ["https://after.example"]
    assert await _urls(node, BOB) == ["https://after.example", "https://before.example"]
    await node.do(ALICE, RemoveMember("c", "carol"))
    assert await node.refusal(CAROL, ListLinks("c")) == "forbidden"
    await node.users(MALLORY)
    assert await node.refusal(MALLORY, ListLinks("c")) == "forbidden"


@pytest.mark.parametrize("cursor", ["", "x", "1", "1.", "1.a", "9" * 20 + ".0", "9223372036854775807.0", "-1.0"])
async def test_a_made_up_cursor_of_links_is_refused(node: Node, cursor: str) -> None:
    await node.group("c", ALICE, BOB)
    assert await node.refusal(ALICE, ListLinks("c", cursor)) == "invalid_request"
