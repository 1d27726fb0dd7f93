"""Which parts of a text are addresses, code and mentions: the cases that the web client shares."""

from __future__ import annotations

import json
from collections.abc import Mapping

import msgspec
import pytest

from talkwire.core.domain.markup.blocks import pieces_of
from talkwire.core.domain.markup.inlines import Address, Code
from talkwire.core.domain.mentions import mention_marks, resolve, spellings
from tests.protocol.server_process import REPOSITORY


class Case(msgspec.Struct, frozen=True):
    text: str
    addresses: list[str] = []
    code: list[str] = []
    mentions: list[str] = []


class Shared(msgspec.Struct, frozen=True):
    """The cases, and the names of the members that they mention, by id."""

    members: dict[str, str]
    cases: list[Case]


SHARED = msgspec.json.decode((REPOSITORY / "tests/texts.json").read_bytes(), type=Shared)


def mentioned(text: str, members: Mapping[str, str]) -> list[str]:
    marks = mention_marks(text)
    named: dict[str, list[str]] = {}
    for user_id, name in members.items():
        for spelling in {name.casefold(), user_id} & spellings(marks):
            named.setdefault(spelling, []).append(user_id)
    found = resolve(marks, named)
    return [*found.user_ids, *(["all"] if found.everyone else [])]


@pytest.mark.parametrize("case", SHARED.cases, ids=[json.dumps(case.text) for case in SHARED.cases])
def test_a_text_has_its_addresses_code_and_mentions(case: Case) -> None:
    pieces = list(pieces_of(case.text))
    addresses = [each.href for each in pieces if isinstance(each, Address) and not each.href.startswith("mailto:")]
    code = [each.text for each in pieces if isinstance(each, Code)]
    assert Case(case.text, addresses, code, mentioned(case.text, SHARED.members)) == case
