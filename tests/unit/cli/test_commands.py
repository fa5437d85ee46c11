from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from provgraph.cli.moments import moment
from provgraph.errors import UsageError
from tests.fakes.project import FakeProject
from tests.unit.cli.conftest import Ask

REDO = {
    "dry_run": False,
    "jobs": 1,
    "keep_going": False,
    "overwrite": [],
    "take": [],
    "secrets": [],
}

# words → the call they make
CALLS: list[tuple[str, tuple[str, tuple[Any, ...], dict[str, Any]]]] = [
    ("impact a b", ("impact", ("a", "b"), {"all": False, "depth": None, "platform": False})),
    (
        "impact a --all --depth 3 --platform",
        ("impact", ("a",), {"all": True, "depth": 3, "platform": True}),
    ),
    ("impact a --explain b --all", ("explain", ("a",), {"effect": "b", "all": True})),
    ("impact -- --odd", ("impact", ("--odd",), {"all": False, "depth": None, "platform": False})),
    ("lineage a", ("lineage", ("a",), {"direction": "up", "depth": None})),
    (
        "lineage a --direction down --depth 2",
        ("lineage", ("a",), {"direction": "down", "depth": 2}),
    ),
    ("why a", ("why", ("a",), {"because": None})),
    ("why a --because b", ("why", ("a",), {"because": "b"})),
    ("status", ("status", (), {"platform": False})),
    ("status --platform --all", ("status", (), {"platform": True})),
    ("redo", ("redo", (), REDO)),
    (
        "redo a b -n -j 2 -k --overwrite c --take d --arg e",
        (
            "redo",
            ("a", "b"),
            {
                "dry_run": True,
                "jobs": 2,
                "keep_going": True,
                "overwrite": ["c"],
                "take": ["d"],
                "secrets": ["e"],
            },
        ),
    ),
    ("diff run:1 run:2", ("diff", ("run:1", "run:2"), {})),
    ("bisect m a b", ("bisect", ("m", "a", "b"), {"tolerance": None, "dry_run": False})),
    (
        "bisect m a b --tolerance 0.5 -n",
        ("bisect", ("m", "a", "b"), {"tolerance": 0.5, "dry_run": True}),
    ),
    ("show a", ("show", ("a",), {})),
    ("note a words", ("note", ("a", "words"), {})),
    ("pin a", ("pin", ("a",), {"as_": "pinned"})),
    ("pin a --as none", ("pin", ("a",), {"as_": "none"})),
    ("structure", ("structure", (), {})),
    (
        "explore",
        ("explore", (None,), {"host": "127.0.0.1", "port": None, "open_browser": True}),
    ),
    (
        "explore a --no-open --port 8000 --host ::1",
        ("explore", ("a",), {"host": "::1", "port": 8000, "open_browser": False}),
    ),
    (
        "render",
        ("render", (None, "graph.html"), {"direction": "both", "depth": None, "style": "page"}),
    ),
    (
        "render a -o g.html --depth 1",
        ("render", ("a", "g.html"), {"direction": "both", "depth": 1, "style": "page"}),
    ),
    ("graph rebuild", ("rebuild", (), {})),
    ("graph status", ("graph_status", (), {})),
    ("ledger verify --artifacts", ("verify", (), {"artifacts": True})),
    ("ledger seal", ("seal", (), {})),
    (
        "ledger erase run:1 --yes --what agent --what note --reason x",
        ("erase", ("run:1",), {"categories": ["agent", "note"], "reason": "x"}),
    ),
    ("ledger key", ("key", (), {"install": None})),
    ("push", ("push", (None,), {})),
    ("push origin", ("push", ("origin",), {})),
    ("pull /mnt/lab", ("pull", ("/mnt/lab",), {})),
    ("init", ("init", (None,), {})),
    ("init sub", ("init", ("sub",), {})),
    ("-C there init", ("init", ("there",), {})),
]


@pytest.mark.parametrize(("words", "call"), CALLS, ids=[words for words, _ in CALLS])
def test_a_command_makes_one_call(
    ask: Ask, fake: type[FakeProject], words: str, call: tuple[str, Any, Any]
) -> None:
    said = ask(*words.split())
    assert said.code == 0, said.err
    assert [made for made in fake.calls if made[0] != "find"] == [call]


@pytest.mark.parametrize(
    "words",
    [
        "impact a",
        "impact a --explain b",
        "lineage a",
        "why a",
        "status",
        "redo -n",
        "bisect m a b",
        "diff a b",
        "log",
        "show a",
        "structure",
        "graph status",
        "graph rebuild",
        "ledger verify",
        "ledger seal",
        "ledger erase a --yes",
        "ledger key",
        "push",
        "pull",
    ],
)
@pytest.mark.parametrize("format", ["text", "json", "csv"])
def test_every_answer_has_three_forms(ask: Ask, words: str, format: str) -> None:
    said = ask(*words.split(), "--format", format)
    assert (said.code, said.err) == (0, "")
    assert said.out.endswith("\n")
    if format == "json":
        assert said.json["schema"].startswith("provgraph/")
    if format == "csv":
        assert len({len(row) for row in csv.reader(io.StringIO(said.out))}) == 1


@pytest.mark.parametrize(
    "words",
    [
        "",
        "impact",
        "impact a --depth 0",
        "impact a --depth x",
        "impact a --limit -1",
        "impact a --format xml",
        "impact a --explain b --depth 2",
        "impact a --nonesuch",
        "nonesuch",
        "ledger",
        "ledger nonesuch",
        "diff a",
        "bisect m a",
        "bisect m a b --tolerance -1",
        "redo --jobs 0",
        "why",
        "pin a --as kept",
        "lineage a --direction sideways",
        "log --status odd",
        "log --since someday",
        "note a",
        "import jsonl",
        "ledger erase a --what everything --yes",
    ][1:],
)
def test_a_wrong_question_is_a_usage_error(ask: Ask, fake: type[FakeProject], words: str) -> None:
    said = ask(*words.split())
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("provgraph: ")
    assert "Traceback" not in said.err
    assert [call for call in fake.calls if call[0] != "find"] == []


def test_no_words_show_the_help(ask: Ask) -> None:
    assert ask().out == ask("--help").out
    assert "Examples:" in ask("--help").out


def test_limit_reaches_the_renderer(ask: Ask, fake: type[FakeProject]) -> None:
    ask("log", "--limit", "0")
    assert fake.calls[-1][2]["limit"] is None
    ask("log", "--limit", "5")
    assert fake.calls[-1][2]["limit"] == 5


def test_log_gives_times_in_utc(ask: Ask, fake: type[FakeProject]) -> None:
    ask("log", "--since", "2026-11-01T10:00:00+02:00", "--step", "s", "--touching", "d")
    assert fake.calls[-1][2] == {
        "step": "s",
        "status": None,
        "since": "2026-11-01T08:00:00Z",
        "until": None,
        "touching": "d",
        "making": None,
        "limit": 20,
    }


NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "end", "expected"),
    [
        ("3d", False, "2026-11-07T12:00:00Z"),
        ("90 min ago", False, "2026-11-10T10:30:00Z"),
        ("1w", True, "2026-11-03T12:00:00Z"),
        ("2026-11-01T09:30Z", False, "2026-11-01T09:30:00Z"),
    ],
)
def test_moments(text: str, end: bool, expected: str) -> None:
    assert moment(text, now=NOW, end=end) == expected


def test_a_date_means_its_start_or_its_end() -> None:
    first = datetime.fromisoformat(moment("2026-11-01", now=NOW))
    last = datetime.fromisoformat(moment("2026-11-01", now=NOW, end=True))
    assert first == datetime(2026, 11, 1).astimezone()
    assert last == datetime(2026, 11, 2).astimezone()


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", "3x", "9999-12-31", "999999w"])
def test_no_time(text: str) -> None:
    late = NOW.astimezone(timezone(timedelta(hours=14)))
    with pytest.raises(UsageError):
        moment(text, now=late, end=True)


def test_a_note_is_read_from_standard_input(
    ask: Ask, fake: type[FakeProject], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("because\nof the paper\n"))
    assert ask("note", "a", "-").out == "b3:note\n"
    assert fake.calls[-1] == ("note", ("a", "because\nof the paper"), {})


def test_an_empty_note_is_refused(ask: Ask) -> None:
    assert ask("note", "a", "  ").code == 2


def test_render_says_what_it_wrote_beside_the_data(ask: Ask) -> None:
    said = ask("render", "a")
    assert said.out == ""
    assert "graph.html: 3 nodes, 2 edges" in said.err
    assert "further away" in said.err


def test_import_reads_a_file(ask: Ask, fake: type[FakeProject], tmp_path: Path) -> None:
    (tmp_path / "g.jsonl").write_bytes(b'{"node"\n' * 3)
    said = ask("import", "jsonl", str(tmp_path / "g.jsonl"), "--label", "lab", "--format", "json")
    assert said.json["facts"] == {"nodes": 3, "edges": 0, "left_out": []}
    assert fake.calls[-1] == ("import_jsonl", (), {"skip_bad": False, "label": "lab"})


def test_import_lists_what_it_left_out(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "g.jsonl").write_bytes(b'{"node"\n' + b"bad\n" * 25)
    said = ask("import", "jsonl", str(tmp_path / "g.jsonl"), "--skip-bad")
    assert "25 bad lines left out" in said.out
    assert "line 2: no JSON object" in said.out
    assert "… and 5 more" in said.out
    said = ask("import", "jsonl", str(tmp_path / "g.jsonl"), "--skip-bad", "--format", "json")
    assert len(said.json["facts"]["left_out"]) == 25


def test_import_of_a_bad_line_imports_nothing(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "g.jsonl").write_bytes(b"bad\n")
    said = ask("import", "jsonl", str(tmp_path / "g.jsonl"))
    assert (said.code, said.out) == (2, "")
    assert "line 1" in said.err


def test_a_file_that_is_not_there(ask: Ask) -> None:
    said = ask("import", "jsonl", "/nonesuch/g.jsonl")
    assert (said.code, said.out) == (3, "")
    assert "/nonesuch/g.jsonl: No such file" in said.err


def test_a_damaged_ledger_fails_the_gate(ask: Ask, fake: type[FakeProject]) -> None:
    fake.whole = False
    assert ask("ledger", "verify").code == 1


def test_the_ledgers_path_is_data(ask: Ask) -> None:
    assert ask("ledger", "path") == (0, "/nowhere/ledger\n", "")


def test_erasing_needs_a_yes(ask: Ask, fake: type[FakeProject], monkeypatch: Any) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    said = ask("ledger", "erase", "run:1")
    assert said.code == 2
    assert "--yes" in said.err
    assert [call[0] for call in fake.calls] == ["find"]


def test_the_key_is_shown_only_when_asked(ask: Ask) -> None:
    for form in ("text", "json", "csv"):
        assert "5ec2e7" not in ask("ledger", "key", "--format", form).out
    assert ask("ledger", "key", "--show").out == "5ec2e7\n"


def test_a_key_is_taken_over(ask: Ask, fake: type[FakeProject], tmp_path: Path) -> None:
    (tmp_path / "key").write_text("abc\n")
    assert ask("ledger", "key", "--install", str(tmp_path / "key")).code == 0
    assert fake.calls[-1] == ("key", (), {"install": b"abc\n"})


def test_init_says_what_it_did_and_what_is_next(ask: Ask) -> None:
    said = ask("init")
    assert said.out == ""
    assert "wrote provgraph.toml" in said.err
    assert "provgraph run -- COMMAND" in said.err


def test_doctor_finds_all_well(ask: Ask, fake: type[FakeProject], tmp_path: Path) -> None:
    fake.folder = tmp_path
    said = ask("doctor", "--format", "json")
    assert (said.code, said.err) == (0, "")
    assert list(said.json["facts"]) == [
        "python",
        "git",
        "project",
        "ledger",
        "cache",
        "graph",
        "tracing",
        "columns",
    ]
    assert all(check["ok"] for check in said.json["facts"].values())
    assert "Parquet files" in said.json["facts"]["columns"]["found"]


def test_doctor_names_what_is_wrong(ask: Ask, fake: type[FakeProject]) -> None:
    fake.folder = Path("/proc/self")
    fake.left_out = (("b3:bad", "damaged-record"),)
    said = ask("doctor")
    assert said.code == 1
    assert "WRONG  ledger" in said.out
    assert "1 left out" in said.out
    assert "provgraph graph rebuild" in said.out


def test_graph_status_names_what_is_left_out(ask: Ask, fake: type[FakeProject]) -> None:
    fake.left_out = (("b3:bad", "damaged-record"),)
    assert "b3:bad: damaged-record" in ask("graph", "status").out
    left_out = json.loads(ask("graph", "status", "--format", "json").out)["facts"]["left_out"]
    assert left_out == [["b3:bad", "damaged-record"]]
