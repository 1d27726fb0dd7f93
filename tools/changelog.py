"""Reads and changes the sections of CHANGELOG.md: `[Unreleased]`, then one for each release (Keep a Changelog)."""

from __future__ import annotations

import re
from datetime import date

from tools.versions import VERSION

UNRELEASED = "## [Unreleased]"
_HEADING = re.compile(rf"^## \[(?P<version>{VERSION}|Unreleased)\]", re.MULTILINE)


def released_versions(changelog: str) -> list[str]:
    """Returns the versions that have a section in the changelog, without "Unreleased"."""
    return [found["version"] for found in _HEADING.finditer(changelog) if found["version"] != "Unreleased"]


def notes_of(changelog: str, version: str) -> str:
    """Returns the changelog's section of a version, or of "Unreleased", without its heading.

    Raises ValueError if the section is missing or has no entry.
    """
    headings = list(_HEADING.finditer(changelog))
    at = next((index for index, found in enumerate(headings) if found["version"] == version), None)
    if at is None:
        raise ValueError(f"CHANGELOG.md has no section [{version}]")
    end = headings[at + 1].start() if at + 1 < len(headings) else len(changelog)
    _, _, section = changelog[headings[at].start() : end].partition("\n")
    if not re.search(r"^- ", section, re.MULTILINE):
        raise ValueError(f"the section [{version}] of CHANGELOG.md has no entry")
    return section.strip() + "\n"


def released(changelog: str, version: str, day: date) -> str:
    """Returns the changelog with the entries of "Unreleased" moved to a new section for a version, dated `day`.

    Raises ValueError if "Unreleased" has no entry.
    """
    notes_of(changelog, "Unreleased")
    return changelog.replace(f"{UNRELEASED}\n", f"{UNRELEASED}\n\n## [{version}] - {day.isoformat()}\n", 1)
