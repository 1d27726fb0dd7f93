from __future__ import annotations

from talkwire.control import operator_for
from talkwire.core.commands.accounts import ListUsers
from talkwire.core.commands.conversations import CreateConversation
from talkwire.store import opened_chat
from tests.databases import Database


async def test_a_second_process_reads_the_data_of_the_first(database: Database) -> None:
    command = CreateConversation("group", ("alice", "bob"), id="talk-1")
    async with opened_chat(database.url) as chat:
        await chat.execute(operator_for(command), command)
    async with opened_chat(database.url) as chat:
        users = await chat.execute(operator_for(ListUsers()), ListUsers())
    assert [user.id for user in users.items] == ["alice", "bob"]
