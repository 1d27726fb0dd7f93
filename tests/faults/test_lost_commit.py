"""A network that breaks between a commit and its reply."""

from __future__ import annotations

from talkwire.core.commands.messages import ListMessages, SendMessage
from tests.contracts.node import ALICE, BACKEND, Clock, running
from tests.databases import Database, PostgresServer
from tests.faults.proxy import lossy_proxy


async def test_a_batch_whose_commit_was_answered_to_nobody_is_acknowledged_and_stored_once(
    postgresql: PostgresServer, postgresql_database: Database
) -> None:
    with lossy_proxy(postgresql.folder) as proxy:
        url = postgresql_database.url.set(query={"host": str(proxy.folder)})
        async with running(Database("postgresql", url), Clock()) as node:
            await node.group("c", ALICE)
            await node.send(ALICE, "0")
            for number in range(1, 4):
                proxy.armed = True
                assert (await node.do(ALICE, SendMessage("c", str(number)))).seq == number + 1
                assert proxy.lost == number
            page = await node.do(BACKEND, ListMessages("c"))
            assert [(message.seq, message.content) for message in page.items] == [
                (1, "0"), (2, "1"), (3, "2"), (4, "3"),
            ]  # fmt: skip
            assert [event.pos for event in node.log] == list(range(1, len(node.log) + 1))
