"""That a package has the web client in it, or is not built at all."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

ROOT = Path(__file__).parents[2]


def build(tree: Path, target: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(tree / "dist")]
    return subprocess.run(command, cwd=tree, check=False, capture_output=True, text=True)


def tree_of(tmp_path: Path) -> Path:
    """What a package is built from."""
    tree = tmp_path / "tree"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src", tree / "src", ignore=ignored)
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "CHANGELOG.md", ".gitignore"):
        shutil.copy(ROOT / name, tree / name)
    return tree


def test_the_wheel_has_the_web_client(tmp_path: Path) -> None:
    tree = tree_of(tmp_path)
    built = build(tree, "wheel")
    assert built.returncode == 0, built.stderr
    (wheel,) = (tree / "dist").glob("*.whl")
    files = ZipFile(wheel)
    names = files.namelist()
    assert "talkwire/web/index.html" in names
    scripts = [name for name in names if name.startswith("talkwire/web/page/") and name.endswith(".js")]
    assert scripts
    for name in scripts:
        assert gzip.decompress(files.read(f"{name}.gz")) == files.read(name), "what browsers get is what was built"


def test_nothing_is_built_without_the_web_client(tmp_path: Path) -> None:
    tree = tree_of(tmp_path)
    shutil.rmtree(tree / "src" / "talkwire" / "web")
    for target in ("wheel", "sdist"):
        built = build(tree, target)
        assert built.returncode != 0
        assert "build the web client first" in built.stderr
