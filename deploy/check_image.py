"""Performs the steps of the Dockerfile without a container engine: `python deploy/check_image.py`.

Each stage becomes a folder, and paths of the image become paths below it. This machine's python, node and npm replace
the programs of the base images. If root runs this program, the steps run as the user `nobody`. At the end the result is
made read-only and started; its health check must succeed, and SIGTERM must stop it.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[1]
NOBODY = 65534
_NOBODY = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
DEADLINE_S = 60.0

_IMAGE_PATHS = re.compile(r"(?<![\w.:/])/(?=(?:src|opt|data|secrets)\b)")
_OWNER = re.compile(r"-[og] \d+ ")


@dataclass(frozen=True)
class Instruction:
    """One instruction of a Dockerfile."""

    keyword: str
    arguments: str

    @property
    def words(self) -> list[str]:
        """The arguments of an instruction: the items of its JSON list, or its words."""
        if self.arguments.startswith("["):
            return [str(word) for word in json.loads(self.arguments)]
        return shlex.split(self.arguments)


@dataclass
class Stage:
    """A stage of the Dockerfile, from one FROM to the next."""

    name: str
    base: str
    instructions: list[Instruction] = field(default_factory=list)

    def last(self, keyword: str) -> Instruction | None:
        found = [each for each in self.instructions if each.keyword == keyword]
        return found[-1] if found else None


def stages_of(text: str) -> list[Stage]:
    """Returns the stages of a Dockerfile."""
    stages: list[Stage] = []
    for line in re.sub(r"\\\n", " ", text).splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        keyword, _, arguments = line.strip().partition(" ")
        instruction = Instruction(keyword.upper(), arguments.strip())
        if instruction.keyword == "FROM":
            words = [word for word in instruction.words if not word.startswith("--")]
            stages.append(Stage(words[2] if len(words) > 2 else str(len(stages)), words[0]))
        else:
            stages[-1].instructions.append(instruction)
    return stages


class Performer:
    """Performs the stages below `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._programs = folder / "programs"
        self._identity: dict[str, Any] = _NOBODY if os.geteuid() == 0 else {}
        self._prepare(self._programs)
        (self._programs / "python").symlink_to(_python(self._identity))
        self.environment = {
            "PATH": f"{self._programs}:{os.environ['PATH']}",
            "HOME": str(self._prepare(folder / "home")),
            "TMPDIR": str(self._prepare(folder / "tmp")),
        } | {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "NPM_", "SSL_", "http"))}

    def root(self, stage: str) -> Path:
        return self.folder / "stages" / stage

    def below(self, stage: str, text: str) -> str:
        """Returns a text whose paths of the image are replaced by paths in the stage's folder."""
        return _IMAGE_PATHS.sub(f"{self.root(stage)}/", text)

    def perform(self, stage: Stage) -> None:
        """Performs the instructions of a stage that change files."""
        where = self._prepare(self.root(stage.name))
        for instruction in stage.instructions:
            match instruction.keyword:
                case "WORKDIR":
                    where = self._prepare(Path(self.below(stage.name, instruction.arguments)))
                case "COPY":
                    self._copy(stage, where, instruction.words)
                case "RUN":
                    self.run(["sh", "-ec", _OWNER.sub("", self.below(stage.name, instruction.arguments))], where)

    def run(self, command: list[str], where: Path) -> None:
        subprocess.run(command, cwd=where, env=self.environment, check=True, **self._identity)

    def start(self, command: list[str], environment: dict[str, str], *, quiet: bool = False) -> subprocess.Popen[bytes]:
        where, errors = self.folder / "tmp", subprocess.DEVNULL if quiet else None
        return subprocess.Popen(command, cwd=where, env=self.environment | environment, stderr=errors, **self._identity)

    def _copy(self, stage: Stage, where: Path, words: list[str]) -> None:
        origin = words.pop(0).partition("=")[2] if words[0].startswith("--from=") else None
        *sources, target = words
        to = Path(self.below(stage.name, target)) if target.startswith("/") else where / target
        for source in sources:
            found = Path(self.below(origin, source)) if origin is not None else REPOSITORY / source
            if found.is_dir():
                ignored = shutil.ignore_patterns("node_modules", "__pycache__", *(["web"] if source == "src/" else []))
                shutil.copytree(found, to, symlinks=True, dirs_exist_ok=True, ignore=None if origin else ignored)
            else:
                to.mkdir(parents=True, exist_ok=True)
                shutil.copy(found, to)
        if origin is not None:
            self._move_scripts(origin, stage.name, to / "bin")
        self._own(self.root(stage.name))

    def _move_scripts(self, origin: str, stage: str, programs: Path) -> None:
        """Corrects the scripts of a copied virtual environment, which contain the path of their interpreter."""
        for script in programs.glob("*"):
            content = script.read_bytes() if script.is_file() and not script.is_symlink() else b""
            if content.startswith(b"#!"):
                script.write_bytes(content.replace(bytes(self.root(origin)), bytes(self.root(stage))))

    def _prepare(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        self._own(folder)
        return folder

    def _own(self, folder: Path) -> None:
        if self._identity:
            subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", str(folder)], check=True)


def _python(identity: dict[str, Any]) -> str:
    """Returns a Python that can be executed and can create virtual environments."""
    for program in (str(Path(sys.executable).resolve()), "/usr/local/bin/python3", "/usr/bin/python3"):
        try:
            tried = subprocess.run([program, "-c", "import ensurepip"], check=False, cwd="/", **identity)
        except OSError:  # the folder of another user
            continue
        if tried.returncode == 0:
            return program
    raise SystemExit("no Python with ensurepip that an unprivileged user may run: start this as another user")


def check(folder: Path) -> None:
    """Builds the image's last stage below a folder, starts it and stops it. Raises an error if a step fails."""
    stages = stages_of((REPOSITORY / "Dockerfile").read_text(encoding="utf-8"))
    performer = Performer(folder)
    for stage in stages:
        print(f"stage {stage.name}: {stage.base}", flush=True)
        performer.perform(stage)
    final = stages[-1]
    root = performer.root(final.name)
    subprocess.run(["chmod", "-R", "a-w", str(root / "opt")], check=True)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    environment = {"TALKWIRE_PORT": port}
    for instruction in final.instructions:
        if instruction.keyword == "ENV":
            pairs = (word.partition("=") for word in shlex.split(instruction.arguments))
            environment |= {name: performer.below(final.name, value) for name, _, value in pairs}
    environment["PATH"] = f"{root}/opt/talkwire/bin:{performer.environment['PATH']}"
    entry, command, health = (final.last(keyword) for keyword in ("ENTRYPOINT", "CMD", "HEALTHCHECK"))
    assert entry is not None
    assert command is not None
    assert health is not None
    probing = json.loads(health.arguments.partition("CMD ")[2].replace(":3000/", f":{port}/"))
    program = str(root / "opt/talkwire/bin" / entry.words[0])
    server = performer.start([program, *entry.words[1:], *command.words], environment)
    try:
        for _ in _until_deadline():
            assert server.poll() is None, "the server ended by itself"
            probed = performer.start([f"{root}/opt/talkwire/bin/{probing[0]}", *probing[1:]], environment, quiet=True)
            if probed.wait(DEADLINE_S) == 0:
                break
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as page:
            assert b"<script" in page.read(), "the web client is missing"
        server.send_signal(signal.SIGTERM)
        assert server.wait(DEADLINE_S) == 0
    finally:
        server.kill()
        server.wait()
    print("the image works")


def _until_deadline() -> Iterator[None]:
    until = time.monotonic() + DEADLINE_S
    while time.monotonic() < until:
        yield
        time.sleep(0.5)
    raise TimeoutError("the health check did not succeed")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        check(Path(folder))
