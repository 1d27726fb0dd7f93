"""Reads and changes the version of Talkwire, which is the same in every package, in the Helm chart, and in several
pages.

`pyproject.toml` is the source. `PLACES` lists the other files, which `python -m tools.release` changes together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

VERSION = r"(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)"
"""Pattern of a version without a suffix: PyPI and npm write pre-releases differently."""

_PACKAGE = rf'^  "version": "(?P<version>{VERSION})",$'
_NEEDS_PACKAGE = rf'^    "@talkwire/(?:client|react|embed)": "\^?(?P<version>{VERSION})"'
_NEEDS_ARCHIVE = rf'"file:[./]+/dist/javascript/talkwire-\w+-(?P<version>{VERSION})\.tgz"'
_LOCKED = rf'^      "name": "@talkwire/\w+",\n      "version": "(?P<version>{VERSION})"'
_LOCKED_PEER = rf'^        "@talkwire/client": "(?P<version>{VERSION})"'
_IMAGE = rf"\bimage: [\w./-]*talkwire:(?P<version>{VERSION})$"


class Place(NamedTuple):
    """A file that contains the version, and the regular expressions that find it.

    Each pattern has the group `version` and occurs at least once.
    """

    path: Path
    patterns: tuple[str, ...]

    @classmethod
    def of(cls, path: str, *patterns: str) -> Place:
        return cls(Path(path), patterns)

    def versions(self, text: str) -> Iterator[str]:
        """Yields the versions found in the file's text. Raises ValueError if a pattern does not occur."""
        for pattern in self.patterns:
            found = [match["version"] for match in re.finditer(pattern, text, re.MULTILINE)]
            if not found:
                raise ValueError(f"{self.path} has no line like {pattern}")
            yield from found

    def changed(self, text: str, version: str) -> str:
        """Returns the file's text with the version replaced."""
        for pattern in self.patterns:
            text = re.sub(pattern, lambda match: _replaced(match, version), text, flags=re.MULTILINE)
        return text


SOURCE = Place.of("pyproject.toml", rf'^version = "(?P<version>{VERSION})"$')

PLACES = (
    SOURCE,
    Place.of("clients/python/src/talkwire_client/__init__.py", rf'^__version__ = "(?P<version>{VERSION})"$'),
    Place.of("clients/javascript/client/package.json", _PACKAGE),
    Place.of("clients/javascript/react/package.json", _PACKAGE, _NEEDS_PACKAGE),
    Place.of("clients/javascript/embed/package.json", _PACKAGE),
    Place.of("clients/javascript/package-lock.json", _LOCKED, _LOCKED_PEER),
    Place.of("examples/angular/package.json", _NEEDS_ARCHIVE),
    Place.of("examples/fastapi-react/page/package.json", _NEEDS_ARCHIVE),
    Place.of("examples/node-back-end/package.json", _NEEDS_ARCHIVE),
    Place.of("examples/react/package.json", _NEEDS_ARCHIVE),
    Place.of("examples/vue/package.json", _NEEDS_ARCHIVE),
    Place.of("compose.yaml", _IMAGE),
    Place.of("deploy/kubernetes/talkwire.yaml", _IMAGE),
    Place.of(
        "deploy/helm/talkwire/Chart.yaml",
        rf"^version: (?P<version>{VERSION})$",
        rf'^appVersion: "(?P<version>{VERSION})"$',
    ),
    Place.of("README.md", rf"^\*\*Status: (?P<version>{VERSION}), "),
    Place.of("docs/quick-start.md", rf"^Talkwire (?P<version>{VERSION}) at http://"),
)


def current_version(root: Path) -> str:
    """Returns the version in the repository's files. Raises ValueError if they have different versions."""
    found = {place.path: set(place.versions(_text(root, place))) for place in PLACES}
    (version,) = found[SOURCE.path]
    different = [
        f"{path} has {', '.join(sorted(versions))}" for path, versions in found.items() if versions != {version}
    ]
    if different:
        raise ValueError(f"{SOURCE.path} has {version}, but {'; '.join(different)}")
    return version


def changed_files(root: Path, version: str) -> dict[Path, str]:
    """Returns the new texts, by path, of the files that have another version than `version`."""
    texts = {place.path: (_text(root, place), place.changed(_text(root, place), version)) for place in PLACES}
    return {path: new for path, (old, new) in texts.items() if new != old}


def _text(root: Path, place: Place) -> str:
    return (root / place.path).read_text(encoding="utf-8")


def _replaced(match: re.Match[str], version: str) -> str:
    start, end = (each - match.start() for each in match.span("version"))
    return match[0][:start] + version + match[0][end:]
