"""A project small enough to see through: it notes what it was asked and answers in a few names."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from provgraph.errors import ImportLineError, NotInProject
from provgraph.graph.interface import GraphStatus
from provgraph.graph.neo4j.health import Finding
from provgraph.model.answers import (
    Bisection,
    Chain,
    ChangedName,
    GapNote,
    GraphEdge,
    GraphNode,
    Hit,
    Impact,
    Leg,
    Lineage,
    Link,
    Log,
    Orphan,
    Point,
    Redo,
    RedoStep,
    Repeat,
    Report,
    RunDiff,
    RunLine,
    Shown,
    Status,
    Structure,
    Trial,
)
from provgraph.project import Progress, Project

AS_OF = "2026-11-01T12:00:00Z"
DATA, MODEL = "data/raw.csv", "out/model.pkl"

Call = tuple[str, tuple[Any, ...], dict[str, Any]]


class FakeProject(Project):
    """Answers every call the command line makes; `fresh` gives one to script and to look at."""

    calls: list[Call]
    failure: BaseException | None = None
    left_out: tuple[tuple[str, str], ...] = ()
    whole = True
    folder = Path("/nowhere")

    @classmethod
    def fresh(cls) -> type[FakeProject]:
        class Fresh(cls):  # type: ignore[misc, valid-type]
            calls: list[Call] = []  # noqa: RUF012 - one list a test

        return Fresh

    def __init__(self) -> None:
        self.root = self.folder
        self.id = "p_fake"

    @property
    def ledger_path(self) -> Path:
        return self.folder / "ledger"

    @cached_property
    def cache_path(self) -> Path:
        return self.folder / "cache"

    @property
    def tracing(self) -> str:
        return "python-audit"

    def _asked(self, name: str, /, *words: Any, **options: Any) -> None:
        self.calls.append((name, words, options))
        if self.failure is not None:
            raise self.failure

    @classmethod
    def find(cls, start: str | Path | None = None) -> FakeProject:
        cls.calls.append(("find", (start,), {}))
        if isinstance(cls.failure, NotInProject):
            raise cls.failure
        return cls()

    @classmethod
    def init(cls, root: str | Path | None = None) -> tuple[FakeProject, list[str]]:
        cls.calls.append(("init", (root,), {}))
        return cls(), ["wrote provgraph.toml"]

    def run(
        self,
        command: Sequence[str],
        *,
        name: str | None = None,
        uses: Sequence[str] = (),
        produces: Sequence[str] = (),
        params: Mapping[str, str] | None = None,
        note: str | None = None,
        calls: bool = False,
        say: Callable[[str], None] | None = None,
    ) -> int:
        said = {"name": name, "uses": uses, "produces": produces, "params": params, "note": note}
        self._asked("run", *command, **said)
        return subprocess.run(list(command), check=False).returncode

    def impact(
        self,
        selectors: Sequence[str],
        *,
        all: bool = False,
        depth: int | None = None,
        platform: bool = False,
        suppose: Sequence[str] = (),
        deleted: Sequence[str] = (),
        as_of: str | None = None,
        progress: Callable[[int, int | None], None] | None = None,
    ) -> Impact:
        said = {"if": [*suppose], "if_deleted": [*deleted], "as_of": as_of}
        told = {key: value for key, value in said.items() if value}
        self._asked("impact", *selectors, all=all, depth=depth, platform=platform, **told)
        link = Link(cause=DATA, effect=MODEL, edge="USES", evidence="observed")
        hit = Hit("gen:1", MODEL, "Result", "stale", 1, (link,), f"{MODEL} rests on {DATA}")
        changed = ChangedName(DATA, "Dataset")
        totals = {"affected": 1}
        return Impact(AS_OF, "working tree", (changed,), (hit,), (), (), (), totals)

    def explain(self, selectors: Sequence[str], effect: str, *, all: bool = False) -> Lineage:
        self._asked("explain", *selectors, effect=effect, all=all)
        return _lineage()

    def lineage(self, selector: str, *, direction: str = "up", depth: int | None = None) -> Lineage:
        self._asked("lineage", selector, direction=direction, depth=depth)
        return _lineage()

    def why(self, effect: str, *, because: str | None = None) -> Lineage:
        self._asked("why", effect, because=because)
        return _lineage()

    def status(self, *, platform: bool = False) -> Status:
        self._asked("status", platform=platform)
        return Status(AS_OF, "working tree", (), (), (), (), (MODEL,), (), (), {"current": 1})

    def redo(self, targets: Sequence[str] = (), **how: Any) -> Redo:
        self._asked(
            "redo", *targets, **{k: v for k, v in how.items() if k not in ("say", "decide")}
        )
        step = RedoStep("run", "train", command="provgraph run -- python train.py", seconds=1.5)
        totals = {
            "runs": 1,
            "critical_seconds": 1.5,
            "took": 0.0,
            "failed": 0,
            "interrupted": False,
        }
        plan, dry = (step,), bool(how.get("dry_run"))
        return Redo(AS_OF, "working tree", tuple(targets), dry, plan, (), (), (), (), totals)

    def bisect(self, metric: str, before: str, after: str, **how: Any) -> Bisection:
        self._asked("bisect", metric, before, after, **{k: v for k, v in how.items() if k != "say"})
        trial = Trial(("p.json",), "2", "after", 1.0)
        return Bisection(
            AS_OF,
            metric,
            before,
            after,
            ("1", "2"),
            0.0,
            ("p.json", "in.csv"),
            ("numpy (1 then 2)",),
            ("p.json",),
            "p.json decides",
            (trial,),
            False,
            {"redos": 1, "expected": 4, "seconds": 1.0, "seconds_each": 1.0},
        )

    def diff(self, before: str, after: str) -> RunDiff:
        self._asked("diff", before, after)
        return RunDiff(AS_OF, before, after, (), {}, ())

    def log(
        self,
        *,
        step: str | None = None,
        status: str | None = None,
        since: str | None = None,
        until: str | None = None,
        touching: str | None = None,
        making: str | None = None,
        limit: int | None = 20,
    ) -> Log:
        told = {"step": step, "status": status, "since": since, "until": until}
        self._asked("log", **told, touching=touching, making=making, limit=limit)
        run = RunLine("run:1", "train", "ok", AS_OF, 1.5, "python-audit")
        return Log(AS_OF, (run,), (), {"runs": 1})

    def show(self, selector: str) -> Shown:
        self._asked("show", selector)
        return Shown(AS_OF, {"id": "gen:1", "name": MODEL, "kind": "Result"}, (), (), (), (), ())

    def note(self, selector: str, text: str) -> str:
        self._asked("note", selector, text)
        return "b3:note"

    def pin(self, selector: str, *, as_: str = "pinned") -> str:
        self._asked("pin", selector, as_=as_)
        return "b3:pin"

    def render(
        self,
        selector: str | None,
        output: str | Path,
        *,
        direction: str = "both",
        depth: int | None = None,
        style: str = "page",
    ) -> Lineage:
        self._asked("render", selector, output, direction=direction, depth=depth, style=style)
        return _lineage()

    def structure(self) -> Structure:
        self._asked("structure")
        point = Point("gen:0", DATA, "Dataset", 2, 1, True)
        totals = {"results": 2, "runs": 3, "redundant": 1, "orphans": 1}
        return Structure(
            AS_OF,
            "working tree",
            (point,),
            (Leg("run:1", "train", 90.0),),
            90.0,
            (Repeat("train", ("run:1", "run:2"), 45.0),),
            (Orphan("gen:7", "data/old.csv", "Dataset"),),
            (Chain("gen:1", MODEL, 2, ("prepare", "train")),),
            (),
            totals,
        )

    def explore(
        self,
        selector: str | None = None,
        *,
        host: str = "127.0.0.1",
        port: int | None = None,
        open_browser: bool = True,
        say: Callable[[str], None],
    ) -> None:
        self._asked("explore", selector, host=host, port=port, open_browser=open_browser)
        say("the explorer is at http://127.0.0.1:7411/enter?token=fake")

    def import_jsonl(
        self,
        lines: Iterable[bytes],
        *,
        skip_bad: bool = False,
        label: str = "",
        progress: Progress | None = None,
    ) -> tuple[int, int, list[tuple[int, str]]]:
        self._asked("import_jsonl", skip_bad=skip_bad, label=label)
        bad = []
        nodes = 0
        for number, line in enumerate(lines, start=1):
            if line.startswith(b"{"):
                nodes += 1
            elif skip_bad:
                bad.append((number, "no JSON object"))
            else:
                raise ImportLineError("line 1: no JSON object", line=number)
        return nodes, 0, bad

    def names(self, prefix: str, *, limit: int = 50) -> list[str]:
        self._asked("names", prefix)
        return [name for name in (DATA, MODEL) if name.startswith(prefix)]

    def graph_status(self) -> GraphStatus:
        self._asked("graph_status")
        return GraphStatus("/cache/graph", 3, 5, 4, 1, self.left_out)

    def rebuild(self, *, progress: Progress | None = None) -> GraphStatus:
        self._asked("rebuild")
        return GraphStatus("/cache/graph", 3, 5, 4, 1, self.left_out)

    def verify(self, *, artifacts: bool = False, progress: Progress | None = None) -> Report:
        self._asked("verify", artifacts=artifacts)
        return Report("verify", self.whole, ("3 records",), {"records": 3})

    def seal(self) -> Report:
        self._asked("seal")
        return Report("seal", True, ("root b3:5ea1",), {"root": "b3:5ea1", "count": 3})

    def erase(self, selector: str, *, categories: Sequence[str] = (), reason: str = "") -> Report:
        self._asked("erase", selector, categories=list(categories), reason=reason)
        return Report("erase", True, ("1 object erased",), {"objects": 1})

    def key(self, *, install: bytes | None = None) -> Report:
        self._asked("key", install=install)
        facts = {"path": "/keys/p_fake", "id": "abcd", "hex": "5ec2e7"}
        return Report("key", True, ("key abcd in /keys/p_fake",), facts)

    def graph_health(self) -> list[Finding]:
        return []

    def push(
        self, where: str | None = None, *, beside: bool = False, progress: Progress | None = None
    ) -> Report:
        self._asked("push", where, **({"beside": True} if beside else {}))
        return Report("push", True, ("3 records sent",), {"records": 3})

    def pull(self, where: str | None = None, *, progress: Progress | None = None) -> Report:
        self._asked("pull", where)
        return Report("pull", True, ("3 records fetched",), {"records": 3})


def _lineage() -> Lineage:
    return Lineage(
        as_of=AS_OF,
        viewpoint="working tree",
        question="lineage",
        nodes=(
            GraphNode("gen:0", "Dataset", DATA),
            GraphNode("run:1", "Run", "train"),
            GraphNode("gen:1", "Result", MODEL),
        ),
        edges=(
            GraphEdge("USES", cause="gen:0", effect="run:1"),
            GraphEdge("PRODUCES", cause="run:1", effect="gen:1"),
        ),
        focus=("gen:1",),
        gaps=(GapNote("noted", "cut", "3 nodes further away"),),
        words=(),
        totals={"nodes": 3},
    )
