"""Nodes as processes: `start_cluster(2)` has PostgreSQL alone, `start_cluster(2, valkey=True)` a Valkey too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from tests.cluster.cluster import Cluster
from tests.databases import Database
from tests.valkey_server import valkey_server


class StartCluster(Protocol):
    def __call__(self, nodes: int, *, valkey: bool = False, environment: Mapping[str, str] | None = None) -> Cluster:
        """`environment` is every node's."""
        ...


@pytest.fixture
def start_cluster(postgresql_database: Database, tmp_path: Path) -> Iterator[StartCluster]:
    """Starts nodes over a database of the test's own; all are ended with the test."""
    with ExitStack() as ending:

        def start(nodes: int, *, valkey: bool = False, environment: Mapping[str, str] | None = None) -> Cluster:
            between = ending.enter_context(valkey_server()) if valkey else None
            cluster = Cluster(tmp_path, postgresql_database, between, ending)
            for _ in range(nodes):
                cluster.add_node(environment)
            return cluster

        yield start


@pytest.fixture(params=["with Valkey", "without Valkey"])
def two_nodes(request: pytest.FixtureRequest, start_cluster: StartCluster) -> Cluster:
    """Of each kind in turn."""
    return start_cluster(2, valkey=request.param == "with Valkey")
