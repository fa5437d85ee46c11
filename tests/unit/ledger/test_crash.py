"""What an acknowledgement is worth: killed writers, full and read-only disks, failing fsyncs."""

from __future__ import annotations

import errno
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from provgraph.errors import WriteFailed
from provgraph.ledger import Ledger, verify
from provgraph.ledger.files import sweep
from tests.unit.ledger.making import a_ledger, a_run

ROOT = Path(__file__).parents[3]

# Appends a record and its objects for ever; says each name once it was acknowledged.
WRITER = """
import sys
from pathlib import Path
from tests.unit.ledger.making import a_ledger, a_run
ledger = a_ledger(Path(sys.argv[1]))
for number in range(int(sys.argv[2]), int(sys.argv[3])):
    private = {"agent": ledger.put_private("agent", {"user": str(number)})}
    name = ledger.append(a_run(number, private=private, uses=5))
    sys.stdout.write(name + "\\n")
    sys.stdout.flush()
"""


def writer(place: Path, first: int, end: int = 10**9, *, before: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", before + WRITER, str(place), str(first), str(end)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_killed_writer_loses_nothing_acknowledged(ledger: Ledger) -> None:
    chance = random.Random(7)
    acknowledged: set[str] = set()
    for turn in range(8):
        process = writer(ledger.place, turn * 10_000)
        assert process.stdout is not None
        acknowledged.add(process.stdout.readline().strip())
        time.sleep(chance.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate()
        acknowledged |= {line for line in rest.split("\n") if len(line) == 64}
    assert acknowledged <= ledger.names()
    found = verify(ledger)
    assert found.whole, found
    assert found.records >= 8


def test_what_a_killed_writer_left_is_swept_once_it_is_old(ledger: Ledger) -> None:
    name = ledger.append(a_run())
    directory = ledger.members.path_of("records", name).parent
    left = directory / ".tmp-123-abc"
    left.write_bytes(b"{")
    assert sweep(ledger.place) == 0
    os.utime(left, (0, 0))
    assert sweep(ledger.place) == 1
    assert ledger.names() == {name}


def test_many_processes_write_at_once(ledger: Ledger) -> None:
    # The first 20 numbers are the same for all: they write the same records at the same time.
    processes = [writer(ledger.place, 0, 20) for _ in range(3)]
    processes += [writer(ledger.place, 100, 120)]
    said: set[str] = set()
    for process in processes:
        out, complaint = process.communicate(timeout=60)
        assert process.returncode == 0, complaint
        said |= set(out.split())
    assert said == ledger.names()
    assert len(said) == 40
    assert verify(ledger).whole


def test_processes_that_open_a_new_ledger_at_once_agree_on_its_key(tmp_path: Path) -> None:
    place = tmp_path / "new"
    processes = [writer(place, 0, 1) for _ in range(4)]
    outputs = {process.communicate(timeout=60)[0] for process in processes}
    assert len(outputs) == 1  # the record names a salted object, and the salt comes from the key
    assert [process.returncode for process in processes] == [0] * 4


def test_a_full_disk_is_said_and_leaves_the_ledger_whole(tmp_path: Path) -> None:
    script = f"""
set -e
mount -t tmpfs -o size=300k tmpfs {tmp_path}
cd {ROOT}
set +e
{sys.executable} -c '{WRITER}' {tmp_path}/ledger 0 1000 2>{tmp_path}.err >{tmp_path}.out
echo $?
cp -r {tmp_path}/ledger {tmp_path}.copy
"""
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", script],
        capture_output=True,
        text=True,
        check=False,
    )
    if "mount" in done.stderr or "unshare" in done.stderr:
        pytest.skip(f"no mounts here: {done.stderr.strip()}")
    assert done.stdout.strip() == "1", done.stderr
    assert "No space left on device; nothing was recorded" in Path(f"{tmp_path}.err").read_text()
    copy = a_ledger(Path(f"{tmp_path}.copy"))
    acknowledged = set(Path(f"{tmp_path}.out").read_text().split())
    assert acknowledged
    assert acknowledged == copy.names()
    found = verify(copy)
    assert found.whole, found
    assert not list(copy.place.rglob(".tmp-*"))


def test_a_file_too_large_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    # Python ignores SIGXFSZ, so the limit comes as an error, as a full disk does.
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (400, 400))\n"
    ledger = a_ledger(tmp_path / "ledger")
    process = writer(ledger.place, 0, 3, before=limit)
    out, complaint = process.communicate(timeout=60)
    assert process.returncode == 1
    assert out == ""
    assert "WriteFailed" in complaint
    assert "nothing was recorded" in complaint
    assert ledger.names() == set()
    assert not list(ledger.place.rglob(".tmp-*"))
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 400


def test_a_read_only_ledger_is_read_and_a_write_is_refused(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path / "ledger")
    name = ledger.append(a_run(1))
    reading = f"""
from provgraph.errors import WriteFailed
from tests.unit.ledger.making import *
ledger = a_ledger(Path({str(ledger.place)!r}))
assert ledger.read({name!r}) == a_run(1)
assert len(ledger.key) == 32
for write in (lambda: ledger.append(a_run(2)), lambda: ledger.put_object(b"x"),
              lambda: ledger.put_private("agent", {{"user": "eva"}})):
    try:
        write()
    except WriteFailed as error:
        assert error.hint, error
        print(error.message)
    else:
        raise SystemExit("written")
"""
    command = (
        f"mount --bind {ledger.place} {ledger.place} && mount -o remount,bind,ro {ledger.place}"
    )
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c",
         f'{command} && cd {ROOT} && exec {sys.executable} -c "$0"', reading],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "mount" in done.stderr or "unshare" in done.stderr:
        pytest.skip(f"no mounts here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Read-only file system; nothing was recorded") == 3


def test_a_failed_fsync_is_never_acknowledged_nor_retried(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def failing(fd: int) -> None:
        calls.append(fd)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    name = ledger.append(a_run())
    ledger.members.path_of("records", name).unlink()  # its directory stays
    with monkeypatch.context() as context:
        context.setattr(os, "fsync", failing)
        with pytest.raises(WriteFailed, match="Input/output error") as caught:
            ledger.append(a_run())
    assert "disk" in caught.value.hint
    assert len(calls) == 1
    assert ledger.names() == set()
    assert not list(ledger.place.rglob(".tmp-*"))


def test_a_directory_that_fails_to_sync_takes_the_record_back(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = ledger.append(a_run())
    ledger.members.path_of("records", name).unlink()
    real = os.fsync

    def failing(fd: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{fd}"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(fd)

    with monkeypatch.context() as context:
        context.setattr(os, "fsync", failing)
        with pytest.raises(WriteFailed):
            ledger.append(a_run())
    assert ledger.names() == set()
