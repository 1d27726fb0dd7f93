"""The schedule of faults follows from the seed, and leaves enough of the cluster running."""

from __future__ import annotations

import pytest

from rigs.torture.schedule import KINDS, NODES_IMPAIRED_MAX, plan
from rigs.torture.words import DIALECTS
from rigs.torture.world import make_world


def test_the_same_seed_gives_the_same_faults() -> None:
    assert plan(7, 600, 9, nodes=3) == plan(7, 600, 9, nodes=3)
    assert plan(7, 600, 9, nodes=3) != plan(8, 600, 9, nodes=3)


@pytest.mark.parametrize("seed", range(20))
def test_faults_of_one_target_do_not_overlap_and_a_node_is_left(seed: int) -> None:
    planned = plan(seed, 900, 5, nodes=3)
    for number, fault in enumerate(planned):
        meanwhile = [other for other in planned[:number] if other.until > fault.at]
        assert fault.thing not in [other.thing for other in meanwhile]
        nodes = {other.node for other in (*meanwhile, fault) if other.thing[0] == "node"}
        assert len(nodes) <= NODES_IMPAIRED_MAX


def test_every_kind_of_fault_comes() -> None:
    assert {fault.kind for fault in plan(7, 600, 9, nodes=3)} == {kind.name for kind in KINDS}


def test_excluded_faults_do_not_occur() -> None:
    assert "skew" not in {fault.kind for fault in plan(7, 600, 9, nodes=3, without={"skew"})}


def test_all_faults_are_over_at_the_end() -> None:
    assert max(fault.until for fault in plan(7, 120, 4, nodes=3)) <= 120


def test_the_same_seed_gives_the_same_clients_of_all_dialects_and_libraries() -> None:
    world = make_world(7, 32)
    assert world == make_world(7, 32)
    assert {role.dialect for role in world.roles} == set(DIALECTS)
    assert {role.library for role in world.roles} == {
        "socket.io-client",
        "socket.io-client-4.5.4",
        "python-socketio",
        "rest",
    }
    assert {role.transports for role in world.roles} >= {("websocket",), ("polling", "websocket"), ("polling",)}
    assert any(role.brief for role in world.roles)
    assert {role.dialect for role in world.roles if role.recovers} == set(DIALECTS)
