"""Lists the audit log (what admins, moderators and the backend did to others), and records exports of data in it."""

from __future__ import annotations

from types import MappingProxyType

from talkwire.core.commands.command import Page
from talkwire.core.commands.moderation.audit import ListAudit, RecordExport
from talkwire.core.domain.access import erased, must_be_operator, must_be_trusted
from talkwire.core.domain.errors import ChatError, invalid
from talkwire.core.domain.model import Actor
from talkwire.core.domain.moderation.audit import AuditEntry
from talkwire.core.domain.pages import PAGE_MAX
from talkwire.core.domain.texts import check_id
from talkwire.core.ports.handler import ChangeHandler, Changes, Queries
from talkwire.core.ports.transaction import Snapshot, Transaction


def list_audit(snapshot: Snapshot, actor: Actor, query: ListAudit) -> Page[AuditEntry]:
    """Returns a page of the audit log's entries that match the query, newest first. Only for operators."""
    must_be_operator(actor)
    for path, id_ in (("actorId", query.actor_id), ("targetId", query.target_id)):
        if id_ is not None:
            check_id(path, id_)
    before_id = None if query.cursor is None else _number(query.cursor)
    limit = max(1, min(query.limit, PAGE_MAX))
    found = snapshot.audit.page(query, before_id, limit + 1)
    return Page(tuple(found[:limit]), str(found[limit - 1].id) if len(found) > limit else None)


def _number(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise invalid("cursor", "must be `next` of a page of this list")
    return int(cursor)


def record_export(tx: Transaction, actor: Actor, command: RecordExport) -> None:
    """Checks that the actor may export the user or conversation. Raises `forbidden` otherwise, `not_found` for an
    unknown one, and `conflict` for an erased user. Changes nothing itself; the audit log gets an entry for the command
    (`acts.py`)."""
    if actor.user_id != command.user_id:
        must_be_trusted(actor)
    if command.user_id is not None:
        user = tx.user(command.user_id)
        if user is None:
            raise ChatError("not_found", "No such user.")
        if user.erased:
            raise erased(user.id)
    if command.conversation_id is not None:
        conversation = tx.conversation(command.conversation_id)
        if conversation is None or conversation.deleted_ms is not None:
            raise ChatError("not_found", "No such conversation.")


CHANGES: Changes = MappingProxyType({RecordExport: ChangeHandler(record_export)})

QUERIES: Queries = MappingProxyType({ListAudit: list_audit})
