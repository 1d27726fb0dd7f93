"""Every column with text that a user has written or set is erased and exported, or is named here with the reason why
not: a new table or column fails these tests until that is stated.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Text, select, text

from talkwire.api.export import ExportedUser
from talkwire.core.commands.accounts import BanUser
from talkwire.core.domain.model import File, Message
from talkwire.core.ports.stores import OwnChoice, OwnRating
from talkwire.payloads.conversations import conversation_payload
from talkwire.payloads.messages import message_payload
from talkwire.storage.schema import metadata, source_quotes
from talkwire.storage.snapshot import TableSnapshot
from tests.contracts.node import ALICE, BOB, CAROL, OPERATOR, Node
from tests.contracts.test_erasure import CANARY, erase, plant, traces
from tests.databases import Database

Place = tuple[str, str]
"""A table and one of its columns."""

# Ids, kinds and states, which are no text of a user.
NO_TEXT = {
    "accounts": "user_id role",
    "agent_places": "conversation_id agent_id note_by",
    "answers": "user_id route",
    "audit": "action actor_id target_id conversation_id address digest",  # the address of an operator
    "blocks": "user_id blocked_id",
    "calls": "conversation_id call_id node_id caller_id member_ids ringing_ids",
    "conversation_keys": "conversation_id",
    "conversation_teams": "team_id conversation_id",
    "conversations": "id kind owner_id direct_key history notify team_ids handler_id notes_id notes_of agents",
    "ended_nodes": "id",
    "erasures": "user_id stage",
    "file_links": "file_id conversation_id kind",
    "files": "id owner_id content_type digest folder_id",
    "followers": "name",
    "imports": "conversation_id",
    "indexed_keys": "key after_id",
    "invitations": "id code_hash conversation_ids creator_id creator_role role",
    "lost_nodes": "id host",
    "log": "type conversation_id user_id",
    "log_head": "epoch lineage",
    "logins": "id user_id token_hash issuer",
    "mailbox_cursors": "user_id",
    "members": "conversation_id user_id role notify via",
    "mentions": "conversation_id user_id sender_id",
    "messages": "conversation_id sender_id deleted_by",
    "name_parts": "kind id",
    "nodes": "id address folder_ids host",
    "notifications": "user_id type conversation_id actor_id",
    "offers": "conversation_id author_id currency status closed_by deleted_by title_by description_by",
    "online": "user_id node_id",
    "preferences": "user_id",
    "presence": "user_id status",
    "push_removals": "subscription_id user_id",
    "push_subscriptions": "id user_id kind service session_id node_id",
    "pushes": "subscription_id state",
    "message_ratings": "user_id",
    "card_choices": "user_id action_ids",
    "open_cards": "conversation_id",
    "reactions": "user_id",
    "reports": "id conversation_id author_id reporter_id state action decided_by about copied_from",
    "restrictions": "conversation_id user_id kind by",
    "saved_messages": "user_id conversation_id",
    "session_rooms": "socket_id conversation_id",
    "sessions": "socket_id node_id",
    "spans": "user_id conversation_id",
    "thread_follows": "user_id conversation_id",
    "team_changes": "team_id conversation_id user_ids after_id",
    "team_members": "team_id user_id",
    "teams": "id",
    "stopped_answers": "stopped_by",
    "streams": "conversation_id author_id node_id stopped_by",
    "timers": "kind key",
    "tombstones": "conversation_id sender_id",
    "turns": "conversation_id agent_id state note_by error_code stopped_by",
    "uploads": "id owner_id content_type folder_id",
    "users": "id erased kind owner_id",
    "webhook_attempts": "webhook_id",
    "webhook_retries": "webhook_id key",
}

# Text of a group or of the server, no matter which user set it.
NOBODYS = {
    "conversation_keys": "key value",  # the index of metadata
    "conversations": "name avatar metadata topic description folded_name",
    "notifications": "body",  # the name of a conversation
    "secrets": "name value",
    "teams": "name",
    "webhook_attempts": "attempts",  # with what endpoints answered
    "webhooks": "id url types conversation_ids description secret old_secret disabled_reason node_id",
}

# Other tests see these erased.
ERASED_ELSEWHERE = {
    "mailbox": "user_id event payload",  # chat/test_custom_events.py
    "provider_identities": "issuer subject user_id profile",  # test_provider_logins.py
    "push_subscriptions": "app_id push_key",  # those of apps; the story has one of a browser
    "turns": "label error_message",  # test_turn_data.py
}

# What an export leaves out.
NOT_EXPORTED = {
    "accounts": "email password_hash",  # the profile has the address; a hash is a secret
    "answers": "key result",  # answers to requests that may be repeated, for a day
    "audit": "reason",  # what administrators wrote
    "log": "data",  # the events from which all other tables follow
    "message_versions": "content parts",  # GET /messages/{id}/versions
    "name_parts": "folded_part",  # the index of names
    "notifications": "sound",  # the preferences have it
    "push_subscriptions": "url p256dh auth device_id user_agent",  # addresses of devices, which are secrets
    "reports": "reason note decision content",  # for moderators, like the notes on a restriction
    "restrictions": "reason",
    "uploads": "name",  # files that are not complete
    "users": "folded_name search_name ban_reason",
    "turns": "note",  # a message in the notes too
    "agent_places": "note",
}


def places(named: dict[str, str]) -> set[Place]:
    return {(table, column) for table, columns in named.items() for column in columns.split()}


def all_places() -> set[Place]:
    tables = metadata.sorted_tables
    return {(table.name, column.name) for table in tables for column in table.columns if isinstance(column.type, Text)}


def planted(database: Database) -> set[Place]:
    """Returns the places that have the text of the erasure's story."""
    with database.engine() as engine, engine.connect() as connection:

        def has_canary(table: str, column: str) -> bool:
            rows = connection.execute(text(f"SELECT {column} FROM {table}")).scalars()  # noqa: S608 (our own names)
            return any(CANARY in str(value).lower() for value in rows)

        return {place for place in all_places() if has_canary(*place)}


async def test_each_column_has_a_text_of_the_story_or_a_reason(node: Node, database: Database) -> None:
    await node.users(ALICE, BOB, CAROL)
    await plant(node)
    found = await asyncio.to_thread(planted, database)
    await node.do(OPERATOR, BanUser("alice", CANARY))
    found |= await asyncio.to_thread(planted, database)
    excused = [places(each) for each in (NO_TEXT, NOBODYS, ERASED_ELSEWHERE)]
    assert all_places() - found - set().union(*excused) == set(), "say what erasing a user does with these"
    assert [each & found for each in excused] == [set(), set(), set()], "the story has these"
    assert set().union(*excused) <= all_places(), "these do not exist"


# Rows that belong to a message or a report, which names its author.
OF_A_ROW = {"message_versions", "audit"}


async def test_each_row_with_a_text_names_the_user_who_wrote_it(node: Node, database: Database) -> None:
    """An erasure finds rows by the user's id, also those of others into which a text of the user was copied."""
    await node.users(ALICE, BOB, CAROL)
    await plant(node)

    def unnamed() -> list[str]:
        with database.engine() as engine, engine.connect() as connection:
            rows = [(table.name, row) for table in metadata.sorted_tables for row in connection.execute(table.select())]
            quoting = {*connection.execute(select(source_quotes.c.message_id)).scalars()}
        return [
            f"{table}: {row}"
            for table, row in rows
            if table not in OF_A_ROW
            and CANARY in str(row).lower()
            and not _names(row, "alice")
            # A quote in a source is found by the message that it is of.
            and not (table == "messages" and row.id in quoting)
        ]

    assert await asyncio.to_thread(unnamed) == []


def _names(row: Iterable[Any], user_id: str) -> bool:
    """Returns whether a row has the user's id as a column, or as a string of a JSON text."""
    return any(value == user_id or f'"{user_id}"' in str(value) for value in row)


async def test_the_reason_of_a_ban_goes_with_the_user(node: Node, database: Database) -> None:
    await node.users(ALICE)
    await node.do(OPERATOR, BanUser("alice", CANARY))
    await erase(node)
    assert await asyncio.to_thread(lambda: list(traces(database))) == []


class Parts:
    """Collects the texts of an export, in place of its temporary files."""

    def __init__(self) -> None:
        self.profile = b""
        self.rest: list[bytes] = []

    def add_conversation(self, view: Any) -> None:  # noqa: ANN401 (as the export's)
        self.rest.append(msgspec.json.encode(conversation_payload(view)))

    def add_messages(self, pages: Iterable[Iterable[Message]]) -> None:
        self.rest += [msgspec.json.encode(message_payload(message)) for page in pages for message in page]

    def add_ratings(self, ratings: Iterable[OwnRating]) -> None:
        self.rest += map(msgspec.json.encode, ratings)

    def add_choices(self, choices: Iterable[OwnChoice]) -> None:
        self.rest += map(msgspec.json.encode, choices)

    def add_files(self, files: Iterable[File]) -> None:
        self.rest += map(msgspec.json.encode, files)


def marked(database: Database) -> set[Place]:
    """Appends to the story's text in each column the name of the table and the column. Returns these places."""
    found = planted(database)
    with database.engine() as engine, engine.begin() as connection:
        for table, column in found:
            change = f"UPDATE {table} SET {column} = replace({column}, :old, :new)"  # noqa: S608 (our own names)
            connection.execute(text(change), {"old": CANARY, "new": f"{CANARY}.{table}.{column}."})
    return found


async def test_an_export_has_each_text_of_the_story_or_a_reason(node: Node, database: Database) -> None:
    await node.users(ALICE, BOB, CAROL)
    await plant(node)
    found = await asyncio.to_thread(marked, database)
    parts = Parts()
    with database.engine() as engine, engine.connect() as connection:
        ExportedUser("alice", OPERATOR).read(TableSnapshot(connection, node.clock), parts)  # type: ignore[arg-type]
    exported = b"".join([parts.profile, *parts.rest]).decode()
    left_out = {place for place in found if f"{CANARY}.{place[0]}.{place[1]}." not in exported}
    assert left_out == places(NOT_EXPORTED) - {("users", "ban_reason")}
