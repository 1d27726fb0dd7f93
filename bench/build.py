"""Builds what the benchmarks run: compiles the load generator and installs the Node peer, each only when needed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
BUILD = HERE / "build"
NODE_PEER = HERE / "peers" / "node"
PYTHON_PEER = HERE / "peers" / "python"

NODE_HEADERS = Path("/usr/include/node/node.h")


def load_generator() -> Path:
    """Compiles `loadgen/*.c` unless the program is newer than its sources, and returns the program."""
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
    """Runs `npm ci` unless the installed packages match the lock file."""
    lock = NODE_PEER / "package-lock.json"
    installed = NODE_PEER / "node_modules" / ".package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return
    command = ["npm", "ci", "--no-audit", "--no-fund"]
    subprocess.run(command, cwd=NODE_PEER, env=os.environ | _native_build(), check=True)


def _native_build() -> dict[str, str]:
    """Returns the environment for building native modules against Node's installed headers, without a download."""
    if not NODE_HEADERS.exists():
        return {}
    return {"npm_config_nodedir": str(NODE_HEADERS.parents[2]), "npm_config_build_from_source": "true"}
