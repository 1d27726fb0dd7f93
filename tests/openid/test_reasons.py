"""The reasons why a sign-in through an OpenID provider fails, which the page has in its address."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from talkwire.openid.sign_in import Reason


def test_the_docs_and_the_page_explain_every_reason() -> None:
    docs = Path("docs/openid-connect.md").read_text(encoding="utf-8")
    texts = Path("web/src/texts.ts").read_text(encoding="utf-8").split("byProvider: {")[1]
    sentences = texts.split("problems: {")[1].split("}")[0]
    reasons = set(get_args(Reason))
    assert {reason for reason in reasons if f"`{reason}`" not in docs} == set()
    assert {line.split(":")[0].strip() for line in sentences.strip().splitlines()} == reasons
