"""`python -m tools.release`: one version everywhere, a section of the changelog, a commit and a tag."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tools import release
from tools.changelog import notes_of, released_versions
from tools.versions import PLACES, SOURCE, current_version

ROOT = Path(__file__).parents[2]
NEXT = "7.8.9"

HEAD = "# Changelog\n\n## [Unreleased]\n"
ENTRIES = "\n### Added\n\n- A door.\n\n### Fixed\n\n- A window,\n  and its frame.\n"
EARLIER = "\n## [0.0.1] - 2020-01-02\n\n### Added\n\n- A wall.\n"


def git(tree: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=tree, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository with the files that a release changes."""
    tree = tmp_path / "tree"
    for place in PLACES:
        (tree / place.path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / place.path, tree / place.path)
    (tree / "CHANGELOG.md").write_text(HEAD + ENTRIES + EARLIER, encoding="utf-8")
    git(tree, "init", "--quiet", "--initial-branch", "main")
    git(tree, "config", "user.name", "Maintainer")
    git(tree, "config", "user.email", "maintainer@example.com")
    git(tree, "add", ".")
    git(tree, "commit", "--quiet", "--message", "all: Begin.")
    return tree


def refusal(tree: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    before = git(tree, "log", "--format=%H", "--all"), git(tree, "status", "--porcelain")
    assert release.main(list(arguments), tree) == 1
    assert (git(tree, "log", "--format=%H", "--all"), git(tree, "status", "--porcelain")) == before
    return capsys.readouterr().err


def test_all_places_of_the_repository_have_one_version() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", current_version(ROOT))


@pytest.mark.parametrize("place", PLACES, ids=lambda place: str(place.path))
def test_a_place_with_another_version_is_named(place: object, tree: Path) -> None:
    assert place in PLACES
    (found,) = [each for each in PLACES if each == place]
    path = tree / found.path
    path.write_text(found.changed(path.read_text(encoding="utf-8"), NEXT), encoding="utf-8")
    named = SOURCE if found == SOURCE else found
    with pytest.raises(ValueError, match=re.escape(str(named.path))):
        current_version(tree)


def test_a_release_changes_all_places_and_nothing_else(tree: Path) -> None:
    before = current_version(tree)
    assert release.main([NEXT], tree) == 0
    assert current_version(tree) == NEXT
    assert git(tree, "status", "--porcelain") == ""
    changed = git(tree, "diff", "--unified=0", "HEAD~", "--", *(str(place.path) for place in PLACES)).splitlines()
    removed = [line[1:] for line in changed if re.match(r"-[^-]", line)]
    added = [line[1:] for line in changed if re.match(r"\+[^+]", line)]
    assert removed
    assert added == [line.replace(before, NEXT) for line in removed]


def test_a_release_dates_the_entries_commits_and_tags(tree: Path) -> None:
    assert release.main([NEXT], tree) == 0
    changelog = (tree / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## \[Unreleased\]\n\n## \[{NEXT}\] - \d{{4}}-\d\d-\d\d\n\n### Added$", changelog, re.MULTILINE)
    assert released_versions(changelog) == [NEXT, "0.0.1"]
    assert notes_of(changelog, NEXT) == ENTRIES.lstrip()
    assert git(tree, "log", "-1", "--format=%s%n%b").strip() == f"release: Publish version {NEXT}."
    assert git(tree, "cat-file", "-t", f"v{NEXT}").strip() == "tag"
    assert (
        git(tree, "tag", "--list", "--format=%(contents)", f"v{NEXT}").strip()
        == f"Talkwire {NEXT}\n\n{ENTRIES.strip()}"
    )
    assert release.main([NEXT, "--check"], tree) == 0


def test_the_version_of_the_tree_can_be_released_once(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    version = current_version(tree)
    assert release.main([version], tree) == 0
    assert "not newer" in refusal(tree, capsys, version)


def test_the_notes_are_the_section_of_the_release(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert release.main(["0.0.1", "--notes"], tree) == 0
    assert capsys.readouterr().out == "### Added\n\n- A wall.\n"
    assert "no section [0.0.2]" in refusal(tree, capsys, "0.0.2", "--notes")


def test_a_dry_run_prints_the_changes_and_makes_none(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = git(tree, "rev-parse", "HEAD")
    assert release.main([NEXT, "--dry-run"], tree) == 0
    printed = capsys.readouterr().out
    assert f'+version = "{NEXT}"' in printed
    assert f"+## [{NEXT}] - " in printed
    assert git(tree, "status", "--porcelain") + git(tree, "tag") == ""
    assert git(tree, "rev-parse", "HEAD") == before


@pytest.mark.parametrize("version", ["1.2", "v1.2.3", "1.2.3rc1", "01.2.3", "latest"])
def test_a_release_refuses_what_is_not_a_version(version: str, tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"{version} is not a version" in refusal(tree, capsys, version)


@pytest.mark.parametrize("version", ["0.0.1", "0.0.0", "0.0.2"])
def test_a_release_refuses_an_old_version(version: str, tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert re.search(rf"{version} is (not newer|older) than", refusal(tree, capsys, version))


def test_a_release_refuses_an_empty_changelog(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / "CHANGELOG.md").write_text(HEAD + "\n### Added\n" + EARLIER, encoding="utf-8")
    git(tree, "commit", "--quiet", "--all", "--message", "docs: Forget everything.")
    assert "[Unreleased] of CHANGELOG.md has no entry" in refusal(tree, capsys, NEXT)


def test_a_release_refuses_a_dirty_tree(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / "new").touch()
    assert "uncommitted changes" in refusal(tree, capsys, NEXT)


def test_a_release_refuses_a_tag_that_exists(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(tree, "tag", f"v{NEXT}")
    assert f"v{NEXT} exists already" in refusal(tree, capsys, NEXT)


def test_the_check_refuses_another_version(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"not {NEXT}" in refusal(tree, capsys, NEXT, "--check")


# --- what the tag starts --------------------------------------------------------------------------------------------


def test_workflows_use_actions_by_their_commit() -> None:
    workflows = sorted((ROOT / ".github/workflows").glob("*.yml"))
    used = [line for path in workflows for line in re.findall(r"uses: (.+)$", path.read_text("utf-8"), re.MULTILINE)]
    assert used
    pinned = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+|\./\.github/workflows/\w+\.yml")
    assert [line for line in used if not pinned.fullmatch(line)] == []
    by_action = {(line.partition("@")[0], line.partition("@")[2]) for line in used}
    assert len({action for action, _ in by_action}) == len(by_action), "one version of each action"


def test_the_workflow_publishes_every_package_after_the_tests() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8"))
    jobs = workflow["jobs"]
    (published,) = re.findall(r"for name in (.+); do", str(jobs["npm"]["steps"][-1]["run"]))
    packages = json.loads((ROOT / "clients/javascript/package.json").read_text(encoding="utf-8"))["workspaces"]
    assert sorted(published.split()) == sorted(packages)
    for name in packages:
        package = json.loads((ROOT / "clients/javascript" / name / "package.json").read_text(encoding="utf-8"))
        assert package["name"] == f"@talkwire/{name}"
        folder = ROOT / "clients/javascript" / name
        assert (folder / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
        assert re.findall(r"\]\((?!https://)[^)]*\)", (folder / "README.md").read_text(encoding="utf-8")) == []
        # npm compares this with the repository that the provenance names.
        assert package["repository"]["directory"] == f"clients/javascript/{name}"
    for publishing in ("pypi", "npm", "image"):
        assert "tests" in jobs[publishing]["needs"]
        assert jobs[publishing]["permissions"]["id-token"] == "write"
    assert set(jobs["release"]["needs"]) == {"pypi", "npm", "image", "chart"}
    assert workflow["permissions"] == {}
    assert "secrets." not in str(workflow)


def test_the_release_has_only_files_that_the_workflow_names() -> None:
    """The last job attaches every artifact of the run, and building an image uploads a record of it by default."""
    jobs = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8"))["jobs"]
    building = [job for job in jobs.values() if "docker/build-push-action@" in str(job)]
    assert building
    assert [job["env"].get("DOCKER_BUILD_RECORD_UPLOAD") for job in building] == ["false"] * len(building)
