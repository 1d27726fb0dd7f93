"""Runs the commands of a page in a shell, as a reader does.

`talkwire` in that shell is a fork of the tests' helper (`tests/forked_talkwire.py`). `talkwire serve` returns when the
server is ready, and the server runs until the shell is closed. `pip install` and `npm install` install nothing: they
fail unless the tests' environment has the packages.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from tests.cli.processes import clean_environment
from tests.forked_talkwire import Process, Streams, pipe, start_python
from tests.reference.blocks.collected import REPOSITORY

DEADLINE_S = 120.0
_MESSAGE_BYTES = 1 << 17

_COMMAND = """#!{python} -SE
import json, os, socket, sys
asks = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
asks.connect({address!r})
call = [os.path.basename(sys.argv[0]), sys.argv[1:], dict(os.environ), os.getcwd()]
socket.send_fds(asks, [json.dumps(call).encode()], [0, 1, 2])
sys.exit(int(asks.recv(16)))
"""
"""What the shell finds as `talkwire`, `pip` and `npm`: it has the test process do the work."""

_NODE_MODULES = [REPOSITORY / "tests" / part / "node_modules" for part in ("clients", "reference")]
_NODE_MODULES.append(REPOSITORY / "clients" / "javascript" / "node_modules")


class Shell:
    """A shell in a folder of its own. A server of its commands listens on `port`."""

    def __init__(self, folder: Path, port: int, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.port = port
        self._servers: list[Process] = []
        programs = folder / "programs"
        programs.mkdir()
        (folder / ".curlrc").write_text("fail-with-body\nsilent\nshow-error\nnoproxy = *\n")
        self._environment = {
            **clean_environment(),
            "PATH": os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]]),
            "HOME": str(folder),
            **environment,
        }
        # The address of a socket must be short, which the folder's is not everywhere.
        self._short = tempfile.TemporaryDirectory()
        address = f"{self._short.name}/calls"
        self._calls = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._calls.bind(address)
        self._calls.listen()
        for name in ("talkwire", "pip", "npm"):
            (programs / name).write_text(_COMMAND.format(python=sys.executable, address=address))
            (programs / name).chmod(0o755)
        threading.Thread(target=self._accept, daemon=True).start()

    def run(self, commands: list[str]) -> list[str]:
        """Returns what each of the commands prints. They share variables, and fail together at the first failure."""
        mark = "--- the next block"
        script = f"\necho '{mark}'\n".join(commands)
        with (self.folder / "printed").open("w+") as printed:
            ended = subprocess.run(
                ["sh", "-e", "-u", "-c", script],
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                timeout=DEADLINE_S,
                check=False,
            )
            printed.seek(0)
            output = printed.read()
        assert ended.returncode == 0, f"{script}\n{output}"
        return output.split(f"{mark}\n")

    def log(self) -> str:
        """Returns what the servers of the commands have logged."""
        file = self.folder / "server.log"
        return file.read_text() if file.exists() else ""

    def close(self) -> None:
        """Ends the servers that the commands have started."""
        self._calls.shutdown(socket.SHUT_RDWR)
        self._calls.close()
        self._short.cleanup()
        for server in self._servers:
            server.kill()
            server.wait(DEADLINE_S)

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                connection, _ = self._calls.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        message, descriptors, _, _ = socket.recv_fds(connection, _MESSAGE_BYTES, 3)
        program, arguments, environment, folder = json.loads(message)
        input_, output, errors = descriptors
        streams = Streams(os.fdopen(input_, "rb"), os.fdopen(output, "wb"), os.fdopen(errors, "wb"))
        try:
            code = self._call(program, arguments, environment, Path(folder), streams)
        except Exception as error:  # noqa: BLE001 (the shell has to end)
            streams.errors.write(f"{error!r}\n".encode())
            code = 70
        for stream in streams:
            stream.close()
        connection.send(str(code).encode())
        connection.close()

    def _call(
        self, program: str, arguments: list[str], environment: dict[str, str], folder: Path, streams: Streams
    ) -> int:
        match program, arguments:
            case "talkwire", ["serve", *_]:
                return self._start(arguments, environment, folder, streams)
            case "talkwire", _:
                return start_python(["-m", "talkwire", *arguments], streams, environment, folder).wait(DEADLINE_S)
            case "pip", ["install", *requirements]:
                missing = [each for each in requirements if not _is_installed(each)]
            case "npm", ["install", *packages]:
                missing = _missing_of(packages, folder)
            case "npm", ["init" | "pkg", *_]:
                return _run_npm(arguments, environment, folder, streams)
            case _:
                missing = arguments
        streams.errors.write(f"the tests' environment lacks {missing}\n".encode() if missing else b"")
        return int(bool(missing))

    def _start(self, arguments: list[str], environment: dict[str, str], folder: Path, streams: Streams) -> int:
        """Starts a server and returns 0 when it is ready, or its exit code when it ends before."""
        environment = {"TALKWIRE_PORT": str(self.port), "TALKWIRE_LOG_FORMAT": "console", **environment}
        log = self.folder / "server.log"
        with pipe() as (output, writes_output), log.open("ab") as errors:
            with writes_output:
                own = Streams(streams.input, writes_output, errors)
                process = start_python(["-m", "talkwire", *arguments], own, environment, folder)
            self._servers.append(process)
            while line := output.readline():
                streams.output.write(line.encode())
                if re.search(r"at http://", line):
                    # The server may write to it until it ends.
                    threading.Thread(target=_drain, args=(os.dup(output.fileno()),), daemon=True).start()
                    return 0
        streams.errors.write(log.read_bytes())
        return process.wait(DEADLINE_S) or 1


def _drain(descriptor: int) -> None:
    with os.fdopen(descriptor, "rb") as output:
        while output.read(4096):
            pass


def _run_npm(arguments: list[str], environment: dict[str, str], folder: Path, streams: Streams) -> int:
    """Runs a command of npm that needs no registry, and returns its exit code."""
    npm = shutil.which("npm")
    assert npm is not None
    environment = {**environment, "npm_config_offline": "true", "npm_config_update_notifier": "false"}
    input_, output, errors = streams
    done = subprocess.run(
        [npm, *arguments],
        cwd=folder,
        env=environment,
        stdin=input_,
        stdout=output,
        stderr=errors,
        timeout=DEADLINE_S,
        check=False,
    )
    return done.returncode


def _is_installed(requirement: str) -> bool:
    name = re.match(r"[\w.-]+", requirement)
    assert name is not None, requirement
    try:
        found = distribution(name[0])
    except PackageNotFoundError:
        return False
    extras = re.findall(r"[\w-]+", requirement.partition("[")[2])
    return set(extras) <= set(found.metadata.get_all("Provides-Extra") or ())


def _missing_of(packages: list[str], folder: Path) -> list[str]:
    """Returns the packages that no folder of the tests has, and gives the others to the programs in `folder`."""
    names = [each for each in packages if not each.startswith("-")]
    for modules in _NODE_MODULES:
        if all((modules / re.sub(r"(?<=.)@.*", "", name)).is_dir() for name in names):
            if not (folder / "node_modules").exists():
                (folder / "node_modules").symlink_to(modules)
            return []
    return names
