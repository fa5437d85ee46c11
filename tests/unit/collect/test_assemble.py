"""What a run used, produced and removed follows from what was seen, in order."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from provgraph.collect.account import Finished
from provgraph.collect.assemble import (
    UNKNOWN,
    Observed,
    assemble,
    moment,
    record_of,
)
from provgraph.collect.content import Contents
from provgraph.collect.outside import Outside, outside_name
from provgraph.collect.trace import Access, Action, Trace
from provgraph.model.digests import ABSENT, content_digest
from provgraph.model.parts import BYTES, LISTING, SYNTAX
from provgraph.model.records import Product, Step, Use

KEY = b"k" * 32


class Lookup:
    """A graph that knows two products."""

    def __init__(
        self,
        makers: Mapping[tuple[str, str], tuple[str, str]],
        writers: Mapping[str, list[tuple[str, str]]],
    ) -> None:
        self._makers = makers
        self._writers = writers

    def lying(self, wanted: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], tuple[str, str]]:
        return {key: self._makers[key] for key in wanted if key in self._makers}

    def writers(self, names: Sequence[str]) -> Mapping[str, list[tuple[str, str]]]:
        return {name: self._writers[name] for name in names if name in self._writers}


class Scene:
    """A program, played: each method does a thing to real files, and notes what a tracer sees."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.clock = itertools.count(1)
        self.seen: list[Access] = []
        self.streams: list[Access] = []
        self.owned: set[str] = set()

    def path(self, name: str) -> Path:
        return self.root / name

    def put(self, name: str, text: str = "") -> Scene:
        """Have a file there before the run."""
        self.path(name).parent.mkdir(parents=True, exist_ok=True)
        self.path(name).write_text(text)
        return self

    def note(
        self, action: Action, name: str, other: str | None = None, before: str | None = None
    ) -> Scene:
        path = self.path(name)
        stat = None
        if path.is_file():
            found = path.stat()
            stat = (
                found.st_dev,
                found.st_ino,
                found.st_size,
                found.st_mtime_ns,
                found.st_ctime_ns,
            )
        self.seen.append(
            Access(
                action=action,
                path=os.fsencode(path),
                when=next(self.clock),
                pid=1,
                other=None if other is None else os.fsencode(self.path(other)),
                before=before,
                size=stat[2] if stat else None,
                stat=stat,
            )
        )
        return self

    def read(self, name: str, action: Action = "read") -> Scene:
        return self.note(action, name)

    def change(self, name: str, text: str, action: Action = "write", *, ask: bool = True) -> Scene:
        path = self.path(name)
        before: str | None = None
        if ask and path.is_file() and name not in self.owned:
            before = content_digest(path.read_bytes())
        self.owned.add(name)
        self.note(action, name, before=before)
        path.parent.mkdir(parents=True, exist_ok=True)
        if action == "append":
            with path.open("a") as file:
                file.write(text)
        else:
            path.write_text(text)
        return self

    def remove(self, name: str) -> Scene:
        before = None if name in self.owned else content_digest(self.path(name).read_bytes())
        self.note("remove", name, before=before)
        self.path(name).unlink()
        return self

    def rename(self, name: str, to: str) -> Scene:
        if self.path(to).is_file():
            replaced = content_digest(self.path(to).read_bytes())
            self.note("remove", to, before=None if to in self.owned else replaced)
        before: str | None = None
        if name not in self.owned and self.path(name).is_file():
            before = content_digest(self.path(name).read_bytes())
        self.note("rename", name, to, before=before)
        self.path(name).rename(self.path(to))
        self.owned.add(to)
        return self

    def behind(self, name: str, text: str) -> Scene:
        """Let something unseen write a file."""
        self.path(name).write_text(text)
        found = self.path(name).stat()
        os.utime(self.path(name), ns=(found.st_atime_ns, found.st_mtime_ns + 1_000_000))
        return self

    def told(self, **options: Any) -> Told:
        finished = Finished(
            status="ok",
            exit=0,
            signal=None,
            started_ns=0,
            ended_ns=10**18,
            seconds=1.0,
            cpu_seconds=0.5,
            peak_memory=1,
            pid=1,
            streams=tuple(self.streams),
        )
        lookup = Lookup(options.pop("makers", {}), options.pop("writers", {}))
        trace = Trace("audit", (), tuple(self.seen), options.pop("gaps", ()))
        observed = assemble(
            trace,
            finished,
            root=self.root,
            contents=Contents(self.root, KEY),
            lookup=lookup,
            outside=Outside(KEY, "host"),
            step="me",
            **options,
        )
        return Told(observed, finished)


class Told:
    """What came of a scene, as the tests speak of it."""

    def __init__(self, observed: Observed, finished: Finished) -> None:
        self.observed = observed
        self.finished = finished

    @property
    def uses(self) -> dict[str, Use]:
        return {use.name: use for use in self.observed.uses}

    @property
    def products(self) -> dict[str, Product]:
        return {product.name: product for product in self.observed.produces}

    @property
    def gaps(self) -> set[tuple[str, str]]:
        return {(gap.reason, gap.subject) for gap in self.observed.gaps}

    @property
    def summary(self) -> str:
        """Say it in a line: what is used > what is produced - what is removed."""
        uses = " ".join(
            sorted(f"{u.name}" + "?" * (u.digest == ABSENT) for u in self.uses.values())
        )
        made = " ".join(
            sorted(f"{p.name}" + "+" * (p.mode == "append") for p in self.products.values())
        )
        gone = " ".join(f"-{name}" for name in self.observed.removed)
        return " ".join(word for word in (uses, ">", made, gone) if word)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


Play = Callable[[Scene], Scene]

# What happened → what it comes to; nothing here may leave a gap.
STORIES: dict[str, tuple[Play, str]] = {
    "read and write": (lambda s: s.put("x").read("x").change("y", "1"), "x > y"),
    "written and read back": (lambda s: s.change("y", "1").read("y"), "> y"),
    "gone before the end": (lambda s: s.change("y", "1").remove("y"), ">"),
    "temporary name": (lambda s: s.change("t", "1").rename("t", "y"), "> y"),
    "temporary name over an old file": (
        lambda s: s.put("y", "0").change("t", "1").rename("t", "y"),
        "> y",
    ),
    "temporary name over a file that was read": (
        lambda s: s.put("y", "0").read("y").change("t", "1").rename("t", "y"),
        "y > y",
    ),
    "the same temporary name twice": (
        lambda s: s.change("t", "1").rename("t", "y").change("t", "2").rename("t", "z"),
        "> y z",
    ),
    "read, then rewritten": (lambda s: s.put("x", "0").read("x").change("x", "1"), "x > x"),
    "rewritten unread": (lambda s: s.put("x", "0").change("x", "1"), "> x"),
    "rewritten with the same bytes": (lambda s: s.put("x", "0").change("x", "0"), "> x"),
    "appended": (lambda s: s.put("x.csv", "0").change("x.csv", "1", "append"), "x.csv > x.csv"),
    "appended to nothing": (lambda s: s.change("x.csv", "1", "append"), "> x.csv"),
    "appended to a stream": (
        lambda s: s.put("x.log", "0").change("x.log", "1", "append"),
        "> x.log+",
    ),
    "a stream begun": (lambda s: s.change("x.log", "1", "append"), "> x.log+"),
    "a stream begun and read": (
        lambda s: s.change("x.log", "1", "append").read("x.log"),
        "> x.log+",
    ),
    "a stream updated": (
        lambda s: s.put("mlflow.db", "0").change("mlflow.db", "1", "update"),
        "> mlflow.db+",
    ),
    "a stream replaced": (lambda s: s.put("x.log", "0").change("x.log", "1"), "> x.log"),
    "updated": (lambda s: s.put("x", "0").change("x", "1", "update"), "x > x"),
    "opened for an update that never came": (
        lambda s: s.put("x", "0").change("x", "0", "update"),
        "x >",
    ),
    "looked for": (lambda s: s.note("absent", "x"), "x? >"),
    "looked for, then made": (lambda s: s.note("absent", "x").change("x", "1"), "x? > x"),
    "made, removed, then looked for": (
        lambda s: s.change("x", "1").remove("x").note("absent", "x"),
        ">",
    ),
    "removed": (lambda s: s.put("x", "0").remove("x"), "> -x"),
    "read, then removed": (lambda s: s.put("x", "0").read("x").remove("x"), "x > -x"),
    "removed, then looked for": (lambda s: s.put("x").remove("x").note("absent", "x"), "> -x"),
    "removed, then made again": (lambda s: s.put("x", "0").remove("x").change("x", "1"), "> x"),
    "an input renamed": (lambda s: s.put("x", "0").rename("x", "y"), "x > y -x"),
    "renamed there and back": (
        lambda s: s.change("x", "1").rename("x", "y").rename("y", "x"),
        "> x",
    ),
    "noise": (
        lambda s: s.put("a.pyc").read("a.pyc").change("__pycache__/b", "").change(".x.swp", ""),
        ">",
    ),
}


@pytest.mark.parametrize("name", STORIES)
def test_what_happened_comes_to(scene: Scene, name: str) -> None:
    play, expected = STORIES[name]
    told = play(scene).told()
    assert told.summary == expected
    assert told.gaps == set()


def test_an_input_is_as_it_was_when_read(scene: Scene) -> None:
    told = scene.put("x", "old").read("x").change("x", "new").told()
    assert told.uses["x"].digest == content_digest(b"old")
    assert told.uses["x"].touched == {BYTES: content_digest(b"old")}
    assert told.products["x"].digest == content_digest(b"new")


def test_an_append_used_what_was_there(scene: Scene) -> None:
    told = scene.put("x.csv", "old").change("x.csv", "new", "append").told()
    assert told.uses["x.csv"].digest == content_digest(b"old")
    assert told.products["x.csv"].digest == content_digest(b"oldnew")


def test_an_append_by_the_calling_shell_used_what_was_there(scene: Scene) -> None:
    scene.put("x.csv", "old")
    path = os.fsencode(scene.path("x.csv"))
    scene.streams.append(Access("append", path, 0, 1, size=3))
    scene.behind("x.csv", "oldnew")
    told = scene.told()
    assert told.uses["x.csv"].digest == content_digest(b"old")
    assert told.summary == "x.csv > x.csv"
    assert told.gaps == set()


def test_where_the_session_writes_to_is_no_product(scene: Scene, tmp_path_factory: Any) -> None:
    log = tmp_path_factory.mktemp("ci") / "log"
    log.write_text("")
    scene.streams.append(Access("write", os.fsencode(log), 0, 1, size=0))
    assert len(scene.told().products) == 1
    scene.streams.append(Access("write", os.fsencode(log), 0, 1, size=0))
    assert len(scene.told().products) == 0


def test_a_directory_moved_into_place_is_its_files(scene: Scene) -> None:
    scene.change("t/a", "1").change("t/deep/b", "2")
    scene.put("t/native", "3")
    scene.rename("t", "final")
    assert scene.told().summary == "> final/a final/deep/b final/native"


@pytest.mark.parametrize("answer", ["too-large", "lost", "unreadable"])
def test_an_input_lost_to_a_rewrite_is_a_gap(scene: Scene, answer: str) -> None:
    scene.put("x", "old").read("x").note("write", "x", before=answer).behind("x", "new")
    reasons = {"too-large": "too-large-to-hash", "lost": "changed-while-read"}
    told = scene.told()
    assert told.gaps == {(reasons.get(answer, answer), "x")}
    assert told.uses["x"].digest == UNKNOWN


def test_an_input_changed_by_someone_else_is_a_gap(scene: Scene) -> None:
    told = scene.put("x", "old").read("x").behind("x", "new").told()
    assert told.gaps == {("changed-while-read", "x")}


def test_an_input_changed_by_someone_else_before_our_rewrite_is_a_gap(scene: Scene) -> None:
    told = scene.put("x", "old").read("x").behind("x", "new").change("x", "mine").told()
    assert told.gaps == {("changed-while-read", "x")}


def test_an_input_removed_by_someone_else_is_a_gap(scene: Scene) -> None:
    scene.put("x", "old").read("x").path("x").unlink()
    told = scene.told()
    assert told.gaps == {("changed-while-read", "x")}
    assert told.uses["x"].digest == UNKNOWN


def test_an_input_whose_mode_changed_is_none(scene: Scene) -> None:
    scene.put("x", "old").read("x").path("x").chmod(0o600)
    assert scene.told().gaps == set()


# -- code ----------------------------------------------------------------------------------------


def test_code_is_used_as_code(scene: Scene) -> None:
    scene.put("main.py", "import helper\n").put("helper.py", "X = 1\n")
    told = scene.read("main.py", "program").read("helper.py", "module").told()
    assert {name: (use.role, *use.touched) for name, use in told.uses.items()} == {
        "main.py": ("program", SYNTAX),
        "helper.py": ("module", SYNTAX),
        ".": ("path", "#imports:helper"),
    }


def test_code_that_is_read_as_data_is_used_whole(scene: Scene) -> None:
    scene.put("main.py", "import helper\n").put("helper.py", "X = 1\n")
    scene.read("main.py", "program").read("helper.py", "module").read("helper.py", "source")
    told = scene.told()
    assert list(told.uses["helper.py"].touched) == [BYTES]
    assert list(told.uses["main.py"].touched) == [SYNTAX]


def test_where_one_source_reads_docstrings_all_count_whole(scene: Scene) -> None:
    scene.put("main.py", "import helper\nprint(helper.__doc__)\n").put("helper.py", "'doc'\n")
    told = scene.read("main.py", "program").read("helper.py", "module").told()
    assert {tuple(told.uses[name].touched) for name in ("main.py", "helper.py")} == {(BYTES,)}


def test_code_is_kept(scene: Scene) -> None:
    scene.put("main.py", "").put("x").read("main.py", "program").read("x")
    told = scene.told(keep=lambda name, path: f"object of {name}")
    assert told.uses["main.py"].kept == "object of main.py"
    assert told.uses["x"].kept is None


# -- names ---------------------------------------------------------------------------------------


def test_a_file_elsewhere_has_an_opaque_name(scene: Scene, tmp_path_factory: Any) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "secret-name.csv"
    elsewhere.write_text("1")
    told = scene.read(os.fspath(elsewhere)).told()
    ((name, use),) = told.uses.items()
    assert name == outside_name(KEY, "host", os.fsencode(elsewhere))
    assert use.digest == content_digest(b"1")
    assert "secret" not in name
    assert told.observed.paths == {name: os.fspath(elsewhere)}


def test_outside_names_differ_by_key_host_and_path() -> None:
    names = {
        outside_name(key, host, path)
        for key in (KEY, b"l" * 32)
        for host in ("a", "b")
        for path in (b"/x", b"/y")
    }
    assert len(names) == 8


def test_a_link_and_what_it_leads_to_are_both_used(scene: Scene) -> None:
    scene.put("v3/x", "1").put("v4/x", "2")
    scene.path("latest").symlink_to("v3")
    scene.path("link").symlink_to("v4/x")
    told = scene.read("latest/x").read("link").told()
    assert set(told.uses) == {"latest/x", "v3/x", "link", "v4/x"}


def test_a_write_through_a_link_is_a_product_where_it_leads(scene: Scene) -> None:
    scene.put("v3/x", "1")
    scene.path("link").symlink_to("v3/x")
    assert set(scene.change("link", "2").told().products) == {"v3/x"}


def test_a_project_reached_by_a_link_has_the_same_names(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "alias").symlink_to("real")
    told = Scene(tmp_path / "alias").put("x", "1").read("x").change("y", "").told()
    assert told.summary == "x > y"


def test_odd_names(scene: Scene) -> None:
    path = os.path.join(os.fsencode(scene.root), b"\xff\n%")
    with open(path, "wb") as file:
        file.write(b"1")
    scene.seen.append(Access("read", path, 1, 1))
    assert scene.told().summary == "%FF\n%25 >"


# -- directories, declarations, makers -----------------------------------------------------------


def test_a_listed_directory_is_used_by_its_names(scene: Scene) -> None:
    told = scene.put("d/a").note("list", "d").note("list", ".").told()
    assert {name: list(use.touched) for name, use in told.uses.items()} == {
        "d": [LISTING],
        ".": [LISTING],
    }


def test_a_directory_listed_and_gone_is_nothing(scene: Scene) -> None:
    assert scene.note("list", "d").told().summary == ">"


def test_what_is_declared_is_marked_so(scene: Scene) -> None:
    scene.put("a", "1").put("b", "1").put("d/x", "1").put("d/e/y", "1").put("d/z.pyc").read("b")
    told = scene.told(declared_uses=["a", "b", "d"], declared_produces=["d/x"])
    assert {name: use.evidence for name, use in told.uses.items()} == {
        "a": "declared",
        "b": "observed",
        "d": "declared",
        "d/x": "declared",
        "d/e/y": "declared",
    }
    assert {name: product.evidence for name, product in told.products.items()} == {
        "d/x": "declared"
    }


def test_what_is_declared_and_not_there_is_said(scene: Scene) -> None:
    told = scene.told(declared_uses=["a"], declared_produces=["b"])
    assert told.summary == "a? >"
    assert [line[:2] for line in told.observed.complaints] == ["a:", "b:"]


def test_a_product_that_is_read_names_its_maker(scene: Scene) -> None:
    scene.put("x", "1").put("y", "2").read("x").read("y")
    told = scene.told(makers={("x", content_digest(b"1")): ("run-1", "step-1")})
    assert (told.uses["x"].maker, told.uses["x"].maker_step) == ("run-1", "step-1")
    assert told.uses["y"].maker is None


def test_a_stream_that_is_read_names_the_other_steps_that_wrote_there(scene: Scene) -> None:
    writers = {"x.log": [("run-1", "one"), ("run-2", "me"), ("run-3", "three")]}
    told = scene.put("x.log", "1").read("x.log").told(writers=writers)
    assert told.uses["x.log"].role == "stream"
    assert told.uses["x.log"].writers == ("run-1", "run-3")


def test_a_record_is_made(scene: Scene) -> None:
    told = scene.put("x", "1").read("x").change("y", "1").told(gaps=(("untraced", "cat"),))
    record = record_of(
        told.observed, told.finished, project="p", run="r", step=Step(key="me", label="me")
    )
    assert [use.name for use in record.uses] == ["x"]
    assert (record.status, record.exit, record.tracing.complete) == ("ok", 0, False)
    assert record.ended == "2001-09-09T01:46:40.000000Z"


def test_moments_are_exact() -> None:
    assert moment(1_700_000_000_123_456_789) == "2023-11-14T22:13:20.123456Z"
