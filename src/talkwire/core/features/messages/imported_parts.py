"""Checks and stores the details of a message imported from another system: when it was edited, its reactions, and
whether it is pinned."""

from __future__ import annotations

from typing import Any

from talkwire.core.commands.messages import GivenReaction, ImportedParts, SendMessage
from talkwire.core.domain.errors import invalid
from talkwire.core.domain.model import REACTION_USERS_MAX, Reaction
from talkwire.core.domain.texts import check_id
from talkwire.core.domain.times import check_time, iso
from talkwire.core.features.messages.pins import PINS_MAX
from talkwire.core.features.messages.reactions import EMOJI_PER_MESSAGE, check_emoji
from talkwire.core.ports.transaction import Transaction


def check_imported_parts(command: SendMessage) -> None:
    """Raises `invalid_request` for invalid details of an imported message (edit time, reactions, pin), and for such
    details of a message that is not imported."""
    parts = command.imported
    if parts is None:
        return
    if command.created_ms is None:
        raise invalid("createdAt", "must be set where editedAt, reactions or pinned is")
    if parts.edited_ms is not None:
        check_time("editedAt", parts.edited_ms)
        if parts.edited_ms < command.created_ms:
            raise invalid("editedAt", "must not be before createdAt")
    _check_reactions(parts)


def _check_reactions(parts: ImportedParts) -> None:
    if len(parts.reactions) > EMOJI_PER_MESSAGE:
        raise invalid("reactions", f"must have at most {EMOJI_PER_MESSAGE} items")
    if len({given.emoji for given in parts.reactions}) < len(parts.reactions):
        raise invalid("reactions", "must have each emoji once")
    for index, given in enumerate(parts.reactions):
        check_emoji(f"reactions[{index}].emoji", given.emoji)
        _check_users(f"reactions[{index}].userIds", given)


def _check_users(path: str, given: GivenReaction) -> None:
    if not 1 <= len(given.user_ids) <= REACTION_USERS_MAX:
        raise invalid(path, f"must have 1 to {REACTION_USERS_MAX} items")
    if len(set(given.user_ids)) < len(given.user_ids):
        raise invalid(path, "must have each user once")
    for index, user_id in enumerate(given.user_ids):
        check_id(f"{path}[{index}]", user_id)


def imported_parts(tx: Transaction, command: SendMessage) -> dict[str, Any]:
    """Returns field name -> value for an imported message's edit time, reactions and pin; {} for a message without
    these.

    Raises `invalid_request` for reactions of unknown users, an edit time in the future, and a pin when the conversation
    has the maximum number of pins.
    """
    parts = command.imported
    if parts is None:
        return {}
    if parts.edited_ms is not None and parts.edited_ms > max(tx.now_ms, command.created_ms or 0):
        raise invalid("editedAt", f"must not be in the future: at most {iso(tx.now_ms)}")
    if parts.pinned and tx.parts.count_pinned(command.conversation_id) >= PINS_MAX:
        raise invalid("pinned", f"a conversation has at most {PINS_MAX} pinned messages")
    user_ids = {user_id for given in parts.reactions for user_id in given.user_ids}
    unknown = user_ids - tx.users(user_ids).keys() if user_ids else ()
    for index, given in enumerate(parts.reactions):
        for user_id in given.user_ids:
            if user_id in unknown:
                raise invalid(f"reactions[{index}].userIds", f"{user_id} is not the id of a user")
    return {
        "edited_ms": parts.edited_ms,
        "reactions": tuple(Reaction(each.emoji, len(each.user_ids), each.user_ids) for each in parts.reactions),
        "pinned_ms": command.created_ms if parts.pinned else None,
    }
