"""The access matrix: what every route and event returns to each kind of caller. The tables are in `access/`."""

from __future__ import annotations

import asyncio

import pytest

from talkwire.operations.table import OPERATIONS
from tests.chat.access import events, routes
from tests.chat.access.events import EVENTS
from tests.chat.access.routes import ROUTES
from tests.chat.access.scene import GHOSTS, Scene, outcome
from tests.chat.access.table import CALLERS, FORBIDDEN, OK, Row, form_of, is_of_a_pair, placeholders_in
from tests.chat.chat_server import ServerProcess
from tests.chat.conftest import World
from tests.http_client import http_get

ROWS = (*ROUTES, *EVENTS)

OUTSIDERS = ("stranger", "former")


def _with_parameters(path: str) -> str:
    """Returns a path with the names of the two parameters that are not ids of the scene."""
    return path.replace("👍", "{emoji}").replace("/files/{file}/a", "/files/{file}/{name}")


LISTED = {f"{row.method} {form_of(_with_parameters(row.path))}" for row in ROUTES}
"""The requests in the table of routes."""


def test_every_route_is_in_the_table(chat_server: ServerProcess) -> None:
    described = http_get(f"{chat_server.url}/openapi.json").json()["paths"]
    served = {f"{method.upper()} {form_of(path)}" for path, methods in described.items() for method in methods}
    assert LISTED | set(routes.NOT_IN_THE_TABLE) == served
    assert not LISTED & set(routes.NOT_IN_THE_TABLE)


def test_every_operation_is_in_the_tables() -> None:
    asked = {row.name for row in EVENTS} | set(events.NOT_IN_THE_TABLE)
    assert asked == {each.event for each in OPERATIONS if each.event is not None}
    requested = {_request_of(each.route) for each in OPERATIONS if each.route is not None}
    assert requested <= LISTED | set(routes.NOT_IN_THE_TABLE)


def _request_of(route: str) -> str:
    method, path = route.split(" ")
    return f"{method} {form_of(f'/api/v1{path}')}"


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_each_caller_receives_the_code_in_the_table(world: World, row: Row) -> None:
    expected = {caller: row.expects(caller) for caller in CALLERS}
    scenes = await _scenes(world, row)
    refused = [caller for caller in CALLERS if expected[caller] != OK]
    for caller in refused:
        await scenes[caller].be_known(caller)
    before = await scenes["service"].cursor()
    found = {caller: outcome(await scenes[caller].ask(caller, row)) for caller in refused}
    assert await scenes["service"].cursor() == before, "a refused change has left something in the log"
    for caller in CALLERS:
        if caller not in refused:
            found[caller] = outcome(await scenes[caller].ask(caller, row))
    assert found == expected


async def _scenes(world: World, row: Row) -> dict[str, Scene]:
    """Returns a scene for each caller. A caller who may change something gets a separate scene."""
    needs = placeholders_in(row)
    own = [caller for caller in CALLERS if row.expects(caller) == OK and not row.reads and not is_of_a_pair(caller)]
    pair = [caller for caller in CALLERS if is_of_a_pair(caller)]
    shared, *others = await asyncio.gather(
        Scene.group(world, CALLERS, needs),
        *(Scene.group(world, [caller], needs) for caller in own),
        *(Scene.direct(world, caller, needs) for caller in pair),
    )
    return dict.fromkeys(CALLERS, shared) | dict(zip([*own, *pair], others, strict=True))


@pytest.mark.parametrize(
    "row",
    [row for row in ROWS if row.expected["stranger"] == FORBIDDEN and placeholders_in(row) & set(GHOSTS)],
    ids=str,
)
async def test_unknown_ids_are_refused_like_hidden_ones(world: World, row: Row) -> None:
    scene = await Scene.group(world, OUTSIDERS, placeholders_in(row))
    for caller in OUTSIDERS:
        if row.expected[caller] == FORBIDDEN:
            assert await scene.ask(caller, row) == await scene.ask(caller, row, GHOSTS), caller
