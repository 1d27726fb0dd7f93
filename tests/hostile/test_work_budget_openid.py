"""No document of an OpenID provider holds the event loop, keeps others waiting, or costs more than in proportion to its
size.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rigs.hostile.largest.budget import Budget, Largest, budget_of, rows
from rigs.hostile.largest.openid import SETTINGS, TABLE


@pytest.fixture(scope="module")
def budget(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Budget]:
    with budget_of(tmp_path_factory.mktemp("budget"), SETTINGS) as budget:
        yield budget


@rows(TABLE)
def test_the_largest_document_of_a_kind_stays_within_the_budget(budget: Budget, row: Largest) -> None:
    budget.check(row)
