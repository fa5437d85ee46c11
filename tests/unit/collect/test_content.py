"""Contents: hashing, and a cache that misses no change."""

import os
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from provgraph.collect import content
from provgraph.collect.content import Changing, Contents, Stamp, StatCache, TooLarge
from provgraph.model.digests import ABSENT, EMPTY, content_digest, key_id, keyed_digest
from provgraph.model.parts import BYTES, LISTING, SYNTAX

KEY = b"k" * 32


@pytest.fixture
def cache(tmp_path: Path) -> StatCache:
    return StatCache(tmp_path / "cache" / "stat.sqlite")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


def contents(root: Path, cache: StatCache | None = None, **more: object) -> Contents:
    return Contents(root, KEY, cache, **more)  # type: ignore[arg-type]


def settle() -> None:
    """Wait until files written before are older than the cache's margin."""
    time.sleep(0.15)


def test_a_file_is_named_by_its_bytes(root: Path) -> None:
    (root / "a").write_bytes(b"hello")
    (root / "empty").write_bytes(b"")
    seen = contents(root)
    assert seen.digest("a") == seen.digest(root / "a") == (content_digest(b"hello"), 5)
    assert seen.digest(os.fsencode(root / "empty")) == (EMPTY, 0)


@pytest.mark.parametrize("size", [1 << 20, (1 << 20) + 1, 33 << 20])
def test_large_files_are_hashed_as_small_ones(root: Path, size: int) -> None:
    data = os.urandom(1 << 16) * (size // (1 << 16)) + b"x" * (size % (1 << 16))
    (root / "big").write_bytes(data)
    assert contents(root).digest("big") == (content_digest(data), size)


def test_where_no_file_is_there_is_no_digest(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "dir").mkdir()
    (root / "file").touch()
    os.mkfifo(root / "pipe")
    (root / "dangling").symlink_to("nowhere")
    listener = socket.socket(socket.AF_UNIX)
    monkeypatch.chdir(root)
    listener.bind("socket")
    listener.close()
    odd = ["dir", "pipe", "socket", "dangling", "missing", "file/below", "nul\0", "x" * 300]
    assert contents(root).digests(odd) == dict.fromkeys(odd)


def test_hostile_names_are_only_names(root: Path) -> None:
    names = [b"a b", b"new\nline", b"q\"'`$(x)", b"\xff\xfe", b"<b>", "ü".encode(), b"-rf", b"%41"]
    for name in names:
        Path(os.fsdecode(os.path.join(os.fsencode(root), name))).write_bytes(name)
    found = contents(root, StatCache(root / "c.sqlite")).digests(names)
    assert found == {name: (content_digest(name), len(name)) for name in names}


def test_links_are_followed(root: Path) -> None:
    (root / "a").write_bytes(b"1")
    (root / "link").symlink_to("a")
    assert contents(root).digest("link") == contents(root).digest("a")


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs Linux")
def test_what_cannot_be_read_is_an_error(root: Path) -> None:
    (root / "bad").symlink_to("/proc/self/mem")
    (root / "loop").symlink_to("loop")
    (root / "good").write_bytes(b"1")
    for name in ("bad", "loop"):
        with pytest.raises(OSError, match=r"error|symbolic"):
            contents(root).digest(name)
    found = contents(root).digests(["bad", "good"])
    assert isinstance(found["bad"], OSError)
    assert found["good"] == (content_digest(b"1"), 1)


def test_many_files_are_hashed_alike_with_threads(root: Path) -> None:
    for index in range(300):
        (root / str(index)).write_bytes(b"%d" % index)
    names = [str(index) for index in range(300)]
    expected = {name: (content_digest(name.encode()), len(name)) for name in names}
    assert contents(root).digests(names) == expected


def test_the_cache_answers_for_unchanged_files(root: Path, cache: StatCache) -> None:
    (root / "a").write_bytes(b"1")
    settle()
    contents(root, cache).digest("a")
    with (
        closing(sqlite3.connect(cache.file)) as connection,
        connection,
    ):  # what is remembered is what is answered
        connection.execute("UPDATE file SET digest = 'b3:remembered'")
    assert contents(root, cache).digest("a") == ("b3:remembered", 1)


def test_another_process_shares_the_cache(root: Path, cache: StatCache) -> None:
    (root / "a").write_bytes(b"1")
    settle()
    contents(root, cache).digest("a")
    cache.close()
    again = StatCache(cache.file)
    path = str(root / "a")
    seen = os.stat(path)
    stamp = Stamp(seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)
    assert again.find({path: stamp}) == {path: content_digest(b"1")}


@pytest.mark.parametrize("how", ["in place", "replaced", "mapped"])
def test_same_size_and_restored_mtime_is_a_change(root: Path, cache: StatCache, how: str) -> None:
    path = root / "a"
    path.write_bytes(b"one")
    settle()
    seen = contents(root, cache)
    assert seen.digest("a") == (content_digest(b"one"), 3)
    before = path.stat()
    if how == "replaced":
        (root / "b").write_bytes(b"two")
        (root / "b").rename(path)
    elif how == "mapped":
        import mmap

        with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
            mapped[:] = b"two"
    else:
        with path.open("r+b") as file:
            file.write(b"two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert seen.digest("a") == (content_digest(b"two"), 3)


def test_a_fresh_file_is_not_trusted_later(root: Path, cache: StatCache) -> None:
    """Writes within one tick of the clock may leave the same stamp (git's racy rule)."""
    path = root / "a"
    seen = contents(root, cache)
    for round_ in range(200):
        data = b"%03d" % round_
        path.write_bytes(data)
        assert seen.digest("a") == (content_digest(data), 3)
    with closing(sqlite3.connect(cache.file)) as connection, connection:
        assert connection.execute("SELECT count(*) FROM file").fetchone() == (0,)


def test_a_file_from_the_future_is_not_trusted(root: Path, cache: StatCache) -> None:
    (root / "a").write_bytes(b"1")
    os.utime(root / "a", (2**32, 2**32))
    settle()
    contents(root, cache).digest("a")
    with closing(sqlite3.connect(cache.file)) as connection, connection:
        assert connection.execute("SELECT count(*) FROM file").fetchone() == (0,)


def test_a_moved_file_does_not_inherit_a_digest(root: Path, cache: StatCache) -> None:
    (root / "a").write_bytes(b"1")
    (root / "b").write_bytes(b"2")
    settle()
    seen = contents(root, cache)
    seen.digests(["a", "b"])
    os.rename(root / "a", root / "t")
    os.rename(root / "b", root / "a")
    os.rename(root / "t", root / "b")
    assert seen.digests(["a", "b"]) == {
        "a": (content_digest(b"2"), 1),
        "b": (content_digest(b"1"), 1),
    }


def test_nothing_is_remembered_where_stamps_cannot_be_trusted(
    root: Path, cache: StatCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "a").write_bytes(b"1")
    settle()
    monkeypatch.setattr(content, "_TRUSTED", {})
    monkeypatch.setattr(sys, "platform", "linux")
    assert contents(root, cache).digest("a") == (content_digest(b"1"), 1)
    with closing(sqlite3.connect(cache.file)) as connection, connection:
        assert connection.execute("SELECT count(*) FROM file").fetchone() == (0,)


@pytest.mark.parametrize("damage", ["text", "torn", "directory", "deleted meanwhile", "read-only"])
def test_a_broken_cache_only_costs_time(root: Path, cache: StatCache, damage: str) -> None:
    (root / "a.py").write_bytes(b"x = 1")
    settle()
    seen = contents(root, cache)
    expected = (seen.digest("a.py"), seen.part("a.py", SYNTAX))
    if damage == "deleted meanwhile":
        for file in cache.file.parent.iterdir():
            file.unlink()
    else:
        cache.close()
        data = cache.file.read_bytes()
        cache.file.unlink()
        if damage == "text":
            cache.file.write_bytes(b"no database" * 1000)
        elif damage == "torn":
            cache.file.write_bytes(data[:5000] + b"\x7f" * (len(data) - 5000))
        elif damage == "directory":
            cache.file.mkdir()
        else:
            cache.file.parent.rmdir()
            cache.file.parent.write_text("a file where the folder should be")
    for _ in range(2):
        assert (seen.digest("a.py"), seen.part("a.py", SYNTAX)) == expected


def test_inodes_of_the_upper_half_fit(cache: StatCache) -> None:
    stamp = Stamp(2**63 + 5, 2**64 - 1, 1, 5, 5)
    row = content._Hashed("b3:x", 1, stamp, 10**18)
    cache._margins._margins[stamp.device] = 1
    cache.keep({"/x": row})
    assert cache.find({"/x": stamp}) == {"/x": "b3:x"}


def test_many_processes_write_one_cache(root: Path, cache: StatCache) -> None:
    for index in range(20):
        (root / str(index)).write_bytes(b"%d" % index)
    settle()
    code = (
        "import sys; from pathlib import Path; from provgraph.collect.content import *\n"
        "seen = Contents(Path(sys.argv[1]), b'k' * 32, StatCache(Path(sys.argv[2])))\n"
        "print(sorted(seen.digests([str(n) for n in range(20)]).items()))"
    )
    command = [sys.executable, "-c", code, str(root), str(cache.file)]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3])
        for _ in range(4)
    ]
    outputs = {process.communicate()[0] for process in running}
    assert len(outputs) == 1
    assert [process.returncode for process in running] == [0] * 4


def test_a_file_that_does_not_hold_still_is_said_to_change(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "a").write_bytes(b"x" * (3 << 20))
    read = os.read

    def read_while_it_grows(descriptor: int, size: int) -> bytes:
        # A writer in a thread of its own isn't sure to get a turn while the file is hashed.
        chunk = read(descriptor, size)
        if len(chunk) > 1:
            with (root / "a").open("ab") as file:
                file.write(b"x")
        return chunk

    with monkeypatch.context() as patch:
        patch.setattr(os, "read", read_while_it_grows)
        with pytest.raises(Changing) as caught:
            contents(root).digest("a")
        assert isinstance(caught.value, OSError)
        assert isinstance(contents(root).digests(["a"])["a"], Changing)
    assert contents(root).digest("a")


def test_listing_is_names_and_sorts_without_noise(root: Path) -> None:
    (root / "d").mkdir()
    (root / "d" / "a").write_bytes(b"1")
    seen = contents(root, noise=lambda name: name.endswith(".pyc"))
    base = seen.part("d", LISTING)
    (root / "d" / "a").write_bytes(b"2")
    (root / "d" / "x.pyc").touch()
    assert seen.part("d", LISTING) == base
    (root / "d" / "b").touch()
    with_file = seen.part("d", LISTING)
    assert with_file != base
    (root / "d" / "b").unlink()
    (root / "d" / "b").mkdir()
    assert seen.part("d", LISTING) not in (base, with_file)
    assert seen.part("gone", LISTING) == seen.part("d/a", LISTING) == ABSENT


def test_parts_are_worked_out_once_for_a_content(root: Path, cache: StatCache) -> None:
    (root / "a.py").write_bytes(b"x = 1")
    settle()
    seen = contents(root, cache)
    digest = seen.part("a.py", SYNTAX)
    with closing(sqlite3.connect(cache.file)) as connection, connection:
        ((part,),) = connection.execute("SELECT part FROM derived").fetchall()
        other = seen._sealed("a.py", "ast:remembered", content_digest(b"x = 1"), part)
        connection.execute("UPDATE derived SET digest = ?", (other,))
    assert seen.part("a.py", SYNTAX) == "ast:remembered"
    (root / "a.py").write_bytes(b"x = 1  # again")
    assert seen.part("a.py", SYNTAX) == digest


def test_a_suffix_says_how_content_is_read(root: Path, cache: StatCache) -> None:
    (root / "a.json").write_bytes(b'{"a": 1}')
    (root / "a.txt").write_bytes(b'{"a": 1}')
    settle()
    seen = contents(root, cache)
    assert seen.part("a.txt", "a") == content_digest(b'{"a": 1}') != seen.part("a.json", "a")


def test_untracked_config_has_keyed_digests(root: Path) -> None:
    for name in ("a.yaml", "b.yaml", "c.csv"):
        (root / name).write_bytes(b"lr: 1\n")
    plain = content_digest(b"lr: 1\n")
    seen = contents(root, published=lambda name: name == "b.yaml")
    keyed = seen.keyed(plain)
    assert seen.digest("a.yaml") == (keyed, 6)
    assert keyed == keyed_digest(KEY, plain.encode())
    assert keyed.startswith(f"k:{key_id(KEY)}:")
    assert seen.digest("b.yaml") == seen.digest("c.csv") == (plain, 6)
    assert seen.digest("a.yaml", like=plain) == (plain, 6)
    assert seen.digest("b.yaml", like=keyed) == (keyed, 6)
    assert seen.forms(plain) == (plain, keyed)
    assert seen.part("a.yaml", "lr") == seen.keyed(seen.part("b.yaml", "lr"))
    assert seen.part("a.yaml", "lr", like="b3:") == seen.part("b.yaml", "lr")
    assert seen.part("a.yaml", "none") == ABSENT
    assert all(digest.startswith("k:") for digest in seen.product_parts("a.yaml").values())
    assert all(digest.startswith("b3:") for digest in seen.product_parts("b.yaml").values())


def test_config_outside_the_project_is_never_published(root: Path) -> None:
    (root.parent / "x.yaml").write_bytes(b"lr: 1\n")
    found = contents(root).digest(root.parent / "x.yaml")
    assert found
    assert found[0].startswith("k:")


def test_large_files_are_neither_cut_nor_kept(root: Path) -> None:
    (root / "a.json").write_bytes(b'{"a": 1}')
    seen = contents(root, limit=4)
    assert seen.part("a.json", "a") == content_digest(b'{"a": 1}')
    with pytest.raises(TooLarge):
        seen.keep("a.json")
    with pytest.raises(FileNotFoundError):
        seen.keep("missing")


def test_what_is_kept_holds_no_secret(root: Path) -> None:
    secret = "ghp_" + "a1B2" * 9
    (root / "a.py").write_text(f"TOKEN = '{secret}'\n# \udcff\n", errors="surrogateescape")
    kept = contents(root).keep("a.py")
    assert secret.encode() not in kept
    assert b"[redacted:github-token:" in kept
    assert b"\xff" in kept


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.yaml", "db:\n  password: hunter22\nlr: 1\n"),
        ("a.json", '{"token": "hunter2-hunter2"}'),
        ("a.py", "PASSWORD = 'hunter22'\n\n\ndef f():\n    return 1\n"),
        ("run.sh", "export DB_PASSWORD=hunter22\n"),
    ],
)
def test_what_holds_a_secret_has_keyed_digests_until_it_is_committed(
    root: Path, name: str, text: str
) -> None:
    (root / name).write_text(text)
    committed, dirty = contents(root), contents(root, committed=lambda _name: False)
    assert committed.digest(name) == (content_digest(text.encode()), len(text))
    assert dirty.digest(name) == (dirty.keyed(content_digest(text.encode())), len(text))
    parts = {**dirty.product_parts(name), **dirty.code_parts(name)}
    plain = {**committed.product_parts(name), **committed.code_parts(name)}
    assert parts == {part: dirty.keyed(digest) for part, digest in plain.items()}
    for part in (SYNTAX, "db.password", "token", "f"):
        assert dirty.part(name, part) in (dirty.keyed(committed.part(name, part)), ABSENT)

    (root / name).write_text(
        text.replace("hunter2", "num").replace("assword", "lace").replace("PASSWORD", "PLACE")
    )
    if name != "a.json":
        assert dirty.digest(name) == committed.digest(name)  # nothing secret, nothing keyed


def test_a_key_with_a_secret_in_its_name_isnt_written_down(root: Path) -> None:
    (root / "a.json").write_text('{"ghp_%s": 1, "b": 2}' % ("a1B2" * 9))
    assert contents(root).product_parts("a.json") == {}
    assert contents(root).may_be_named(["b", "c.d"])


def test_the_cache_holds_no_digest_of_a_text_that_may_hold_secrets(
    root: Path, cache: StatCache
) -> None:
    (root / "a.yaml").write_bytes(b"password: hunter22\n")
    (root / "a.csv").write_bytes(b"1,2\n")
    settle()
    seen = contents(root, cache)
    digests = [seen.digest(name, like="b3:") for name in ("a.yaml", "a.csv")]
    part = seen.part("a.yaml", "password", like="b3:")
    with closing(sqlite3.connect(cache.file)) as connection:
        held = repr(connection.execute("SELECT path, digest FROM file").fetchall())
        held += repr(connection.execute("SELECT * FROM derived").fetchall())
    assert "a.yaml" in held
    assert digests[0] is not None
    assert digests[1] is not None
    assert digests[0][0] not in held
    assert part not in held
    assert digests[1][0] in held
    assert contents(root, cache).digest("a.yaml", like="b3:") == digests[0]
    other = Contents(root, b"o" * 32, cache)  # another key is put in: the cache is asked in vain
    assert other.digest("a.yaml", like="b3:") == digests[0]


def test_syntax_safe_asks_the_content(root: Path, cache: StatCache) -> None:
    (root / "a.py").write_bytes(b"x = 1")
    (root / "b.py").write_bytes(b"print(__doc__)")
    for seen in (contents(root), contents(root, cache), contents(root, cache)):
        assert seen.syntax_safe("a.py")
        assert not seen.syntax_safe("b.py")
        assert not seen.syntax_safe("missing.py")


def test_parts_of_what_is_no_file(root: Path) -> None:
    (root / "d").mkdir()
    os.mkfifo(root / "pipe")
    seen = contents(root)
    assert seen.part("missing", BYTES) == seen.part("missing", "key") == ABSENT
    assert seen.part("d", BYTES) == seen.part("d", LISTING)
    with pytest.raises(OSError, match="regular"):
        seen.part("pipe", BYTES)


def test_the_cache_lies_in_the_users_cache_folder(root: Path, tmp_path: Path) -> None:
    environ = {"XDG_CACHE_HOME": str(tmp_path / "xdg")}
    file = StatCache.of_project(root, environ).file
    assert file.is_relative_to(tmp_path / "xdg" / "provgraph")
    relative = content.cache_folder(root, {"XDG_CACHE_HOME": "relative"})
    assert relative.is_relative_to(Path.home() / ".cache" / "provgraph")


def test_a_remembered_listing_misses_no_change(root: Path) -> None:
    (root / "d").mkdir()
    (root / "file").touch()
    (root / "there").mkdir()
    (root / "d" / "link").symlink_to("../turns")
    (root / "turns").symlink_to("file")
    settle()
    seen = contents(root)
    base = seen.part("d", LISTING)
    assert seen.part("d", LISTING) == base
    (root / "turns").unlink()
    (root / "turns").symlink_to("there")  # the directory itself is as it was
    turned = seen.part("d", LISTING)
    assert turned != base
    (root / "d" / "link").unlink()
    settle()
    empty = seen.part("d", LISTING)
    assert seen.part("d", LISTING) == empty != turned
    (root / "d" / "more").touch()
    assert seen.part("d", LISTING) != empty
