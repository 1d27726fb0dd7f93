"""Makes a release: sets the version everywhere, dates the changelog's section, commits and tags.

python -m tools.release 0.2.0               on a clean tree
python -m tools.release 0.2.0 --dry-run     prints what would change
python -m tools.release 0.2.0 --check       checks that the tree is this release, as the release workflow does
python -m tools.release 0.2.0 --notes       prints the changelog's section, which becomes the release's notes

Nothing is pushed. Pushing the tag starts .github/workflows/release.yml.
"""

from __future__ import annotations

import argparse
import difflib
import re
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

from tools.changelog import notes_of, released, released_versions
from tools.versions import VERSION, changed_files, current_version

CHANGELOG = Path("CHANGELOG.md")


class ReleaseRefused(Exception):
    """Raised if the release cannot be made; the text says why."""


def main(arguments: list[str] | None = None, root: Path | None = None) -> int:
    """Makes, checks or describes a release of the repository `root` as the command line says, and returns the exit
    code.
    """
    parser = argparse.ArgumentParser(prog="python -m tools.release", description="Make a release of all packages.")
    parser.add_argument("version", help="the version to release, such as 0.2.0")
    modes = parser.add_mutually_exclusive_group()
    modes.add_argument("--dry-run", action="store_true", help="print what would change")
    modes.add_argument("--check", action="store_true", help="check that the tree is this release")
    modes.add_argument("--notes", action="store_true", help="print the changelog's section of this release")
    given = parser.parse_args(arguments)
    tree = root or Path.cwd()
    try:
        if given.check:
            check(tree, given.version)
        elif given.notes:
            print(notes_of(_changelog(tree), given.version), end="")
        else:
            release(tree, given.version, datetime.now(UTC).date(), dry_run=given.dry_run)
    except (ReleaseRefused, ValueError) as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    return 0


def release(root: Path, version: str, day: date, *, dry_run: bool = False) -> None:
    """Writes the version into all files, commits them and adds an annotated tag with the release notes.

    `dry_run` prints the changes instead. Raises ReleaseRefused, or ValueError if the files do not have the expected
    form; then nothing has changed.
    """
    changelog = _changelog(root)
    _refuse_wrong_version(version, current_version(root), released_versions(changelog))
    if not dry_run:
        _refuse_unready_tree(root, version)
    texts = {**changed_files(root, version), CHANGELOG: released(changelog, version, day)}
    if dry_run:
        _print_changes(root, texts)
        return
    for path, text in texts.items():
        (root / path).write_text(text, encoding="utf-8")
    _git(root, "add", "--", *map(str, texts))
    _git(root, "commit", "--quiet", "--message", f"release: Publish version {version}.")
    notes = notes_of(texts[CHANGELOG], version)
    # Headings of the notes begin with "#", which git takes for comments by default.
    _git(
        root, "tag", "--annotate", "--cleanup=whitespace", "--message", f"Talkwire {version}\n\n{notes}", f"v{version}"
    )
    print(f"Committed and tagged v{version}. To publish it: git push --atomic origin HEAD v{version}")


def check(root: Path, version: str) -> None:
    """Raises ReleaseRefused or ValueError unless the files have this version and the changelog has notes for it."""
    if (found := current_version(root)) != version:
        raise ReleaseRefused(f"the tree has version {found}, not {version}")
    notes_of(_changelog(root), version)


def _refuse_wrong_version(version: str, current: str, known: list[str]) -> None:
    if not re.fullmatch(VERSION, version):
        raise ReleaseRefused(f"{version} is not a version; write three numbers, such as 0.2.0")
    # The version of the tree itself can be released once, as long as the changelog has no section for it.
    newest = max(known, key=_numbers, default=None)
    if newest is not None and _numbers(version) <= _numbers(newest):
        raise ReleaseRefused(f"{version} is not newer than {newest}, which the changelog says was released")
    if _numbers(version) < _numbers(current):
        raise ReleaseRefused(f"{version} is older than {current}, the version of the tree")


def _refuse_unready_tree(root: Path, version: str) -> None:
    if _git(root, "status", "--porcelain"):
        raise ReleaseRefused("the tree has uncommitted changes; commit or remove them first")
    if _git(root, "tag", "--list", f"v{version}"):
        raise ReleaseRefused(f"the tag v{version} exists already")


def _print_changes(root: Path, texts: Mapping[Path, str]) -> None:
    for path, text in texts.items():
        old = (root / path).read_text(encoding="utf-8").splitlines(keepends=True)
        new = text.splitlines(keepends=True)
        print("".join(difflib.unified_diff(old, new, str(path), str(path), n=0)), end="")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _changelog(root: Path) -> str:
    return (root / CHANGELOG).read_text(encoding="utf-8")


def _git(root: Path, *arguments: str) -> str:
    ended = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)  # noqa: S603, S607
    if ended.returncode != 0:
        raise ReleaseRefused(f"git {arguments[0]} failed: {ended.stderr.strip()}")
    return ended.stdout


if __name__ == "__main__":
    sys.exit(main())
