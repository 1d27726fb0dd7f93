"""Refusals have a cause wherever one code has several."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import get_args

import pytest

import talkwire
from talkwire.core.domain.errors import ChatError, RefusalCause, forbidden, refusals_at

OF_SEVERAL_CAUSES = {"forbidden", "blocked", "banned", "muted", "conflict", "rate_limited"}


def _without_cause(path: Path) -> list[str]:
    return [
        f"{path}:{call.lineno}"
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "ChatError"
        if call.args and isinstance(call.args[0], ast.Constant) and call.args[0].value in OF_SEVERAL_CAUSES
        if "cause" not in {keyword.arg for keyword in call.keywords}
    ]


def test_every_refusal_whose_code_has_several_causes_names_its_cause() -> None:
    sources = Path(talkwire.__file__).parent.rglob("*.py")
    assert [place for path in sources for place in _without_cause(path)] == []


def test_the_docs_and_the_console_explain_every_cause() -> None:
    docs = Path("docs/console-routes.md").read_text(encoding="utf-8")
    texts = Path("web/src/admin/texts.ts").read_text(encoding="utf-8").split("causes: {")[1].split("}")[0]
    causes = set(get_args(RefusalCause))
    assert {cause for cause in causes if f"| `{cause}` |" not in docs} == set()
    assert {line.split(":")[0].strip() for line in texts.strip().splitlines()} == causes


def test_a_refusal_keeps_its_cause_when_its_place_in_a_payload_is_added() -> None:
    with pytest.raises(ChatError) as refused, refusals_at("messages[3]"):
        raise forbidden("not_member")
    assert (refused.value.message, refused.value.cause) == ("messages[3]: You have no access to this.", "not_member")
