"""strace's log is read whole or not believed."""

from __future__ import annotations

from pathlib import Path

import pytest

from provgraph.collect.tracing.preload.strace import Traced, read_log


def text(path: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in path.encode())


BEGIN = f'9 1.000001 execve("{text("./p")}", [...], 0x7ffd /* 35 vars */) = 0\n'
END = "9 9.000001 +++ exited with 0 +++\n"


def read(tmp_path: Path, *lines: str) -> Traced:
    (tmp_path / "log").write_text("".join(lines))
    return read_log(str(tmp_path / "log"), b"/w")


def seen(traced: Traced) -> list[tuple[str, bytes]]:
    return [(one.action, one.path) for one in traced.accesses]


def test_a_whole_log_is_complete(tmp_path: Path) -> None:
    assert read(tmp_path, BEGIN, END).complete


@pytest.mark.parametrize(
    "lines",
    [
        (),
        (END,),
        (BEGIN,),
        (BEGIN, "9 2.000001 op", END),
        (BEGIN, "9 2.000001 fork() = 10\n", END),
        (BEGIN, "9 2.000001 <... openat resumed>) = 3\n", END),
    ],
)
def test_a_log_that_lacks_something_is_not(tmp_path: Path, lines: tuple[str, ...]) -> None:
    assert not read(tmp_path, *lines).complete


def test_numbers_are_padded_and_signals_are_no_calls(tmp_path: Path) -> None:
    lines = [line.replace("9 ", "9    ", 1) for line in (BEGIN, END)]
    signal = "9    2.000001 --- SIGURG {si_signo=SIGURG} ---\n"
    assert read(tmp_path, lines[0], signal, lines[1]).complete


def test_relative_paths_follow_the_directory_of_each_call(tmp_path: Path) -> None:
    traced = read(
        tmp_path,
        BEGIN,
        f'9 2.1 openat(AT_FDCWD<{text("/w/a")}>, "{text("x")}", O_RDONLY) = 3<{text("/w/a/x")}>\n',
        f'9 2.2 chdir("{text("/v")}") = 0\n',
        f'9 2.3 access("{text("no")}", R_OK) = -1 ENOENT (No such file or directory)\n',
        f'9 2.4 rename("{text("a")}", "{text("/b c")}") = 0\n',
        END,
    )
    assert seen(traced) == [
        ("read", b"/w/./p"),
        ("read", b"/w/a/x"),
        ("absent", b"/v/no"),
        ("remove", b"/b c"),
        ("rename", b"/v/a"),
    ]
    assert traced.complete


def test_a_call_that_another_interrupts_is_put_together(tmp_path: Path) -> None:
    traced = read(
        tmp_path,
        BEGIN,
        "9 2.0 clone3({flags=CLONE_VM|CLONE_THREAD}, 88) = 10\n",
        f'10 2.1 openat(AT_FDCWD<{text("/w")}>, "{text("x")}", O_WRONLY|O_CREAT|O_TRUNC, 0644 '
        "<unfinished ...>\n",
        "9 2.2 io_uring_setup(8, {}) = 4\n",
        f"10 2.3 <... openat resumed>) = 3<{text('/w/x')}>\n",
        "10 2.4 +++ exited with 0 +++\n",
        END,
    )
    assert seen(traced)[1:] == [("write", b"/w/x")]
    assert traced.complete
    assert traced.uring


def test_a_child_may_end_before_its_parent_hears_of_it(tmp_path: Path) -> None:
    lines = (
        "9 2.0 vfork( <unfinished ...>\n",
        "10 2.1 +++ exited with 0 +++\n",
        "9 2.2 <... vfork resumed>) = 10\n",
    )
    assert read(tmp_path, BEGIN, *lines, END).complete
    assert not read(tmp_path, BEGIN, lines[0], lines[2], END).complete


def test_a_directory_that_isnt_known_is_a_doubt(tmp_path: Path) -> None:
    look = f'10 2.1 access("{text("x")}", R_OK) = 0\n'
    child = ("9 2.0 vfork( <unfinished ...>\n", look, "9 2.2 <... vfork resumed>) = 10\n")
    end = ("10 2.3 +++ exited with 0 +++\n", END)
    moved = f'9 1.5 chdir("{text("/v")}") = 0\n'
    assert read(tmp_path, BEGIN, *child, *end).complete
    assert not read(tmp_path, BEGIN, moved, *child, *end).complete
