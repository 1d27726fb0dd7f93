"""Builds what the benchmarks need: compiles the load generator and installs the Node and Bun servers, only when
outdated.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
BUILD = HERE / "build"
NODE_PEER = HERE / "peers" / "node"
BUN_PEER = HERE / "peers" / "bun"
PYTHON_PEER = HERE / "peers" / "python"

NODE_HEADERS = Path("/usr/include/node/node.h")


def load_generator() -> Path:
    """Compiles the load generator (`loadgen/*.c`) if its sources have changed, and returns the program's path."""
    program = BUILD / "load"
    sources = sorted((HERE / "loadgen").glob("*.[ch]"))
    if program.exists() and program.stat().st_mtime > max(source.stat().st_mtime for source in sources):
        return program
    BUILD.mkdir(exist_ok=True)
    units = [str(source) for source in sources if source.suffix == ".c"]
    compiler = os.environ.get("CC", "cc")
    subprocess.run([compiler, "-O2", "-std=gnu17", "-Wall", "-Wextra", "-o", str(program), *units], check=True)
    return program


def node_peer() -> None:
    """Installs the npm packages of the Socket.IO server on Node that Talkwire is compared with, including native
    modules.
    """
    _npm_ci(NODE_PEER, _native_build())


def bun_peer() -> None:
    """Installs Bun and the npm packages of the Socket.IO server on Bun that Talkwire is compared with."""
    _npm_ci(BUN_PEER, {"npm_config_ignore_scripts": "true"})


def bun_program() -> Path:
    """Returns the path of the program `bun`. Raises FileNotFoundError if npm has no Bun for this platform."""
    found = sorted((BUN_PEER / "node_modules" / "@oven").glob("bun-*/bin/bun"))
    if not found:
        raise FileNotFoundError("npm has no Bun for this platform: leave out `bun` with --servers")
    return found[-1]


def _npm_ci(peer: Path, environment: dict[str, str]) -> None:
    """Runs `npm ci` in a server's folder unless the installed packages match the lock file."""
    lock = peer / "package-lock.json"
    installed = peer / "node_modules" / ".package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return
    command = ["npm", "ci", "--no-audit", "--no-fund"]
    subprocess.run(command, cwd=peer, env=os.environ | environment, check=True)


def _native_build() -> dict[str, str]:
    """Returns the environment variables for building native modules against Node's installed headers, without a
    download.
    """
    if not NODE_HEADERS.exists():
        return {}
    return {"npm_config_nodedir": str(NODE_HEADERS.parents[2]), "npm_config_build_from_source": "true"}
