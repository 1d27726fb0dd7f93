"""The Dockerfile and compose.yaml name what there is. `deploy/check_image.py` performs the Dockerfile's steps."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.check_image import REPOSITORY, Stage, stages_of
from deploy.make_secrets import make_secrets
from talkwire.settings.known import known_settings
from talkwire.settings.sources import load_settings
from tests.chat.chat_server import ServerProcess
from tests.deployment.proxies import caddy_program
from tests.protocol.server_process import reserved_port
from tests.waiting import DEADLINE_S


@pytest.fixture(scope="module")
def stages() -> list[Stage]:
    return stages_of((REPOSITORY / "Dockerfile").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((REPOSITORY / "compose.yaml").read_text(encoding="utf-8"))
    return loaded


def known_variables() -> set[str]:
    return {variable for setting in known_settings().values() for variable in setting.variables} | {"TALKWIRE_CONFIG"}


def test_copied_files_exist_and_are_in_the_build_context(stages: list[Stage]) -> None:
    ignored = (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").splitlines()
    sent = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copied = [each.words[:-1] for stage in stages for each in stage.instructions if each.keyword == "COPY"]
    sources = [word for words in copied if not words[0].startswith("--from") for word in words]
    assert sources
    for source in sources:
        assert (REPOSITORY / source).exists(), source
        assert source.split("/")[0] in sent, source


def test_the_image_runs_unprivileged_and_has_a_health_check(stages: list[Stage]) -> None:
    final = stages[-1]
    user, health = final.last("USER"), final.last("HEALTHCHECK")
    assert user is not None
    assert health is not None
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user.arguments)
    names = {word.partition("=")[0] for each in final.instructions if each.keyword == "ENV" for word in each.words}
    assert {name for name in names if name.startswith("TALKWIRE_")} <= known_variables()
    assert "TALKWIRE_DATA=/data" in [
        word for each in final.instructions if each.keyword == "ENV" for word in each.words
    ]


def test_the_health_check_passes_for_a_ready_server_only(stages: list[Stage], chat_server: ServerProcess) -> None:
    health = stages[-1].last("HEALTHCHECK")
    assert health is not None
    _, *arguments = json.loads(health.arguments.partition("CMD ")[2])
    for port, code in ((chat_server.url.rpartition(":")[2], 0), (str(reserved_port()), 1)):
        probe = [sys.executable, *(each.replace(":3000/", f":{port}/") for each in arguments)]
        assert subprocess.run(probe, check=False, capture_output=True, timeout=DEADLINE_S).returncode == code


def test_the_lock_of_the_image_has_the_extras_in_the_tested_versions() -> None:
    pinned = re.compile(r"^([\w.-]+)(?:\[\S+\])?==(\S+)", re.MULTILINE)
    image, tested = (
        dict(pinned.findall((REPOSITORY / "requirements" / name).read_text(encoding="utf-8")))
        for name in ("image.lock", "dev.lock")
    )
    assert image.items() <= tested.items()
    assert {"psycopg", "redis", "obstore"} <= image.keys()


def test_compose_refers_to_what_it_has(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name, service in services.items():
        assert set(service.get("depends_on", ())) <= services.keys(), name
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert source in compose["volumes"] or (REPOSITORY / source).is_file(), volume
    nodes = [service for name, service in services.items() if name.startswith("talkwire-")]
    assert len(nodes) == 2
    for node in nodes:
        assert set(node["environment"]) <= known_variables()
        assert node["read_only"] is True
    proxy = (REPOSITORY / "deploy" / "Caddyfile").read_text(encoding="utf-8")
    assert set(re.findall(r"(\S+):3000", proxy)) == {name for name in services if name.startswith("talkwire-")}


@pytest.mark.skipif(shutil.which("docker") is None, reason="needs docker")
def test_docker_compose_reads_the_file() -> None:
    if subprocess.run(["docker", "compose", "version"], check=False, capture_output=True).returncode != 0:
        pytest.skip("needs docker compose")
    command = ["docker", "compose", "--file", str(REPOSITORY / "compose.yaml"), "config", "--quiet"]
    subprocess.run(command, check=True)


def test_the_secrets_are_made_once_and_are_settings(tmp_path: Path, compose: dict[str, Any]) -> None:
    make_secrets(tmp_path)
    first = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    make_secrets(tmp_path)
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == first
    assert (tmp_path / "talkwire.toml").stat().st_mode & 0o077 == 0
    written = tomllib.loads(first["talkwire.toml"])
    node = compose["services"]["talkwire-1"]["environment"]
    environment = {name: re.sub(r"\$\{\w+:-(\w*)\}", r"\1", value) for name, value in node.items()}
    settings = load_settings({}, environment | {"TALKWIRE_CONFIG": str(tmp_path / "talkwire.toml")}).settings
    assert settings.jwt_secret == written["jwt_secret"]
    assert first["postgres_password"] in (settings.database or "")
    assert settings.accounts == "invite"


@pytest.mark.parametrize("site", ["", "chat.example.com"])
def test_caddy_has_nothing_against_its_file(site: str, tmp_path: Path) -> None:
    file = REPOSITORY / "deploy" / "Caddyfile"
    environment = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), **({"TALKWIRE_SITE": site} if site else {})}
    command = [caddy_program(), "validate", "--config", str(file), "--adapter", "caddyfile"]
    ended = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
