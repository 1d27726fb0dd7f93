"""What a card asks, and how far its decision is.

The types of what an author sends have `UNSET` for a member that is absent. So encoding a card gives the JSON that its
author has sent, from which its digest follows.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

CardState = Literal["open", "decided", "closed", "cancelled", "expired", "superseded", "unreachable"]
"""State of the decision about a card. `decided`: an action was chosen often enough. `closed`: a poll was ended.
`cancelled`: its author withdrew it. `superseded`: another card took its place. `unreachable`: too few are left who
could choose."""

CardRole = Literal["owner", "admin", "member"]

InputValue = str | int | float | bool
"""Value that a form of a card takes."""

CARD_MAX_BYTES = 64 * 1024
"""Largest card, as JSON in UTF-8, in bytes."""

CARD_TITLE_MAX_LENGTH = 200
"""Longest title of a card, in characters."""

CARD_TEXT_MAX_LENGTH = 4000
"""Longest text of a card, in characters."""

CARD_FIELDS_MAX = 16
"""Most fields that a card shows."""

CARD_LABEL_MAX_LENGTH = 80
"""Longest label of a card's field, action or input, in characters."""

CARD_FIELD_VALUE_MAX_LENGTH = 1000
"""Longest value of a card's field, in characters."""

CARD_ACTIONS_MAX = 20
"""Most actions of a card."""

ACTION_ID_MAX_LENGTH = 64
"""Longest id of a card's action, in characters."""

CARD_SUBJECT_MAX_BYTES = 4 * 1024
"""Largest subject of a card, as JSON in UTF-8, in bytes."""

NAMED_USERS_MAX = 100
"""Most users, and most agents, that a card names as those who may choose."""

CHOICES_NEEDED_MAX = 1000
"""Most choices of an action that a card may need."""

INPUT_FIELDS_MAX = 16
"""Most inputs of the form of an action."""

INPUT_TEXT_MAX_LENGTH = 4000
"""Longest text that is filled in, in characters."""

INPUT_CHOICES_MAX = 50
"""Most values that a choice in a form offers."""

CHOICE_COMMENT_MAX_LENGTH = 1000
"""Longest comment of a user who chooses, in characters."""


class _Base(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True):
    """The base class of all that cards consist of, which is stored and sent in the same form."""


class CardField(_Base, frozen=True):
    """A fact that a card shows, such as an amount."""

    label: Annotated[str, Meta(description="What it is", extra_json_schema={"maxLength": CARD_LABEL_MAX_LENGTH})]
    value: Annotated[str, Meta(extra_json_schema={"maxLength": CARD_FIELD_VALUE_MAX_LENGTH})]


class InputOption(_Base, frozen=True):
    """A value that a choice in a form offers, and how it is shown."""

    const: str
    title: str


class InputProperty(_Base, frozen=True):
    """A field of a form, in JSON Schema: a `string`, which may be a choice (`enum`, or `oneOf` with titles), a
    `number`, an `integer` or a `boolean`."""

    type: Literal["string", "number", "integer", "boolean"]
    title: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    min_length: int | UnsetType = UNSET
    max_length: int | UnsetType = UNSET
    enum: tuple[str, ...] | UnsetType = UNSET
    one_of: tuple[InputOption, ...] | UnsetType = UNSET
    minimum: int | float | UnsetType = UNSET
    maximum: int | float | UnsetType = UNSET
    default: InputValue | UnsetType = UNSET


class InputSchema(_Base, frozen=True):
    """A form, in JSON Schema: a flat object of texts, numbers and choices. `required` names the fields that must be
    filled in."""

    type: Literal["object"]
    properties: dict[str, InputProperty]
    required: tuple[str, ...] | UnsetType = UNSET


class CardInput(_Base, frozen=True, rename={"form": "schema"}):
    """What an action asks for: a form as its `schema`, and the `values` with which it is filled in at first."""

    form: InputSchema
    values: dict[str, InputValue] | UnsetType = UNSET


class CardAction(_Base, frozen=True):
    """What readers can choose. An action with a `url` opens a link instead, and cannot be chosen."""

    id: str
    label: str
    style: Literal["primary", "danger"] | UnsetType = UNSET
    url: str | UnsetType = UNSET
    input: CardInput | UnsetType = UNSET


class CardWho(_Base, frozen=True):
    """Who may choose: members whom `users` names, people with one of the `roles`, the card's `author`, and `agents`,
    who may choose only if they are named."""

    users: tuple[str, ...] | UnsetType = UNSET
    roles: tuple[CardRole, ...] | UnsetType = UNSET
    author: bool | UnsetType = UNSET
    agents: tuple[str, ...] | UnsetType = UNSET


class AskedCard(_Base, frozen=True):
    """A question to the readers of a message, as its author sent it.

    `decide` says what ends it: `first`, the first choice; an object of action ids and how many must choose each, of
    which the first to be reached ends it; or `poll`, in which choices may change until it is closed. Only of a poll,
    `max` is how many actions one may choose, `results` says whether others see the counts before the end, and `names`
    whether they see who has chosen what. `subject` is the application's own JSON, such as the arguments of a call.
    `supersedes` is the id of an open card of the same author, whose place this card takes.
    """

    title: str
    actions: tuple[CardAction, ...]
    decide: Literal["first", "poll"] | dict[str, int]
    text: str | UnsetType = UNSET
    fields: tuple[CardField, ...] | UnsetType = UNSET
    who: CardWho | UnsetType = UNSET
    max: int | UnsetType = UNSET
    results: Literal["live", "closed"] | UnsetType = UNSET
    names: Literal["shown", "hidden"] | UnsetType = UNSET
    expires_at: str | UnsetType = UNSET
    subject: dict[str, object] | UnsetType = UNSET
    supersedes: str | UnsetType = UNSET

    @property
    def is_poll(self) -> bool:
        return self.decide == "poll"

    @property
    def hides_names(self) -> bool:
        """Whether nobody but a user sees what the user has chosen."""
        return self.names == "hidden"

    @property
    def hides_results(self) -> bool:
        """Whether nobody sees the counts before the end."""
        return self.results == "closed"

    @property
    def max_choices(self) -> int:
        """How many actions one user may choose."""
        return 1 if self.max is UNSET else self.max

    @property
    def choosable(self) -> tuple[CardAction, ...]:
        """The actions that can be chosen: all but links, and of a card that needs numbers of choices those that it
        names."""
        quorums = self.decide if isinstance(self.decide, dict) else None
        return tuple(each for each in self.actions if each.url is UNSET and (quorums is None or each.id in quorums))


class MessageCard(msgspec.Struct, frozen=True, omit_defaults=True):
    """The card of a message: what it asks, the `digest` of that, and how far its decision is.

    `counts` has how often each action is chosen, without those that nobody has chosen. Of a decided card, `action_id`
    is the action that was decided, `input` what the last who chose it has filled in, and `decided_by` who has chosen
    it. `expires_ms` and `ended_ms` are in milliseconds since 1970, `ended_pos` is the log position of the end.
    `notified_ids` are the users who are notified that a decision waits for them.
    """

    asked: AskedCard
    digest: str
    state: CardState = "open"
    counts: dict[str, int] = {}
    action_id: str | None = None
    input: dict[str, InputValue] | None = None
    decided_by: tuple[str, ...] = ()
    expires_ms: int | None = None
    ended_ms: int | None = None
    ended_pos: int | None = None
    notified_ids: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        return self.state == "open"

    @property
    def shown_counts(self) -> dict[str, int] | None:
        """How often each action is chosen, as all members may see it; None if they do not see that before the end."""
        if self.is_open and self.asked.hides_results:
            return None
        return {action.id: self.counts.get(action.id, 0) for action in self.asked.choosable}


class CardChoice(msgspec.Struct, frozen=True):
    """What the user `user_id` has chosen of a card, at `at_ms`, in milliseconds since 1970."""

    user_id: str
    action_ids: tuple[str, ...]
    at_ms: int
    input: dict[str, InputValue] | None = None
    comment: str | None = None
