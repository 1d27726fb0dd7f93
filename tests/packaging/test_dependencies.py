"""What is installed: the upper bounds of the libraries whose internals the server relies on, the names that it uses of
them, and the packages of extras."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from aiohttp import TCPConnector
from aiohttp.client_proto import ResponseHandler
from packaging.requirements import Requirement
from packaging.version import Version
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REQUIREMENTS = {each.name: each for each in map(Requirement, PROJECT["dependencies"])}

_PROTOCOL = """
    config server_state app_state connections loop parser flow transport scope headers cycle ws_protocol_class
    expect_100_continue connection_made connection_lost data_received on_message_begin on_url on_header
    on_headers_complete on_body on_message_complete on_response_complete _should_upgrade shutdown
"""
_CYCLE = "keep_alive response_started response_complete body more_body message_event disconnected transport"


@pytest.mark.parametrize("name", ["aiohttp", "uvicorn"])
def test_a_library_with_a_subclassed_connection_has_an_upper_bound(name: str) -> None:
    major, minor, *_ = Version(version(name)).release
    allowed = REQUIREMENTS[name].specifier
    assert version(name) in allowed
    assert f"{major}.{minor + 1}" not in allowed


async def test_uvicorns_http_protocol_has_what_our_subclass_uses() -> None:
    protocol = HttpToolsProtocol(Config(app=lambda: None, log_config=None), ServerState(), {})
    assert [name for name in _PROTOCOL.split() if not hasattr(protocol, name)] == []
    assert [name for name in _CYCLE.split() if name not in RequestResponseCycle.__init__.__code__.co_names] == []


async def test_aiohttps_client_has_what_our_connector_uses() -> None:
    connector = TCPConnector()
    assert hasattr(connector, "_factory")
    assert hasattr(ResponseHandler, "set_response_params")
    assert hasattr(ResponseHandler, "data_received")
    await connector.close()


def test_the_image_has_the_packages_of_every_extra_and_a_plain_installation_none() -> None:
    extras = PROJECT["optional-dependencies"]
    packages = {Requirement(text).name for texts in extras.values() for text in texts}
    assert {"docs", "postgres", "redis", "s3", "otlp"} <= extras.keys()
    assert packages <= _locked("image")
    assert packages <= _locked("dev")
    assert packages.isdisjoint(_locked("run"))


def _locked(name: str) -> set[str]:
    """Returns the names of the packages in a lock file."""
    lock = Path(__file__).parents[2] / "requirements" / f"{name}.lock"
    return set(re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==", lock.read_text(encoding="utf-8"), re.MULTILINE))
