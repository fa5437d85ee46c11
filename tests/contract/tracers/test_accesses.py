"""What a watched program does to files is seen, as what it was."""

from __future__ import annotations

import os
import sys
import zipapp

import pytest

from provgraph.model.digests import content_digest

from .conftest import Watch


def test_a_read_and_a_write_are_seen(watch: Watch) -> None:
    watch.write("in.csv", "1")
    seen = watch.python("open('out.csv', 'w').write(open('in.csv').read())")
    assert {("program", "main.py"), ("read", "in.csv"), ("write", "out.csv")} == seen.seen()
    assert seen.gaps == set()


def test_an_imported_module_is_a_module_also_from_its_bytecode(watch: Watch) -> None:
    watch.write("helper.py", "X = 1")
    watch.write("package/__init__.py", "")
    watch.write("package/inner.py", "")
    for _ in range(2):
        seen = watch.python("import helper, package.inner")
        assert seen.seen() == {
            ("program", "main.py"),
            ("module", "helper.py"),
            ("module", "package/__init__.py"),
            ("module", "package/inner.py"),
        }


def test_a_source_that_is_read_as_data_is_told_from_one_that_is_imported(watch: Watch) -> None:
    watch.write("helper.py", "def f():\n    return 1\n")
    seen = watch.python("import helper, inspect\ninspect.getsource(helper.f)")
    assert {("module", "helper.py"), ("source", "helper.py")} <= seen.seen()


def test_a_traceback_or_a_warning_that_shows_a_line_reads_no_source(watch: Watch) -> None:
    watch.write("helper.py", "import warnings\ndef f():\n    warnings.warn('careful')\n    1 / 0\n")
    seen = watch.python("import helper, traceback\ntry: helper.f()\nexcept: traceback.print_exc()")
    assert not seen.seen("source")


def test_a_module_run_with_dash_m_is_the_program(watch: Watch) -> None:
    watch.write("package/__init__.py", "")
    watch.write("package/tool.py", "import os")
    seen = watch.run(sys.executable, "-m", "package.tool")
    assert ("program", "package/tool.py") in seen.seen()


@pytest.mark.parametrize(
    "look",
    [
        "os.path.exists('no')",
        "os.path.isfile('no')",
        "os.path.isdir('no')",
        "os.path.lexists('no')",
        "os.access('no', os.R_OK)",
        "pathlib.Path('no').exists()",
        "pathlib.Path('no').is_file()",
        "fails(os.stat, 'no')",
        "fails(os.lstat, b'no')",
        "fails(os.readlink, 'no')",
        "fails(open, 'no')",
        "fails(os.listdir, 'no')",
        "fails(os.stat, pathlib.Path('no'))",
        "fails(os.stat, path='no')",
    ],
)
def test_looking_for_what_is_not_there_is_seen(watch: Watch, look: str) -> None:
    source = (
        "import os, pathlib\n"
        "def fails(call, *args, **options):\n"
        "    try: call(*args, **options)\n"
        "    except OSError: pass\n"
    )
    assert watch.python(source + look).seen("absent") == {("absent", "no")}


def test_spelling_a_path_out_is_not_looking_for_it(watch: Watch) -> None:
    seen = watch.python("import os, pathlib\nos.path.realpath('o')\npathlib.Path('o').resolve()")
    assert not seen.seen("absent")


def test_pillow_looking_what_to_clean_up_is_not_looking_for_it(watch: Watch) -> None:
    watch.write("PIL/__init__.py", "")
    watch.write("PIL/Image.py", "import os\ndef save(path): os.path.exists(path); open(path, 'w')")
    seen = watch.python("from PIL import Image\nImage.save('x.png')")
    assert seen.seen("absent", "write") == {("write", "x.png")}


def test_an_archive_that_is_run_is_read(watch: Watch) -> None:
    watch.write("app/__main__.py", "open('x')")
    watch.write("x", "")
    zipapp.create_archive(watch.project / "app", watch.project / "app.pyz")
    seen = watch.run(sys.executable, "app.pyz")
    assert {("read", "app.pyz"), ("read", "x")} <= seen.seen()


def test_the_content_before_a_rewrite_is_hashed(watch: Watch) -> None:
    watch.write("x.csv", "old")
    seen = watch.python("t = open('x.csv').read()\nopen('x.csv', 'w').write(t + 'new')")
    assert seen.before("write", "x.csv") == content_digest(b"old")


@pytest.mark.parametrize(
    ("change", "action"),
    [
        ("open('x.csv', 'r+').write('n')", "update"),
        ("open('x.csv', 'a').write('n')", "append"),
        ("os.truncate('x.csv', 1)", "update"),
        ("open('x.csv').read(); os.remove('x.csv')", "remove"),
        (
            "open('x.csv').read(); pathlib.Path('y').write_text(''); os.replace('y', 'x.csv')",
            "remove",
        ),
        ("os.rename('x.csv', 'y.csv')", "rename"),
    ],
)
def test_the_content_before_any_other_change_is_hashed(
    watch: Watch, change: str, action: str
) -> None:
    watch.write("x.csv", "old")
    seen = watch.python("import os, pathlib\n" + change)
    assert seen.before(action, "x.csv") == content_digest(b"old")


def test_what_is_too_large_to_hash_is_said(watch: Watch) -> None:
    watch.write("x.bin", b"x" * (2 << 20))
    seen = watch.python("open('x.bin', 'rb').read()\nopen('x.bin', 'wb').write(b'')")
    assert seen.before("write", "x.bin") == "too-large"


def test_a_file_that_was_not_read_is_not_hashed_before_it_is_replaced(watch: Watch) -> None:
    watch.write("out.csv", "old")
    assert watch.python("open('out.csv', 'w').write('new')").before("write", "out.csv") is None


def test_a_second_process_has_the_content_hashed_that_the_first_may_have_read(
    watch: Watch,
) -> None:
    watch.write("x.csv", "old")
    watch.write("child.py", "open('x.csv', 'w').write('new')")
    seen = watch.python(
        "import subprocess, sys\nopen('x.csv').read()\nsubprocess.run([sys.executable, 'child.py'])"
    )
    assert seen.before("write", "x.csv") == content_digest(b"old")


def test_a_temporary_file_renamed_is_seen_as_both(watch: Watch) -> None:
    seen = watch.python("import os\nopen('t', 'w').write('1')\nos.replace('t', 'final')")
    assert {("write", "t"), ("rename", "t", "final")} <= seen.seen()


def test_a_database_is_updated(watch: Watch) -> None:
    source = "import sqlite3\nsqlite3.connect('d.db').execute('create table if not exists t (x)')"
    assert ("write", "d.db") in watch.python(source).seen()
    assert ("update", "d.db") in watch.python(source).seen()


@pytest.mark.parametrize("way", ["os.listdir('d')", "glob.glob('d/*.csv')", "list(os.walk('d'))"])
def test_a_listed_directory_is_seen(watch: Watch, way: str) -> None:
    watch.write("d/a.csv", "")
    assert ("list", "d") in watch.python(f"import glob, os\n{way}").seen()


def test_looking_for_packages_lists_nothing(watch: Watch) -> None:
    source = "import importlib.metadata as m, os\n[d.name for d in m.distributions()]"
    assert not watch.python(source).seen("list")


def test_names_of_every_sort(watch: Watch) -> None:
    names = [b"with space", b"line\nbreak", b"\xff\xfe", "größe-数".encode(), b"%41", b"'\"<b>"]
    for name in names:
        path = os.path.join(os.fsencode(watch.project), name)
        with open(path, "wb") as file:
            file.write(b"x")
    seen = watch.python(f"for name in {names!r}: open(name).close()")
    assert {("read", os.fsdecode(name)) for name in names} == seen.seen("read")


def test_relative_paths_follow_chdir(watch: Watch) -> None:
    watch.write("a/x", "")
    watch.write("b/x", "")
    seen = watch.python(
        "import os\nos.chdir('a')\nopen('x')\nos.chdir('../b')\nopen('x')\nopen('../a/./x')"
    )
    assert seen.seen("read") == {("read", "a/x"), ("read", "b/x")}


def test_a_path_beside_a_descriptor_of_its_directory(watch: Watch) -> None:
    watch.write("d/x", "")
    seen = watch.python("import os\nd = os.open('d', os.O_RDONLY)\nos.unlink('x', dir_fd=d)")
    assert ("remove", "d/x") in seen.seen()


def test_threads_lose_nothing(watch: Watch) -> None:
    names = [f"t{number}" for number in range(400)]
    for name in names:
        watch.write(name, "")
    seen = watch.python(
        "from concurrent.futures import ThreadPoolExecutor\n"
        "def f(n):\n"
        "    for i in range(n, 400, 8): open(f't{i}').close()\n"
        "with ThreadPoolExecutor(8) as pool: list(pool.map(f, range(8)))"
    )
    assert seen.seen("read") == {("read", name) for name in names}
    assert seen.gaps == set()


def test_a_kill_loses_nothing_that_was_done(watch: Watch) -> None:
    watch.write("a", "")
    watch.write("b", "")
    seen = watch.python("import os\nopen('a')\nopen('b')\nopen('c', 'w')\nos.kill(os.getpid(), 9)")
    assert seen.status == -9
    assert {("read", "a"), ("read", "b"), ("write", "c")} <= seen.seen()


def test_a_program_that_closes_every_descriptor_is_still_seen(watch: Watch) -> None:
    watch.write("a", "")
    watch.write("b", "")
    seen = watch.python(
        "import os\nopen('a')\nos.closerange(3, 4096)\nopen('b')\n"
        "w = [os.open(f'o{i}', os.O_CREAT | os.O_WRONLY) for i in range(800)]\n"
        "for d in w: os.write(d, b'x')\n"
    )
    assert seen.seen("read") == {("read", "a"), ("read", "b")}
    assert {path.read_bytes() for path in watch.project.glob("o*")} == {b"x"}


def test_standard_streams_that_are_files_are_seen(watch: Watch) -> None:
    source = watch.write("in.csv", "1\n2\n")
    watch.write("log.csv", "old\n")
    with (
        source.open() as given,
        (watch.project / "out.csv").open("w") as taken,
        (watch.project / "log.csv").open("a") as log,
    ):
        seen = watch.python(
            "import sys\nsys.stdout.write(sys.stdin.read())", stdin=given, stdout=taken, stderr=log
        )
    assert seen.finished is not None
    streams = {(one.action, seen.name(one.path)) for one in seen.finished.streams}
    assert streams == {("read", "in.csv"), ("write", "out.csv"), ("append", "log.csv")}
    assert (watch.project / "out.csv").read_text() == "1\n2\n"
