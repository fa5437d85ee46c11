"""Disks that are really full: under the ledger, the spool, the caches, the project itself."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from provgraph.collect.tracing.preload.build import library
from provgraph.collect.tracing.preload.strace import words
from tests.faults.world import RUN, World, ours
from tests.scenario.shell import PROVGRAPH
from tests.support.required import missing

KIB = 1 << 10
Small = Callable[[Path, int], "Disk"]


class Disk:
    """A file system of its own, mounted over a directory with what lay there."""

    def __init__(self, place: Path, size: int) -> None:
        self.place = place
        self._ballast = place / ".ballast"
        kept = place.with_name(place.name + ".kept")
        place.rename(kept)
        place.mkdir()
        words = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(place)]
        if subprocess.run(words, capture_output=True, check=False).returncode:
            pytest.skip("a small file system can't be mounted here")
        shutil.copytree(kept, place, symlinks=True, dirs_exist_ok=True)
        shutil.rmtree(kept)

    def fill(self, but: int) -> None:
        """Fill it up, but for so many bytes."""
        free = os.statvfs(self.place)
        with self._ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, free.f_bavail * free.f_frsize - but)

    def free(self) -> None:
        """Let there be room again."""
        self._ballast.unlink()

    def unmount(self) -> None:
        subprocess.run(["umount", self.place], check=True)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Small]:
    """Give a way to make a directory a small disk."""
    disks: list[Disk] = []

    def make(place: Path, size: int) -> Disk:
        disks.append(Disk(place, size))
        return disks[-1]

    yield make
    for disk in disks:
        disk.unmount()


# From nothing at all, over no room for the ring, to none for what is recorded at the end.
@pytest.mark.parametrize("but", [0, 40 * KIB, 1000 * KIB, 8 * KIB * KIB + 64 * KIB])
def test_a_full_disk_under_the_ledger(world: World, small: Small, but: int) -> None:
    disk = small(world.ledger, 32 * KIB * KIB)
    disk.fill(but)
    said = world.project.call(*PROVGRAPH, *RUN)
    disk.free()
    assert ours(said)[0]
    assert world.judged(said) == []


@pytest.mark.parametrize("but", [24 * KIB, 8 * KIB * KIB + 56 * KIB])
def test_a_full_disk_under_the_spool(world: World, small: Small, but: int) -> None:
    disk = small(world.ledger / "spool", 32 * KIB * KIB)
    disk.fill(but)
    said = world.project.call(*PROVGRAPH, *RUN)
    disk.free()
    assert world.judged(said) == []


# Looks for so many names, and so long ones, that the first chunk of what processes share is full.
MANY = (
    "$x = qq(__pycache__/) . qq(long/) x 600; for (0..3000) { -e qq($x$_) }"
    " open(F, q(>), q(last.out)); print F 1; print qq(done\\n)"
)


def log_cut(world: World) -> bool:
    """Tell whether the run of MANY says that something of it is missing."""
    (run,) = [name for name in world.logged() if name not in world.before]
    gaps = world.project.ask("show", f"run:{run}")["gaps"]
    return "log-cut" in {gap["reason"] for gap in gaps if gap["grade"] == "blocking"}


@pytest.mark.parametrize("grows", [True, False])
def test_a_full_disk_as_a_command_has_more_to_say(world: World, small: Small, grows: bool) -> None:
    if not library().path:
        missing("native", library().why)
    disk = small(world.ledger / "spool", 32 * KIB * KIB)
    disk.fill((24 if grows else 10) * KIB * KIB)
    said = world.project.run("perl", "-e", MANY)
    assert (said.code, said.out) == (0, b"done\n")
    disk.free()
    assert log_cut(world) == (not grows)
    assert world.usable() == []


def test_a_signal_as_a_command_has_more_to_say(world: World) -> None:
    if not library().path:
        missing("native", library().why)
    if not words(os.environ):
        pytest.skip("strace may not trace here")
    # The first of each process that makes room is interrupted.
    what = ("-e", "trace=fallocate", "-e", "inject=fallocate:error=EINTR:when=1")
    inject = ("strace", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", *what)
    said = world.project.call(*inject, *PROVGRAPH, "run", "--", "perl", "-e", MANY)
    assert said == (0, b"done\n", b"")
    assert not log_cut(world)


def test_a_full_disk_under_the_caches_stops_nothing(world: World, small: Small) -> None:
    disk = small(world.cache, 32 * KIB * KIB)
    shutil.rmtree(world.cache / "provgraph")
    disk.fill(0)
    said = world.project.call(*PROVGRAPH, *RUN)
    impact = world.project.hit("in.csv")
    assert world.kind_of(said) == "recorded"
    assert {"mid.csv", "out.txt"} <= impact
    disk.free()
    assert world.judged(said) == []


def test_a_full_disk_under_the_project(world: World, small: Small) -> None:
    elsewhere = world.place / "now" / "git"
    world.project.git("init", "--separate-git-dir", str(elsewhere))
    (world.project.root / "mid.csv").unlink()
    disk = small(world.project.root, 32 * KIB * KIB)
    disk.fill(0)
    bare = world.project.call("sh", "-e", "all.sh")
    (world.project.root / "mid.csv").unlink()
    said = world.project.call(*PROVGRAPH, "run", "--", "sh", "-e", "all.sh")
    assert bare.code != 0
    assert b"No space left" in bare.err
    assert said == bare
    disk.free()
    new = [one for name, one in world.logged().items() if name not in world.before]
    assert {one["status"] for one in new} == {"failed"}
    assert world.usable() == []
