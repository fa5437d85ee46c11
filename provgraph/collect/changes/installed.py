"""What changed package files mean for the environments that runs were recorded in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from provgraph.collect.changes.packages import (
    Ask,
    PackageFile,
    same_version,
    satisfies,
)
from provgraph.model.digests import ABSENT
from provgraph.model.parts import SEEN


@dataclass(frozen=True, slots=True)
class PackageChange:
    """One package of which a file asks something else. `package` "" is any: it doesn't parse."""

    file: str
    package: str
    before: Ask | None
    after: Ask | None
    whole: bool = False
    problem: str = ""


@dataclass(frozen=True)
class Installed:
    """Judges recorded versions by what package files ask, before and after.

    `others` are the package files that didn't change, by name.
    """

    changes: Sequence[PackageChange] = ()
    others: Mapping[str, PackageFile] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Sort changes by package."""
        by_package: dict[str, list[PackageChange]] = {}
        for change in self.changes:
            by_package.setdefault(change.package, []).append(change)
        object.__setattr__(self, "_by_package", by_package)

    def of(self, part: str) -> list[PackageChange]:
        """Give the changes that may be about a recorded part of an environment."""
        if part.startswith(("#", "$")) or ":" in part or part == SEEN:
            return []  # no file of the project says which packages of the system are installed
        by_package: dict[str, list[PackageChange]] = getattr(self, "_by_package")  # noqa: B009
        return [*by_package.get(part, ()), *by_package.get("", ())]

    def stands(self, part: str, digest: str, *, after: bool) -> bool:
        """Tell whether a package as recorded is what there is after the change, or was before.

        Before it, everything recorded stands but what only the change brings.
        """
        changes = self.of(part)
        falls = any(self.verdict(change, digest)[0] for change in changes)
        if after:
            return not falls
        brought = any(
            change.after is not None
            and _is_pinned(change.after, digest)
            and not (change.before is not None and _is_pinned(change.before, digest))
            for change in changes
        )
        return not brought

    def verdict(self, change: PackageChange, digest: str) -> tuple[bool, str]:
        """Tell whether a recorded version isn't what a change asks for, and say why (not)."""
        recorded = digest.removeprefix("v:")
        if change.problem:
            return True, f"{change.file} can't be read, so any package may differ"
        before, after = change.before, change.after
        if digest == ABSENT:
            return after is not None, f"{change.package} wasn't there and now is asked for"
        if after is None:
            return True, f"{change.package} {recorded} is no longer asked for"
        if before is not None and before.versions and not _is_pinned(before, digest):
            elsewhere = self._pinned_by(change, digest)
            if elsewhere:
                return False, f"{elsewhere} pins {change.package} {recorded}, as recorded"
        if before is not None and before.origin != after.origin:
            return True, f"{change.package} comes from elsewhere or is asked for otherwise"
        if after.versions:
            if not _is_pinned(after, digest):
                return True, f"{change.package} {recorded} → {', '.join(sorted(after.versions))}"
            rebuilt = (
                before is not None
                and before.versions == after.versions
                and before.files
                and after.files
                and not before.files & after.files
            )
            if rebuilt:
                return True, f"{change.package} {recorded} is pinned to other files"
            return False, f"{change.package} {recorded}, as recorded, is what is pinned"
        within = satisfies(recorded, after.limits)
        if within:
            said = ", ".join(sorted(after.limits)) or "any version"
            return False, f"{change.package} {recorded}, as recorded, satisfies {said}"
        return True, f"{change.package} {recorded} → {', '.join(sorted(after.limits))}"

    def _pinned_by(self, change: PackageChange, digest: str) -> str:
        return next(
            (
                name
                for name, file in self.others.items()
                if (ask := file.packages.get(change.package)) and _is_pinned(ask, digest)
            ),
            "",
        )


def _is_pinned(ask: Ask, digest: str) -> bool:
    recorded = digest.removeprefix("v:")
    return any(same_version(recorded, version) for version in ask.versions)


def package_changes(
    file: str, before: PackageFile | None, after: PackageFile | None, problem: str = ""
) -> list[PackageChange]:
    """Say package by package what a file asks otherwise; None: the file isn't there."""
    if problem:
        return [PackageChange(file, "", None, None, problem=problem)]
    old = before.packages if before else {}
    new = after.packages if after else {}
    whole = bool((after or before or PackageFile()).whole)
    return [
        PackageChange(file, package, old.get(package), new.get(package), whole)
        for package in sorted(old.keys() | new.keys())
        if old.get(package) != new.get(package)
    ]
