"""Whether provgraph can work here: python, git, project, ledger, graph, tracing, columns."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

from provgraph.cli.options import Format
from provgraph.cli.session import Session
from provgraph.errors import Exit, ProvgraphError

if TYPE_CHECKING:
    from provgraph.project import Project


class Check(NamedTuple):
    """One thing looked at: whether it is well, what was found, what to do if it isn't."""

    about: str
    ok: bool
    found: str
    hint: str = ""


def doctor(ctx: typer.Context, format: Format = "text") -> None:
    """Check whether provgraph can work here.

    Looks at Python, git, the project, its ledger, cache and graph, and at the shared graph where
    there is one: the connection, its version, constraints, clock, and the records on both sides.
    Exit 1 if something is wrong.

    Examples:
        provgraph doctor
    """
    from provgraph.model.answers import Report

    session: Session = ctx.obj
    checks = [python(), git()]
    try:
        checks += of_project(session.project())
    except ProvgraphError as error:
        checks.append(Check("project", False, error.message, error.hint))
    words = [line for check in checks for line in lines_of(check)]
    facts = {check.about: check._asdict() for check in checks}
    ok = all(check.ok for check in checks)
    session.answer(Report("doctor", ok=ok, words=tuple(words), facts=facts), format=format)
    if not ok:
        raise typer.Exit(Exit.GATE_FAILS)


def lines_of(check: Check) -> Iterator[str]:
    """Say a check in a line, and what to do in another."""
    yield f"{'ok' if check.ok else 'WRONG':7}{check.about:9}{check.found}"
    if check.hint and not check.ok:
        yield f"{'':16}{check.hint}"


def python() -> Check:
    """Look at the interpreter."""
    return Check(
        "python",
        sys.version_info >= (3, 11),
        f"{platform.python_version()} ({sys.executable})",
        "provgraph needs Python 3.11 or newer",
    )


def git() -> Check:
    """Look for git, without which commits aren't recorded and the ledger can't go to a remote."""
    try:
        said = subprocess.run(
            ["git", "--version"], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        hint = "without git, commits aren't recorded and push and pull need a folder"
        return Check("git", False, f"can't be run: {error}", hint)
    return Check("git", True, said.stdout.strip().removeprefix("git version "))


def of_project(project: Project) -> list[Check]:
    """Look at a project's ledger, cache, graph and tracing."""
    checks = [
        Check("project", True, f"{project.root} ({project.id})"),
        writable("ledger", project.ledger_path, "runs can't be recorded until it is"),
        writable("cache", project.cache_path, "is the disk full, or XDG_CACHE_HOME wrong?"),
    ]
    try:
        status = project.graph_status()
    except ProvgraphError as error:
        checks.append(Check("graph", False, error.message, error.hint))
    else:
        left_out = len(status.left_out)
        found = f"{status.records:,} records in {status.place}"
        found += f", {left_out:,} left out" if left_out else ""
        hint = "provgraph graph status names them; provgraph graph rebuild tries again"
        checks.append(Check("graph", not left_out, found, hint))
    checks += [Check(*finding) for finding in project.graph_health()]
    checks.append(Check("tracing", True, project.tracing))
    checks.append(columns())
    return checks


def columns() -> Check:
    """Look for what tells columns of tables apart; without it they count as a whole."""
    try:
        found = f"pyarrow {version('pyarrow')} tells those of Parquet files apart"
    except PackageNotFoundError:
        found = "Parquet files count as a whole; better: pip install 'provgraph[parquet]'"
    return Check("columns", True, found)


def writable(about: str, folder: Path, hint: str) -> Check:
    """Try to write in a folder (the nearest that exists, where it isn't made yet)."""
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        with tempfile.NamedTemporaryFile(dir=place, prefix=".doctor-") as file:
            file.write(b"\0")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return Check(about, False, f"{folder} can't be written: {error.strerror}", hint)
    return Check(about, True, str(folder))
