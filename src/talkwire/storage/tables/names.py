"""The table of the later words of names, and the search for users and conversations by their names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    TextClause,
    and_,
    delete,
    not_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.sql.selectable import Subquery

from talkwire.core.domain.search.name_search import NameKey, NamePage, found_part, later_parts, search_name
from talkwire.storage.schema import name_parts
from talkwire.storage.sql.batch import Write, insert_rows, write

Condition = ColumnElement[bool] | TextClause

USER_NAMES = "user"
"""Value of `kind` of users' names in `name_parts`. Names of conversations have the conversation's kind."""

_LAST_CHARACTER = "\U0010ffff"


def starts_with(column: ColumnElement[str], prefix: str) -> ColumnElement[bool]:
    """Returns the SQL condition that a column sorted by code points starts with `prefix`. It is a range, so that the
    database uses the column's index."""
    return and_(column >= prefix, column <= f"{prefix}{_LAST_CHARACTER}")


# --- reading ----------------------------------------------------------------------------------------------------------


def of_name(
    whole: Column[str], kind: str, folded_text: str, after: NameKey | None, conditions: Sequence[Condition]
) -> list[Select[Any]]:
    """Returns queries for the users or conversations whose name starts with a folded text (`search_name`), or has a
    later word that starts with it: one query for each index.

    `whole` is the column of their folded names, `kind` is USER_NAMES or a kind of conversation, `after` the last entry
    of the page before (None for the first page); `conditions` restrict the rows. The columns are `found` (the part of
    the name that starts with the text), `id` and `folded_name`.
    """
    table, folded_name = whole.table, whole.label("folded_name")
    parts = [_after(select(whole.label("found"), table.c.id, folded_name), (whole, table.c.id), after)]
    if folded_text:
        parts[0] = parts[0].where(starts_with(whole, folded_text))
        part = name_parts.c.folded_part
        later = select(part.label("found"), table.c.id, folded_name).join(table, table.c.id == name_parts.c.id)
        # SQLite does not start in its index at a pair, but at one text.
        start = folded_text if after is None else max(folded_text, after.name)
        later = later.where(name_parts.c.kind == kind, starts_with(part, folded_text), part >= start)
        parts.append(_after(later, (part, name_parts.c.id), after).where(not_(starts_with(whole, folded_text))))
    return [query.where(*conditions) for query in parts]


def _after(query: Select[Any], order: Sequence[ColumnElement[Any]], after: NameKey | None) -> Select[Any]:
    return (query if after is None else query.where(tuple_(*order) > after)).order_by(*order)


def ids_found(connection: Connection, queries: Sequence[Select[Any]], folded_text: str, limit: int) -> NamePage[str]:
    """Returns a page of at most `limit` ids that the queries of `of_name` find, in the order of the found parts of the
    names. A page may have fewer ids and still have a next one."""
    some = united([query.limit(limit + 1) for query in queries])
    rows = connection.execute(select(some).order_by(some.c.found, some.c.id).limit(limit + 1)).all()
    # A name in which the text starts several later words is found by each of them.
    ids = [row.id for row in rows[:limit] if row.found == found_part(row.folded_name, folded_text)]
    return NamePage(ids, NameKey(rows[limit - 1].found, rows[limit - 1].id) if len(rows) > limit else None)


def united(queries: Sequence[Select[Any]]) -> Subquery:
    """Returns the union of queries for the same columns as one subquery. SQLite sorts and limits the parts of a union
    only if each is a subquery of its own, so each becomes one."""
    if len(queries) == 1:
        return queries[0].subquery()
    return union_all(*(select(query.subquery()) for query in queries)).subquery()


# --- writing ----------------------------------------------------------------------------------------------------------

_insert = insert_rows(name_parts, ("kind", "folded_part", "id"))


def add_names(connection: Connection, kind: str, names: Iterable[tuple[str, str]]) -> None:
    """Stores the later parts of new names, given as (id, name), in `name_parts`: each reaches from a later word to the
    name's end, and `of_name` finds the name by it. `kind` is USER_NAMES or the conversation's kind."""
    rows = [(kind, part, id_) for id_, name in names for part in later_parts(search_name(name))]
    if rows:
        write(connection, [Write(_insert, rows)])


def change_name(connection: Connection, kind: str, id_: str, before: str, after: str) -> None:
    """Replaces the later parts of a name (see `add_names`) by those of the new name `after`. Does nothing if the name
    stays the same."""
    if before == after:
        return
    old = later_parts(search_name(before))
    if old:
        mine = name_parts.c.kind == kind, name_parts.c.id == id_, name_parts.c.folded_part.in_(old)
        connection.execute(delete(name_parts).where(*mine))
    add_names(connection, kind, [(id_, after)])
