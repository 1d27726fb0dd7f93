"""Cards: what an author may ask, what readers fill in, the digest, the text, and the rules of deciding."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from talkwire.core.domain.cards.card import AskedCard, CardChoice, InputSchema, MessageCard
from talkwire.core.domain.cards.card_checks import CARD_LIFETIME_MAX_MS, check_card, expiry_of
from talkwire.core.domain.cards.card_digest import digest_of
from talkwire.core.domain.cards.card_inputs import check_filled_in
from talkwire.core.domain.cards.card_text import text_of, text_of_asked
from talkwire.core.domain.cards.deciding import admits, decided, is_asked, is_decisive, missing_for, with_choice
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import FOR_EVER_MS, Member, MemberRole, User, UserKind
from talkwire.core.domain.times import iso

NOW_MS = 1_700_000_000_000

YES, NO = {"id": "yes", "label": "Yes"}, {"id": "no", "label": "No"}
LINK = {"id": "more", "label": "More", "url": "https://example.org/more"}
ASKED: dict[str, Any] = {"title": "Pay?", "actions": [YES, NO], "decide": "first"}
POLL: dict[str, Any] = {**ASKED, "decide": "poll"}


def card_of(given: dict[str, Any]) -> AskedCard:
    """Returns a card from Python values, which may have what JSON cannot express."""
    return msgspec.convert(given, AskedCard)


def refusal_of(card: AskedCard) -> tuple[str, str]:
    """Returns the code and the path of a card's refusal."""
    with pytest.raises(ChatError) as refused:
        check_card(card)
    return code_and_path(refused.value)


def code_and_path(error: ChatError) -> tuple[str, str]:
    match error.details:
        case [{"path": str(path)}]:
            assert error.message.startswith(f"{path}: ")
            return error.code, path
        case _:
            assert error.details is None
            return error.code, error.message.partition(":")[0]


# --- what is sent -----------------------------------------------------------------------------------------------------

WHOLE: dict[str, Any] = {
    "title": "Pay 100 €?",
    "text": "To *Bob*",
    "fields": [{"label": "Amount", "value": "100"}],
    "actions": [
        {
            "id": "yes",
            "label": "Yes",
            "style": "primary",
            "input": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "why": {"type": "string", "title": "Why", "description": "In short", "minLength": 1},
                        "when": {"type": "string", "enum": ["now", "later"], "default": "now"},
                        "how": {"type": "string", "oneOf": [{"const": "a", "title": "A"}]},
                        "share": {"type": "number", "minimum": 0.5, "maximum": 1},
                        "count": {"type": "integer", "minimum": 1, "default": 1},
                        "again": {"type": "boolean", "default": False},
                    },
                    "required": ["why"],
                },
                "values": {"why": "", "again": False, "count": 1},
            },
        },
        {"id": "no", "label": "No", "style": "danger"},
        LINK,
    ],
    "decide": {"yes": 2, "no": 1},
    "who": {"users": ["alice"], "roles": ["owner", "admin"], "author": False, "agents": ["helper"]},
    "expiresAt": "2030-01-31T12:00:00Z",
    "subject": {"call": {"arguments": [1, 1.5, None, False, {"deep": {}}]}, "name": "pay"},
    "supersedes": "1000000000000001",
}
WHOLE["actions"][0]["input"]["values"]["why"] = "Because"


@pytest.mark.parametrize(
    "sent",
    [
        WHOLE,
        ASKED,
        {**POLL, "max": 1, "results": "live", "names": "shown"},
        {**POLL, "max": 2, "results": "closed", "names": "hidden", "fields": [], "subject": {}},
        {**ASKED, "who": {"author": False, "roles": ["member"]}},
        {**ASKED, "decide": {"no": 1}},
    ],
    ids=["whole", "least", "poll with defaults", "poll", "author false", "one quorum"],
)
def test_a_card_is_encoded_as_it_was_sent(sent: dict[str, Any]) -> None:
    card = msgspec.json.decode(json.dumps(sent), type=AskedCard)
    check_card(card)
    assert json.loads(msgspec.json.encode(card)) == sent
    assert msgspec.json.decode(msgspec.json.encode(card), type=AskedCard) == card


@pytest.mark.parametrize(
    "sent",
    [
        {**ASKED, "colour": "red"},
        {**ASKED, "decide": "last"},
        {**ASKED, "decide": {"yes": True}},
        {**ASKED, "decide": {"yes": "1"}},
        {**ASKED, "who": {"roles": ["operator"]}},
        {**ASKED, "actions": [{**YES, "style": "large"}]},
        {**POLL, "results": "never"},
        {**ASKED, "subject": [1]},
        {"title": "Pay?", "actions": [YES]},
    ],
)
def test_what_is_no_card_is_not_decoded(sent: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(json.dumps(sent), type=AskedCard)


# --- invalid cards ----------------------------------------------------------------------------------------------------


def many(count: int) -> list[dict[str, str]]:
    return [{"id": f"a{n}", "label": "A"} for n in range(count)]


def with_input(properties: dict[str, Any], **more: Any) -> dict[str, Any]:  # noqa: ANN401 (JSON)
    """Returns a card whose first action has a form. `values` is the input's, other members are the schema's."""
    given = {"values": more.pop("values")} if "values" in more else {}
    return {**ASKED, "actions": [{**YES, "input": {"schema": form(properties, **more), **given}}, NO]}


def form(properties: dict[str, Any], **more: Any) -> dict[str, Any]:  # noqa: ANN401 (JSON)
    return {"type": "object", "properties": properties, **more}


EMOJI = "\U0001f600"  # four bytes
SCHEMA = "card.actions[0].input.schema"
FIELD = f"{SCHEMA}.properties.x"
OPTIONS = [f"o{n}" for n in range(51)]
TITLED = [{"const": name, "title": name} for name in OPTIONS]

INVALID: dict[str, tuple[dict[str, Any], str]] = {
    "title blank": ({**ASKED, "title": " \t"}, "card.title"),
    "title empty": ({**ASKED, "title": ""}, "card.title"),
    "title invisible": ({**ASKED, "title": "\u200b"}, "card.title"),
    "title of 201": ({**ASKED, "title": "x" * 201}, "card.title"),
    "title of two lines": ({**ASKED, "title": "Pay?\nDecided: Yes"}, "card.title"),
    "label of two lines": ({**ASKED, "actions": [YES, {**NO, "label": "No\u2028- Yes"}]}, "card.actions[1].label"),
    "label that turns what follows": (
        {**ASKED, "fields": [{"label": "\u202eAmount", "value": "V"}]},
        "card.fields[0].label",
    ),
    "value that turns what follows": (
        {**ASKED, "fields": [{"label": "L", "value": "10 \u202e01"}]},
        "card.fields[0].value",
    ),
    "title of a form's field of two lines": (
        with_input({"x": {"type": "string", "title": "a\rb"}}),
        f"{FIELD}.title",
    ),
    "text blank": ({**ASKED, "text": ""}, "card.text"),
    "text of 4001": ({**ASKED, "text": "x" * 4001}, "card.text"),
    "17 fields": ({**ASKED, "fields": [{"label": "L", "value": "V"}] * 17}, "card.fields"),
    "label of a field of 81": ({**ASKED, "fields": [{"label": "x" * 81, "value": "V"}]}, "card.fields[0].label"),
    "value of a field blank": ({**ASKED, "fields": [{"label": "L", "value": ""}]}, "card.fields[0].value"),
    "value of a field of 1001": (
        {**ASKED, "fields": [{"label": "L", "value": "V"}, {"label": "L", "value": "x" * 1001}]},
        "card.fields[1].value",
    ),
    "no action": ({**ASKED, "actions": []}, "card.actions"),
    "21 actions": ({**ASKED, "actions": many(21)}, "card.actions"),
    "ids twice": ({**ASKED, "actions": [YES, NO, {**NO, "id": "yes"}]}, "card.actions"),
    "id of 65": ({**ASKED, "actions": [YES, {**NO, "id": "x" * 65}]}, "card.actions[1].id"),
    "id blank": ({**ASKED, "actions": [{**YES, "id": " "}]}, "card.actions[0].id"),
    "label of 81": ({**ASKED, "actions": [YES, {**NO, "label": "x" * 81}]}, "card.actions[1].label"),
    "label blank": ({**ASKED, "actions": [{**YES, "label": ""}]}, "card.actions[0].label"),
    "links only": ({**ASKED, "actions": [LINK]}, "card.actions"),
    "url of a script": ({**ASKED, "actions": [YES, {**LINK, "url": "javascript:alert()"}]}, "card.actions[1].url"),
    "url relative": ({**ASKED, "actions": [YES, {**LINK, "url": "/more"}]}, "card.actions[1].url"),
    "input beside a url": (
        {**ASKED, "actions": [YES, {**LINK, "input": {"schema": form({"x": {"type": "string"}})}}]},
        "card.actions[1].input",
    ),
    "decide empty": ({**ASKED, "decide": {}}, "card.decide"),
    "decide unknown": ({**ASKED, "decide": {"yes": 1, "maybe": 1}}, "card.decide"),
    "decide a link": ({**ASKED, "actions": [YES, LINK], "decide": {"more": 1}}, "card.decide"),
    "decide 0": ({**ASKED, "decide": {"yes": 1, "no": 0}}, "card.decide.no"),
    "max without a poll": ({**ASKED, "max": 1}, "card.max"),
    "results without a poll": ({**ASKED, "results": "live"}, "card.results"),
    "names without a poll": ({**ASKED, "decide": {"yes": 1}, "names": "shown"}, "card.names"),
    "max 0": ({**POLL, "max": 0}, "card.max"),
    "max above the actions": ({**POLL, "actions": [YES, NO, LINK], "max": 3}, "card.max"),
    "input in a poll": ({**with_input({"x": {"type": "string"}}), "decide": "poll"}, "card.actions"),
    "who empty": ({**ASKED, "who": {}}, "card.who"),
    "who without the author": ({**ASKED, "who": {"author": False}}, "card.who"),
    "users empty": ({**ASKED, "who": {"users": []}}, "card.who.users"),
    "101 users": ({**ASKED, "who": {"users": [f"u{n}" for n in range(101)]}}, "card.who.users"),
    "user that is no id": ({**ASKED, "who": {"users": ["bob", "a b"]}}, "card.who.users[1]"),
    "agents empty": ({**ASKED, "who": {"agents": []}}, "card.who.agents"),
    "101 agents": ({**ASKED, "who": {"agents": [f"u{n}" for n in range(101)]}}, "card.who.agents"),
    "roles empty": ({**ASKED, "who": {"roles": []}}, "card.who.roles"),
    "expiry that is no time": ({**ASKED, "expiresAt": "tomorrow"}, "card.expiresAt"),
    "supersedes no id": ({**ASKED, "supersedes": "x"}, "card.supersedes"),
    "supersedes empty": ({**ASKED, "supersedes": ""}, "card.supersedes"),
    "subject of bytes": ({**ASKED, "subject": {"a": b"x"}}, "card.subject"),
    "subject with NaN": ({**ASKED, "subject": {"a": float("nan")}}, "card.subject"),
    "subject with a large integer": ({**ASKED, "subject": {"a": 2**53}}, "card.subject"),
    "subject nested": ({**ASKED, "subject": {"a": json.loads("[" * 65 + "]" * 65)}}, "card.subject"),
    "17 fields of a form": (with_input({f"x{n}": {"type": "string"} for n in range(17)}), f"{SCHEMA}.properties"),
    "form without fields": (with_input({}), f"{SCHEMA}.properties"),
    "name of a field blank": (with_input({"": {"type": "string"}}), f"{SCHEMA}.properties"),
    "name of a field of 81": (with_input({"x" * 81: {"type": "string"}}), f"{SCHEMA}.properties"),
    "minLength of a number": (with_input({"x": {"type": "number", "minLength": 1}}), f"{FIELD}.minLength"),
    "maxLength of a boolean": (with_input({"x": {"type": "boolean", "maxLength": 1}}), f"{FIELD}.maxLength"),
    "enum of an integer": (with_input({"x": {"type": "integer", "enum": ["1"]}}), f"{FIELD}.enum"),
    "oneOf of a boolean": (with_input({"x": {"type": "boolean", "oneOf": TITLED[:1]}}), f"{FIELD}.oneOf"),
    "minimum of a text": (with_input({"x": {"type": "string", "minimum": 1}}), f"{FIELD}.minimum"),
    "maximum of a boolean": (with_input({"x": {"type": "boolean", "maximum": 1}}), f"{FIELD}.maximum"),
    "minimum above maximum": (with_input({"x": {"type": "number", "minimum": 2, "maximum": 1}}), f"{FIELD}.minimum"),
    "minimum too large": (with_input({"x": {"type": "number", "minimum": 2**53}}), f"{FIELD}.minimum"),
    "maximum infinite": (with_input({"x": {"type": "number", "maximum": float("inf")}}), f"{FIELD}.maximum"),
    "minLength negative": (with_input({"x": {"type": "string", "minLength": -1}}), f"{FIELD}.minLength"),
    "maxLength of 4001": (with_input({"x": {"type": "string", "maxLength": 4001}}), f"{FIELD}.maxLength"),
    "minLength above maxLength": (
        with_input({"x": {"type": "string", "minLength": 2, "maxLength": 1}}),
        f"{FIELD}.minLength",
    ),
    "enum and oneOf": (with_input({"x": {"type": "string", "enum": ["a"], "oneOf": TITLED[:1]}}), f"{FIELD}.oneOf"),
    "51 options": (with_input({"x": {"type": "string", "enum": OPTIONS}}), f"{FIELD}.enum"),
    "51 options with titles": (with_input({"x": {"type": "string", "oneOf": TITLED}}), f"{FIELD}.oneOf"),
    "no option": (with_input({"x": {"type": "string", "enum": []}}), f"{FIELD}.enum"),
    "an option twice": (with_input({"x": {"type": "string", "enum": ["a", "a"]}}), f"{FIELD}.enum"),
    "an option of 81": (with_input({"x": {"type": "string", "enum": ["x" * 81]}}), f"{FIELD}.enum"),
    "an option without a title": (
        with_input({"x": {"type": "string", "oneOf": [{"const": "a", "title": ""}]}}),
        f"{FIELD}.oneOf",
    ),
    "title of a field of 81": (with_input({"x": {"type": "string", "title": "x" * 81}}), f"{FIELD}.title"),
    "description of 4001": (with_input({"x": {"type": "string", "description": "x" * 4001}}), f"{FIELD}.description"),
    "default of the wrong type": (with_input({"x": {"type": "string", "default": 1}}), f"{FIELD}.default"),
    "default that is no option": (
        with_input({"x": {"type": "string", "enum": ["a"], "default": "b"}}),
        f"{FIELD}.default",
    ),
    "required unknown": (with_input({"x": {"type": "string"}}, required=["x", "y"]), f"{SCHEMA}.required"),
    "required twice": (with_input({"x": {"type": "string"}}, required=["x", "x"]), f"{SCHEMA}.required"),
    "value of the wrong type": (
        with_input({"x": {"type": "number"}}, values={"x": "1"}),
        "card.actions[0].input.values.x",
    ),
    "value too large": (
        with_input({"x": {"type": "number", "maximum": 1}}, values={"x": 2}),
        "card.actions[0].input.values.x",
    ),
    "value of no field": (with_input({"x": {"type": "number"}}, values={"y": 1}), "card.actions[0].input.values"),
}


@pytest.mark.parametrize(("given", "path"), INVALID.values(), ids=INVALID)
def test_an_invalid_card_is_refused_at_its_path(given: dict[str, Any], path: str) -> None:
    assert refusal_of(card_of(given)) == ("invalid_request", path)


VALID: dict[str, dict[str, Any]] = {
    "title of 200": {**ASKED, "title": "x" * 200},
    "text of 4000": {**ASKED, "text": "x" * 4000},
    "16 fields": {**ASKED, "fields": [{"label": "x" * 80, "value": "x" * 1000}] * 16},
    "20 actions": {**ASKED, "actions": many(20)},
    "longest action": {**ASKED, "actions": [{"id": "x" * 64, "label": "x" * 80}]},
    "100 users": {**ASKED, "who": {"users": [f"u{n}" for n in range(100)]}},
    "only the author": {**ASKED, "who": {"author": True}},
    "only agents": {**ASKED, "who": {"agents": ["helper"]}},
    "max of all": {**POLL, "actions": [YES, NO, LINK], "max": 2},
    "16 fields of a form": with_input({f"x{n}": {"type": "string"} for n in range(16)}),
    "50 options": with_input({"x": {"type": "string", "enum": OPTIONS[:50]}}),
    "minimum that is the maximum": with_input({"x": {"type": "number", "minimum": 1, "maximum": 1}}),
    "subject of 4 KiB": {**ASKED, "subject": {"a": "x" * (4096 - len('{"a":""}'))}},
}


@pytest.mark.parametrize("given", VALID.values(), ids=VALID)
def test_a_card_at_a_limit_is_accepted(given: dict[str, Any]) -> None:
    check_card(card_of(given))


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({**ASKED, "subject": {"a": "x" * (4097 - len('{"a":""}'))}}, "card.subject"),
        ({**ASKED, "subject": {"a": EMOJI * 1024}}, "card.subject"),
        ({**ASKED, "text": EMOJI * 4000, "fields": [{"label": "L", "value": EMOJI * 1000}] * 13}, "card"),
    ],
    ids=["subject", "subject of emoji", "card"],
)
def test_a_card_that_is_too_large_is_refused(given: dict[str, Any], path: str) -> None:
    assert refusal_of(card_of(given)) == ("payload_too_large", path)


BAD_TEXT_PLACES: dict[str, tuple[Callable[[str], dict[str, Any]], str]] = {
    "title": (lambda text: {**ASKED, "title": text}, "card.title"),
    "text": (lambda text: {**ASKED, "text": text}, "card.text"),
    "label of a field": (lambda text: {**ASKED, "fields": [{"label": text, "value": "V"}]}, "card.fields[0].label"),
    "value of a field": (lambda text: {**ASKED, "fields": [{"label": "L", "value": text}]}, "card.fields[0].value"),
    "id": (lambda text: {**ASKED, "actions": [{**YES, "id": text}]}, "card.actions[0].id"),
    "label": (lambda text: {**ASKED, "actions": [{**YES, "label": text}]}, "card.actions[0].label"),
    "url": (lambda text: {**ASKED, "actions": [YES, {**LINK, "url": f"http://x/{text}"}]}, "card.actions[1].url"),
    "decide": (lambda text: {**ASKED, "decide": {text: 1}}, "card.decide"),
    "users": (lambda text: {**ASKED, "who": {"users": [text]}}, "card.who.users[0]"),
    "agents": (lambda text: {**ASKED, "who": {"agents": [text]}}, "card.who.agents[0]"),
    "expiresAt": (lambda text: {**ASKED, "expiresAt": text}, "card.expiresAt"),
    "supersedes": (lambda text: {**ASKED, "supersedes": text}, "card.supersedes"),
    "subject": (lambda text: {**ASKED, "subject": {"a": [{"b": text}]}}, "card.subject"),
    "name in the subject": (lambda text: {**ASKED, "subject": {"a": {text: 1}}}, "card.subject"),
    "name in a form": (lambda text: with_input({text: {"type": "string"}}), f"{SCHEMA}.properties"),
    "title in a form": (lambda text: with_input({"x": {"type": "string", "title": text}}), f"{FIELD}.title"),
    "description": (lambda text: with_input({"x": {"type": "string", "description": text}}), f"{FIELD}.description"),
    "option": (lambda text: with_input({"x": {"type": "string", "enum": [text]}}), f"{FIELD}.enum"),
    "titled option": (
        lambda text: with_input({"x": {"type": "string", "oneOf": [{"const": text, "title": "T"}]}}),
        f"{FIELD}.oneOf",
    ),
    "title of an option": (
        lambda text: with_input({"x": {"type": "string", "oneOf": [{"const": "t", "title": text}]}}),
        f"{FIELD}.oneOf",
    ),
    "default": (lambda text: with_input({"x": {"type": "string", "default": text}}), f"{FIELD}.default"),
    "required": (lambda text: with_input({"x": {"type": "string"}}, required=[text]), f"{SCHEMA}.required"),
    "value": (lambda text: with_input({"x": {"type": "string"}}, values={"x": text}), "card.actions[0].input.values.x"),
    "name of a value": (
        lambda text: with_input({"x": {"type": "string"}}, values={text: "v"}),
        "card.actions[0].input.values",
    ),
}


@pytest.mark.parametrize("text", ["a\x00", "a\ud800", "\udc00b"], ids=["zero", "high surrogate", "low surrogate"])
@pytest.mark.parametrize(("build", "path"), BAD_TEXT_PLACES.values(), ids=BAD_TEXT_PLACES)
def test_what_no_database_can_keep_is_refused_wherever_it_stands(
    build: Callable[[str], dict[str, Any]], path: str, text: str
) -> None:
    code, found = refusal_of(card_of(build(text)))
    assert (code, found) == ("invalid_request", path)


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({**ASKED, "decide": {"yes": 2**53}}, "card.decide.yes"),
        (with_input({"x": {"type": "number", "minimum": 10**400}}), f"{FIELD}.minimum"),
        (with_input({"x": {"type": "integer"}}, values={"x": 10**400}), "card.actions[0].input.values.x"),
    ],
    ids=["quorum", "minimum", "value"],
)
def test_an_integer_beyond_the_safe_ones_is_refused(given: dict[str, Any], path: str) -> None:
    assert refusal_of(msgspec.json.decode(json.dumps(given), type=AskedCard)) == ("invalid_request", path)


def test_a_card_ends_within_a_year() -> None:
    def ends(at: str) -> int | None:
        return expiry_of(card_of({**ASKED, "expiresAt": at}), NOW_MS)

    assert expiry_of(card_of(ASKED), NOW_MS) is None
    assert ends(iso(NOW_MS + 1)) == NOW_MS + 1
    assert ends("2023-11-15T00:00:00+01:00") == NOW_MS + 2_800_000
    assert ends(iso(NOW_MS + CARD_LIFETIME_MAX_MS)) == NOW_MS + CARD_LIFETIME_MAX_MS
    for at in (iso(NOW_MS), iso(NOW_MS - 1), iso(NOW_MS + CARD_LIFETIME_MAX_MS + 1), "1969-12-31T00:00:00Z", "soon"):
        with pytest.raises(ChatError) as refused:
            ends(at)
        assert code_and_path(refused.value) == ("invalid_request", "card.expiresAt"), at


# --- forms ------------------------------------------------------------------------------------------------------------

FORM = msgspec.convert(
    form(
        {
            "text": {"type": "string", "minLength": 2, "maxLength": 4},
            "choice": {"type": "string", "enum": ["a", "b"]},
            "titled": {"type": "string", "oneOf": [{"const": "c", "title": "C"}]},
            "number": {"type": "number", "minimum": 0.5, "maximum": 9.5},
            "integer": {"type": "integer", "minimum": -1, "maximum": 3},
            "yes": {"type": "boolean"},
            "free": {"type": "string"},
        },
        required=["text"],
    ),
    InputSchema,
)


@pytest.mark.parametrize(
    "values",
    [
        {"text": "ab"},
        {"text": EMOJI * 4, "choice": "b", "titled": "c", "number": 0.5, "integer": -1, "yes": False, "free": ""},
        {"text": "abcd", "number": 9.5, "integer": 3.0, "yes": True, "free": "x" * 4000},
        {"text": "abcd", "number": 1, "integer": 0},
    ],
)
def test_a_form_that_is_filled_in_is_accepted(values: dict[str, Any]) -> None:
    check_filled_in("input", FORM, values)


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({}, "input.text"),
        ({"free": "x"}, "input.text"),
        ({"text": "ab", "other": 1}, "input"),
        ({"text": 12}, "input.text"),
        ({"text": True}, "input.text"),
        ({"text": "a"}, "input.text"),
        ({"text": "abcde"}, "input.text"),
        ({"text": "a\x00"}, "input.text"),
        ({"text": "ab", "free": "x" * 4001}, "input.free"),
        ({"text": "ab", "choice": "c"}, "input.choice"),
        ({"text": "ab", "titled": "C"}, "input.titled"),
        ({"text": "ab", "number": "1"}, "input.number"),
        ({"text": "ab", "number": True}, "input.number"),
        ({"text": "ab", "number": 0.4}, "input.number"),
        ({"text": "ab", "number": 9.6}, "input.number"),
        ({"text": "ab", "number": float("nan")}, "input.number"),
        ({"text": "ab", "number": 2**53}, "input.number"),
        ({"text": "ab", "integer": 1.5}, "input.integer"),
        ({"text": "ab", "integer": False}, "input.integer"),
        ({"text": "ab", "integer": -2}, "input.integer"),
        ({"text": "ab", "integer": 4}, "input.integer"),
        ({"text": "ab", "integer": float("inf")}, "input.integer"),
        ({"text": "ab", "yes": 1}, "input.yes"),
        ({"text": "ab", "yes": "true"}, "input.yes"),
        ({"text": "ab", "x\x00": 1}, "input"),
    ],
    ids=str,
)
def test_a_form_that_is_filled_in_wrongly_is_refused_at_its_path(values: dict[str, Any], path: str) -> None:
    with pytest.raises(ChatError) as refused:
        check_filled_in("input", FORM, values)
    assert code_and_path(refused.value) == ("invalid_request", path)


# --- the digest -------------------------------------------------------------------------------------------------------


def test_the_digest_is_that_of_the_canonical_json() -> None:
    card = card_of(
        {
            "who": {"users": ["bob"], "author": False},
            "title": "Pay 1 €?",
            "subject": {"z": 1.0, "a": [True, None], "\U0001f600": 1, "\ufb33": 2},
            "expiresAt": "2030-01-31T12:00:00Z",
            "decide": {"yes": 2, "no": 1},
            "actions": [{"label": "Yes", "id": "yes", "style": "primary"}, NO],
        }
    )
    canonical = (
        '{"actions":[{"id":"yes","label":"Yes","style":"primary"},{"id":"no","label":"No"}],"decide":{"no":1,"yes":2},'
        '"subject":{"a":[true,null],"z":1,"\U0001f600":1,"\ufb33":2},"title":"Pay 1 €?",'
        '"who":{"author":false,"users":["bob"]}}'
    )
    assert digest_of(card) == sha256(canonical.encode()).hexdigest()


def turned(value: object) -> object:
    """Returns JSON whose members are in the opposite order."""
    if isinstance(value, dict):
        return {name: turned(member) for name, member in reversed(value.items())}
    return [turned(member) for member in value] if isinstance(value, list) else value


def test_the_digest_depends_only_on_what_decides_the_meaning_of_a_choice() -> None:
    digest = digest_of(card_of(WHOLE))
    assert len(digest) == 64
    for name in ("expiresAt", "supersedes"):
        assert digest_of(card_of({key: value for key, value in WHOLE.items() if key != name})) == digest
    assert digest_of(msgspec.json.decode(json.dumps(turned(WHOLE)), type=AskedCard)) == digest
    poll = digest_of(card_of(POLL))
    for more in ({"max": 2}, {"results": "closed"}, {"names": "hidden"}, {"expiresAt": "2031-01-31T12:00:00Z"}):
        assert digest_of(card_of({**POLL, **more})) == poll
    changed: list[dict[str, Any]] = [
        {"title": "Pay 1000 €?"},
        {"text": "To Bob"},
        {"fields": []},
        {"fields": [{"label": "Amount", "value": "1000"}]},
        {"actions": [*WHOLE["actions"][:2]]},
        {"actions": [*WHOLE["actions"][::-1]]},
        {"decide": {"yes": 1, "no": 1}},
        {"decide": "first"},
        {"who": {"users": ["bob"]}},
        {"who": {**WHOLE["who"], "author": True}},
        {"subject": {**WHOLE["subject"], "name": "pay all"}},
        {"subject": {}},
    ]
    optional = ("text", "fields", "who", "subject")
    absent = [{key: value for key, value in WHOLE.items() if key != name} for name in optional]
    digests = [digest_of(card_of(each)) for each in (WHOLE, *({**WHOLE, **change} for change in changed), *absent)]
    assert len({*digests}) == len(digests)


# --- the text ---------------------------------------------------------------------------------------------------------

SHORT = {
    **ASKED,
    "text": "To *Bob*",
    "fields": [{"label": "Amount", "value": "100"}, {"label": "Day", "value": "1"}],
    "actions": [YES, NO, LINK],
}
SHORT_TEXT = "Pay?\n\nTo *Bob*\n\nAmount: 100\nDay: 1\n\n- Yes\n- No\n- More: https://example.org/more"


def made(given: dict[str, Any], **more: Any) -> MessageCard:  # noqa: ANN401 (fields of the card)
    return MessageCard(card_of(given), "d", **more)


def test_the_text_has_what_a_card_asks_and_how_it_has_ended() -> None:
    assert text_of_asked(card_of(SHORT)) == SHORT_TEXT
    assert text_of(made(SHORT)) == SHORT_TEXT
    assert text_of(made(ASKED)) == text_of(made({**ASKED, "fields": []})) == "Pay?\n\n- Yes\n- No"
    assert text_of(made(SHORT, state="decided", action_id="no", counts={"no": 1})) == f"{SHORT_TEXT}\n\nDecided: No"


def test_the_text_of_a_decided_card_has_what_was_filled_in() -> None:
    properties = {
        "weeks": {"type": "integer", "title": "Weeks"},
        "note": {"type": "string"},
        "again": {"type": "boolean"},
    }
    form = {"schema": {"type": "object", "properties": properties}, "values": {"weeks": 3}}
    given = {**SHORT, "actions": [{"id": "yes", "label": "Yes", "input": form}, {"id": "no", "label": "No"}]}
    values = {"weeks": 6, "note": "x" * 600, "again": True}
    decided = made(given, state="decided", action_id="yes", input=values)
    lines = text_of(decided).split("\n\n")[-2:]
    assert lines == ["Decided: Yes", f"Weeks: 6\nnote: {'x' * 500}…\nagain: yes"]


@pytest.mark.parametrize(
    ("state", "line"),
    [
        ("cancelled", "Cancelled"),
        ("expired", "Expired"),
        ("superseded", "Replaced by another card"),
        ("unreachable", "Ended without a decision"),
    ],
)
def test_the_text_names_each_end_without_a_decision(state: Any, line: str) -> None:  # noqa: ANN401 (a literal)
    assert text_of(made(SHORT, state=state, counts={"yes": 1})) == f"{SHORT_TEXT}\n\n{line}"


def test_the_text_of_a_poll_that_has_ended_has_its_counts() -> None:
    open_text = "Pay?\n\n- Yes\n- No"
    assert text_of(made(POLL, counts={"yes": 1})) == open_text
    assert text_of(made(POLL, state="closed")) == f"{open_text}\n\nClosed"
    counts = {"yes": 2, "no": 1}
    assert text_of(made(POLL, state="closed", counts=counts)) == f"{open_text}\n\nClosed\n\nYes: 2\nNo: 1"
    assert text_of(made(POLL, state="expired", counts={"no": 1})) == f"{open_text}\n\nExpired\n\nNo: 1"


# --- deciding ---------------------------------------------------------------------------------------------------------

ACTIONS = ("a0", "a1", "a2")
choices = st.lists(
    st.tuples(st.sampled_from(["alice", "bob", "carol", "dave"]), st.sets(st.sampled_from(ACTIONS))), max_size=30
)


@given(choices)
def test_the_counts_of_a_poll_are_those_of_the_latest_choices(made_choices: list[tuple[str, set[str]]]) -> None:
    card = made({**POLL, "actions": many(3), "max": 3})
    latest: dict[str, CardChoice] = {}
    for at_ms, (user_id, action_ids) in enumerate(made_choices):
        choice = CardChoice(user_id, tuple(sorted(action_ids)), at_ms)
        card = with_choice(card, latest.get(user_id), choice)
        latest[user_id] = choice
        recount = Counter(id_ for each in latest.values() for id_ in each.action_ids)
        assert card.counts == dict(recount)
        assert list(card.counts) == sorted(recount), "in the card's order"
        assert card.shown_counts == {id_: recount[id_] for id_ in ACTIONS}
        assert not any(is_decisive(card, id_) for id_ in ACTIONS)
        assert missing_for(card) == 0
        assert card.is_open


@given(
    st.dictionaries(st.sampled_from(ACTIONS), st.integers(1, 5), min_size=1),
    st.lists(st.sampled_from(ACTIONS), max_size=20),
)
def test_a_card_is_decided_by_the_first_action_with_enough_choices(quorums: dict[str, int], pressed: list[str]) -> None:
    card = made({**ASKED, "actions": many(3), "decide": quorums})
    all_choices: list[CardChoice] = []
    for at_ms, action_id in enumerate([each for each in pressed if each in quorums]):
        choice = CardChoice(f"u{at_ms}", (action_id,), at_ms)
        all_choices.append(choice)
        card = with_choice(card, None, choice)
        recount = Counter(each.action_ids[0] for each in all_choices)
        assert card.counts == dict(recount)
        reached = [id_ for id_, needed in quorums.items() if recount[id_] >= needed]
        assert missing_for(card) == min(needed - recount[id_] for id_, needed in quorums.items())
        assert is_decisive(card, action_id) == bool(reached) == (missing_for(card) <= 0)
        if reached:
            of_action = [each for each in all_choices if each.action_ids == (action_id,)]
            ended = decided(card, of_action, choice)
            assert (ended.state, ended.action_id, ended.ended_ms) == ("decided", action_id, at_ms)
            assert ended.decided_by == tuple(each.user_id for each in of_action)
            assert len(ended.decided_by) == quorums[action_id]
            return


def test_the_first_choice_decides_a_card_that_asks_for_one() -> None:
    card = with_choice(made(ASKED), None, CardChoice("bob", ("no",), 5, {"why": "x"}))
    assert card.counts == {"no": 1}
    assert is_decisive(card, "no")
    ended = decided(card, [], CardChoice("bob", ("no",), 5, {"why": "x"}))
    assert ended == replace(card, state="decided", action_id="no", input={"why": "x"}, decided_by=("bob",), ended_ms=5)


def test_only_what_may_be_chosen_is_counted() -> None:
    with_link = {**ASKED, "actions": [LINK, YES, NO]}
    assert [action.id for action in card_of(with_link).choosable] == ["yes", "no"]
    assert [action.id for action in card_of({**with_link, "decide": {"no": 1}}).choosable] == ["no"]
    assert made(with_link).shown_counts == {"yes": 0, "no": 0}
    hidden = made({**POLL, "results": "closed"}, counts={"yes": 1})
    assert hidden.shown_counts is None
    assert replace(hidden, state="closed").shown_counts == {"yes": 1, "no": 0}


# --- who is asked -----------------------------------------------------------------------------------------------------

AUTHOR_ID = "author"

PERSON: tuple[str, UserKind, MemberRole] = ("bob", "person", "member")
ADMIN: tuple[str, UserKind, MemberRole] = ("carol", "person", "admin")
AGENT: tuple[str, UserKind, MemberRole] = ("helper", "agent", "admin")
AUTHOR: tuple[str, UserKind, MemberRole] = (AUTHOR_ID, "person", "admin")
AUTHOR_AGENT: tuple[str, UserKind, MemberRole] = (AUTHOR_ID, "agent", "member")


@pytest.mark.parametrize(
    ("given", "asks"),
    [
        (ASKED, [PERSON, ADMIN]),
        ({**ASKED, "decide": {"yes": 1}}, [PERSON, ADMIN]),
        (POLL, [PERSON, ADMIN, AUTHOR]),
        ({**ASKED, "who": {"users": ["bob"]}}, [PERSON]),
        ({**ASKED, "who": {"users": ["bob", "helper"]}}, [PERSON]),
        ({**ASKED, "who": {"users": [AUTHOR_ID]}}, [AUTHOR]),
        ({**ASKED, "who": {"roles": ["admin"]}}, [ADMIN]),
        ({**ASKED, "who": {"roles": ["owner", "member"]}}, [PERSON]),
        ({**POLL, "who": {"roles": ["admin"]}}, [ADMIN]),
        ({**POLL, "who": {"roles": ["admin"], "author": True}}, [ADMIN, AUTHOR, AUTHOR_AGENT]),
        ({**ASKED, "who": {"author": True}}, [AUTHOR, AUTHOR_AGENT]),
        ({**ASKED, "who": {"users": ["bob"], "author": False}}, [PERSON]),
        ({**ASKED, "who": {"agents": ["helper"]}}, [AGENT]),
        ({**ASKED, "who": {"agents": ["bob", AUTHOR_ID]}}, [AUTHOR_AGENT]),
        ({**ASKED, "who": {"agents": ["helper"], "users": ["bob"], "roles": ["admin"]}}, [PERSON, ADMIN, AGENT]),
    ],
    ids=str,
)
def test_a_card_asks_those_whom_it_names(given: dict[str, Any], asks: list[tuple[str, UserKind, MemberRole]]) -> None:
    asked = card_of(given)
    check_card(asked)
    for each in (PERSON, ADMIN, AGENT, AUTHOR, AUTHOR_AGENT):
        id_, kind, role = each
        user, member = User(id_, id_, NOW_MS, kind=kind), Member("c", id_, role, NOW_MS)
        assert is_asked(asked, AUTHOR_ID, user, member) == (each in asks), each
        assert admits(asked, AUTHOR_ID, user, member, NOW_MS) == (each in asks), each


def test_a_card_admits_nobody_who_is_muted_or_banned() -> None:
    asked, bob = card_of(ASKED), User("bob", "Bob", NOW_MS)
    member = Member("c", "bob", "member", NOW_MS)

    def may(user: User = bob, **changes: Any) -> bool:  # noqa: ANN401 (fields of the member)
        return admits(asked, AUTHOR_ID, user, replace(member, **changes), NOW_MS)

    assert may()
    assert not may(replace(bob, banned=True))
    for until_ms, expected in ((NOW_MS - 1, True), (NOW_MS, True), (NOW_MS + 1, False), (FOR_EVER_MS, False)):
        assert may(muted_until_ms=until_ms) == expected, until_ms
        assert may(muted_until_ms=until_ms, role="admin") == expected, until_ms
        assert may(muted_until_ms=until_ms, role="owner"), until_ms
