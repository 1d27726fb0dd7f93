"""One server for the single attacks of a file, with people and conversations."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rigs.hostile.client import Rest, client_of
from rigs.hostile.scene import Scene, set_up
from rigs.hostile.target import Target, running_target


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    # Idle connections are closed as soon as what is overdue, so that one test need not wait for minutes.
    with running_target(tmp_path_factory.mktemp("target"), {"TALKWIRE_KEEP_ALIVE_S": "30"}) as target:
        yield target


@pytest.fixture(scope="module")
def scene(target: Target) -> Scene:
    return set_up(target.server)


@pytest.fixture
def rest(scene: Scene) -> Iterator[Rest]:
    with client_of(scene) as rest:
        yield rest
