"""What a check finds."""

from __future__ import annotations

from dataclasses import dataclass, field

from rigs.torture.history import About


@dataclass(frozen=True)
class Violation:
    """A violated invariant. `about` is the part of the history that shows it; `shows` are further lines, from outside
    the history.
    """

    broken: str
    """The property, in the words of the campaign's page."""
    says: str
    about: About = field(default_factory=About)
    shows: tuple[str, ...] = ()


@dataclass
class Findings:
    """What all checks have found, and how much they have looked at: a check that looked at nothing proves nothing."""

    violations: list[Violation] = field(default_factory=list)
    looked_at: dict[str, int] = field(default_factory=dict)

    def count(self, what: str, number: int = 1) -> None:
        self.looked_at[what] = self.looked_at.get(what, 0) + number

    def add(self, broken: str, says: str, about: About | None = None, shows: tuple[str, ...] = ()) -> None:
        self.violations.append(Violation(broken, says, about or About(), shows))
