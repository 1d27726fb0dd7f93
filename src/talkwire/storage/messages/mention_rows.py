"""Finding the members whom a text may name."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, select, union
from sqlalchemy.sql.selectable import TableValuedAlias

from talkwire.storage.schema import members, users


def named_members(
    keys: TableValuedAlias, conversation_id: ColumnElement[Any], name: ColumnElement[Any]
) -> CompoundSelect[Any]:
    """(conversation id, name, user id) of members whose casefolded name or whose id it is."""
    found = select(members.c.conversation_id, name.label("name"), members.c.user_id).select_from(keys)
    by_name = found.join(users, users.c.folded_name == name).join(
        members, (members.c.conversation_id == conversation_id) & (members.c.user_id == users.c.id)
    )
    by_id = found.join(members, (members.c.conversation_id == conversation_id) & (members.c.user_id == name))
    return union(by_name, by_id).order_by("user_id")
