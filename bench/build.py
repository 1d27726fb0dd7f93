"""Makes what the benchmarks run: compiles the load generator and installs the peer on Node. Both only when needed."""

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
    """Compile `loadgen/*.c` unless the program is newer than each of its sources."""
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
    """`npm ci` unless the installed packages are those of the lock file."""
    lock = NODE_PEER / "package-lock.json"
    installed = NODE_PEER / "node_modules" / ".package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return
    command = ["npm", "ci", "--no-audit", "--no-fund"]
    subprocess.run(command, cwd=NODE_PEER, env=os.environ | _native_build(), check=True)


def _native_build() -> dict[str, str]:
    """Distributions that install Node's headers build native modules against them, without downloading anything."""
    if not NODE_HEADERS.exists():
        return {}
    return {"npm_config_nodedir": str(NODE_HEADERS.parents[2]), "npm_config_build_from_source": "true"}
