"""Small real records and ledgers for the ledger's tests."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from provgraph.ledger import Ledger
from provgraph.model.digests import content_digest
from provgraph.model.records import Product, RunRecord, Step, Tracing, Use

PROJECT = "0123456789abcdef0123"
AT = "2026-01-02T03:04:05.000000Z"


def a_run(number: int = 0, *, private: Mapping[str, str] | None = None, uses: int = 1) -> RunRecord:
    """Make a run record, another for each number."""
    digest = content_digest(f"input {number}".encode())
    return RunRecord(
        project=PROJECT,
        at=AT,
        run=f"01J{number:023d}",
        step=Step(key="train", label="train.py", named=True),
        status="ok",
        exit=0,
        started=AT,
        ended=AT,
        uses=tuple(
            Use(name=f"data/{number}-{which}.csv", digest=digest, touched={"#bytes": digest})
            for which in range(uses)
        ),
        produces=(Product(name="model.pkl", digest=content_digest(b"model")),),
        tracing=Tracing(method="hooks", complete=True, processes=1),
        private=dict(private or {}),
    )


def a_ledger(place: Path) -> Ledger:
    """Open a ledger of the tests' project."""
    return Ledger.open(place, PROJECT)


def git(*arguments: str, cwd: Path) -> str:
    """Run git as a user of no particular configuration."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environ |= {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        **{f"GIT_{who}_{what}": "t@example.org" for who in ("AUTHOR", "COMMITTER")
           for what in ("NAME", "EMAIL")},
    }  # fmt: skip
    done = subprocess.run(
        ["git", *arguments], cwd=cwd, env=environ, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def a_repository(directory: Path) -> Path:
    """Make a git repository with one commit."""
    directory.mkdir(parents=True, exist_ok=True)
    git("init", "--quiet", "--initial-branch=main", cwd=directory)
    (directory / "train.py").write_text("print('train')\n")
    git("add", ".", cwd=directory)
    git("commit", "--quiet", "--message=first", cwd=directory)
    return directory
