"""Answers made by hand about the penguins pipeline, for the renderers' tests."""

from __future__ import annotations

import itertools
from dataclasses import replace

from provgraph.model.answers import (
    Already,
    Bisection,
    Chain,
    ChangedName,
    Cleared,
    Difference,
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
    PlanStep,
    Point,
    Reach,
    Redo,
    RedoStep,
    Repeat,
    Report,
    RunDiff,
    RunLine,
    Shown,
    Spared,
    Standing,
    Status,
    Structure,
    Suspect,
    Trial,
    UsedLine,
)
from provgraph.model.checks import Changed, Check, Failure, Finding, Lines
from provgraph.render.terminal import count_of

AS_OF = "2026-10-31T14:02:11Z"
TREE = "working tree"
ISLANDS = ("biscoe", "dream", "torgersen")
HOSTILE = (
    "<script>window.hacked=1</script>.csv",
    '"><img src=x onerror="window.hacked=2">',
    "two\nlines.csv",
    "\x1b[2Jcleared.csv",
    "user\u202egpj.exe",
    "كتاب/بيانات.csv",
    "データ/企鵝.csv",
    "</script><script>window.hacked=3</script>",
    "=HYPERLINK(1)",
    'it\'s "quoted" \\ back.csv',
)

PREPARE = "python prepare.py data/v3 params/v3.yaml out/v3/table.csv"
TRAIN = "python train.py out/v3/table.csv params/v3.yaml out/v3/model.pkl"
EVALUATE = (
    "python evaluate.py out/v3/table.csv out/v3/model.pkl out/v3/metrics.json out/v3/figure.png"
)
SUMMARIZE = (
    "python summarize.py out/v1/metrics.json out/v2/metrics.json out/v3/metrics.json "
    "out/summary.csv"
)

NATIVE = GapNote(
    "blocking",
    "native-reader",
    "evaluate.py (run 01JBX4)",
    "evaluate.py (run 01JBX4) loaded pyarrow, which may read files natively, unseen by audit hooks",
)
UNTRACED = GapNote("blocking", "untraced", "convert.sh (run 01JBX7)")
CONSUMED = GapNote("noted", "consumed-input", "data/v1/biscoe.csv")


def _link(cause: str, effect: str, edge: str = "USES") -> Link:
    return Link(cause=cause, effect=effect, edge=edge, evidence="observed", role="input")


def _chain(*names: str) -> tuple[Link, ...]:
    edges = ("USES", "PRODUCES")
    pairs = itertools.pairwise(names)
    return tuple(_link(a, b, edges[i % 2]) for i, (a, b) in enumerate(pairs))


def impact() -> Impact:
    """`impact data/v3`: five results, one of them published."""
    hits = (
        Hit(
            "g:table", "out/v3/table.csv", "Result", "stale", 1,
            _chain("data/v3/biscoe.csv", "prepare.py", "out/v3/table.csv"),
            "out/v3/table.csv: prepare.py read data/v3/biscoe.csv", step="prepare.py",
        ),
        Hit(
            "g:model", "out/v3/model.pkl", "Result", "stale", 2,
            _chain("data/v3/biscoe.csv", "prepare.py", "out/v3/table.csv", "train.py",
                   "out/v3/model.pkl"),
            "out/v3/model.pkl: train.py read out/v3/table.csv, which prepare.py wrote after "
            "reading data/v3/biscoe.csv", step="train.py",
        ),
        Hit(
            "g:metrics", "out/v3/metrics.json", "Result", "stale", 2,
            _chain("data/v3/biscoe.csv", "prepare.py", "out/v3/table.csv", "evaluate.py",
                   "out/v3/metrics.json"),
            "out/v3/metrics.json: evaluate.py read out/v3/table.csv, which prepare.py wrote after "
            "reading data/v3/biscoe.csv", step="evaluate.py",
        ),
        Hit(
            "g:figure", "out/v3/figure.png", "Result", "stale", 2,
            _chain("data/v3/biscoe.csv", "prepare.py", "out/v3/table.csv", "evaluate.py",
                   "out/v3/figure.png"),
            "out/v3/figure.png: evaluate.py read out/v3/table.csv, which prepare.py wrote after "
            "reading data/v3/biscoe.csv", pinned="published", step="evaluate.py",
        ),
        Hit(
            "g:summary", "out/summary.csv", "Result", "behind", 3,
            _chain("data/v3/biscoe.csv", "prepare.py", "out/v3/table.csv", "evaluate.py",
                   "out/v3/metrics.json", "summarize.py", "out/summary.csv"),
            "out/summary.csv: summarize.py read out/v3/metrics.json, which evaluate.py wrote after "
            "reading out/v3/table.csv", step="summarize.py",
        ),
    )  # fmt: skip
    return Impact(
        as_of=AS_OF,
        viewpoint=TREE,
        change=tuple(ChangedName(f"data/v3/{name}.csv", "Dataset") for name in ISLANDS),
        affected=hits,
        already_stale=(),
        gaps=(),
        plan=(
            PlanStep("run", "prepare.py", PREPARE, 1.24),
            PlanStep("run", "train.py", TRAIN, 3.9),
            PlanStep("run", "evaluate.py", EVALUATE, 2.2),
            PlanStep("run", "summarize.py", SUMMARIZE, 0.8),
        ),
        totals={"affected": 5, "stale": 4, "behind": 1},
    )


def impact_mixed() -> Impact:
    """Many hits of several kinds, gaps of both grades, some stale before, a difficult plan."""
    base = impact()
    sweep = tuple(
        Hit(
            f"g:sweep{n}", f"out/sweep/learning-rate-{n:02}/fold-{n % 5}/metrics.json", "Result",
            "stale", 2 + n % 3, (), f"sweep.py read out/v3/table.csv (fold {n % 5})",
            step="sweep.py",
        )
        for n in range(14)
    )  # fmt: skip
    check = Hit("r:check", "check_quality.py", "Run", "stale", 1, (), "it read data/v3/dream.csv")
    return replace(
        base,
        change=(ChangedName("params/v3.yaml", "Config", ("features", "seed"), "edited"),),
        affected=(*base.affected, check, *sweep),
        already_stale=(
            Already("out/old/figure.png", "Result", "stale"),
            Already("out/old/a-rather-long-name-for-a-table-that-nobody-reads.csv", "Result",
                    "behind"),
        ),
        gaps=(NATIVE, UNTRACED, CONSUMED),
        plan=(
            PlanStep("restore", "data/v1/biscoe.csv", "git checkout HEAD -- data/v1/biscoe.csv",
                     None, "normalise.py rewrote it"),
            *base.plan,
            PlanStep("ask", "out/tmp.csv", reason="two steps write it"),
            PlanStep("impossible", "scrape.py", reason="its input is gone and was never kept"),
        ),
    )  # fmt: skip


def impact_none() -> Impact:
    """Nothing is affected, and that is known."""
    change = (ChangedName("notes/ideas.md", "Dataset"),)
    return replace(impact(), change=change, affected=(), plan=(), totals={"affected": 0})


def impact_unknown() -> Impact:
    """Nothing known is affected, but gaps could hide something."""
    return replace(impact_none(), gaps=(NATIVE, UNTRACED))


def impact_hostile() -> Impact:
    """Names and words that would harm a terminal, a page or a spreadsheet."""
    hits = tuple(
        Hit(f"g:{n}", name, "Result", "stale", 1, (), f"{name}: a.py read {name}")
        for n, name in enumerate(HOSTILE)
    )
    return replace(
        impact(),
        change=(ChangedName(HOSTILE[3], "Dataset"),),
        affected=hits,
        gaps=(GapNote("blocking", "untraced", HOSTILE[2]),),
        plan=(PlanStep("run", HOSTILE[3], "python a.py 'two\nlines.csv' \x1b[2J", 1.0),),
    )


def status() -> Status:
    """One of each state."""
    return Status(
        as_of=AS_OF,
        viewpoint=TREE,
        stale=(
            Standing("out/v3/table.csv", "Result", "edited",
                     "prepare.py read data/v3/biscoe.csv, which was edited since"),
            Standing("out/v3/figure.png", "Result", "upstream",
                     "evaluate.py read out/v3/table.csv, which is stale", pinned="published"),
        ),
        behind=(
            Standing("out/summary.csv", "Result", "redone",
                     "summarize.py read out/v2/metrics.json, which evaluate.py has written anew"),
        ),
        modified=(
            Standing("out/v1/metrics.json", "Result", "modified",
                     "evaluate.py wrote it; its bytes were changed by hand since"),
        ),
        missing=(
            Standing("out/v1/figure.png", "Result", "missing", "evaluate.py wrote it"),
        ),
        current=("out/v1/table.csv", "out/v1/model.pkl", "out/v2/table.csv", "out/v2/model.pkl"),
        gaps=(CONSUMED,),
        plan=(
            PlanStep("run", "prepare.py", PREPARE, 1.24),
            PlanStep("run", "train.py", TRAIN, 3.9),
        ),
        totals={"stale": 2, "behind": 1, "modified": 1, "missing": 1, "current": 4},
    )  # fmt: skip


def status_clean() -> Status:
    """Everything is current."""
    base = status()
    return replace(
        base, stale=(), behind=(), modified=(), missing=(), gaps=(), plan=(), totals={"current": 4}
    )


def lineage(*, states: bool = False) -> Lineage:
    """Everything the published figure of v3 rests on."""
    stale = "stale" if states else ""
    nodes = [
        GraphNode("figure", "Result", "out/v3/figure.png", "b3:9f86d081884c7d65", stale, 0,
                  {"size": 18211, "pinned": "published"}),
        GraphNode("metrics", "Result", "out/v3/metrics.json", "b3:7f83b1657ff1fc53", stale, 2),
        GraphNode("r3", "Run", EVALUATE, "", stale, 1, {"run": "01JBX4Q7M8", "seconds": 2.2}),
        GraphNode("model", "Result", "out/v3/model.pkl", "b3:2c624232cc221afc", stale, 2),
        GraphNode("r2", "Run", TRAIN, "", stale, 3, {"run": "01JBX4Q6T2", "seconds": 3.9}),
        GraphNode("table", "Result", "out/v3/table.csv", "b3:19581e27de7ced00", stale, 2),
        GraphNode("r1", "Run", PREPARE, "", stale, 3, {"run": "01JBX4Q5A1", "seconds": 1.24}),
        GraphNode("params", "Config", "params/v3.yaml", "b3:4a44dc1536420489", "", 4),
        *(
            GraphNode(f"d{n}", "Dataset", f"data/v3/{name}.csv", f"b3:4b227777d4dd1fc{n}",
                      "modified" if states and n == 0 else "", 4, {"size": 9024 + n})
            for n, name in enumerate(ISLANDS)
        ),
        *(
            GraphNode(f"s{n}", "Script", name, f"b3:ef2d127de37b942{n}", "", 4)
            for n, name in enumerate(
                ("prepare.py", "train.py", "evaluate.py", "penguins/io.py", "penguins/figure.py")
            )
        ),
        GraphNode("env", "Environment", "env:cpython-3.11.7+31", "b3:e7f6c011776e8db7", "", 4,
                  {"scikit-learn": "1.5.2", "pandas": "2.2.3"}),
        GraphNode("hw", "Hardware", "hardware:x86_64-2core", "b3:7902699be42c8a8e", "", 4),
    ]  # fmt: skip

    def uses(effect: str, *causes: str, role: str = "input") -> list[GraphEdge]:
        return [GraphEdge("USES", cause, effect, role) for cause in causes]

    edges = [
        GraphEdge("PRODUCES", "r3", "figure"),
        GraphEdge("PRODUCES", "r3", "metrics"),
        GraphEdge("PRODUCES", "r2", "model"),
        GraphEdge("PRODUCES", "r1", "table"),
        *uses("r3", "table", "model"),
        *uses("r2", "table"),
        *uses("r1", "d0", "d1", "d2"),
        GraphEdge("USES", "params", "r1", "input",
                  touched={"features": "x", "seed": "x", "test_share": "x"}),
        GraphEdge("USES", "params", "r2", "input",
                  touched={"features": "x", "max_depth": "x", "seed": "x", "trees": "x"}),
        *uses("r1", "s0", role="program"), *uses("r1", "s3", role="module"),
        *uses("r2", "s1", role="program"), *uses("r2", "s3", role="module"),
        *uses("r3", "s2", role="program"), *uses("r3", "s3", "s4", role="module"),
        *uses("r1", "env", role="environment"), *uses("r2", "env", role="environment"),
        *uses("r3", "env", role="environment"), *uses("r3", "hw", role="hardware"),
    ]  # fmt: skip
    return Lineage(
        as_of=AS_OF,
        viewpoint=TREE,
        question="What out/v3/figure.png rests on",
        nodes=tuple(nodes),
        edges=tuple(edges),
        focus=("figure",),
        gaps=(),
        words=(),
        totals={"nodes": len(nodes), "edges": len(edges)},
    )


def why() -> Lineage:
    """`why out/v3/figure.png --because params/v3.yaml`."""
    base = lineage()
    keep = {"figure", "r3", "model", "table", "r2", "r1", "params"}
    return replace(
        base,
        question="Why out/v3/figure.png depends on params/v3.yaml",
        nodes=tuple(node for node in base.nodes if node.id in keep),
        edges=tuple(e for e in base.edges if e.cause in keep and e.effect in keep),
        words=(
            (
                "out/v3/figure.png: evaluate.py read out/v3/model.pkl, which train.py wrote after "
                "reading params/v3.yaml (max_depth, seed, trees and 1 more)."
            ),
        ),
    )


def hostile_lineage() -> Lineage:
    """One run that read and wrote every hostile name."""
    ids = [f"h{n}" for n in range(len(HOSTILE))]
    run = GraphNode("run", "Run", HOSTILE[0], "", "stale", 1, {HOSTILE[1]: HOSTILE[0]})
    nodes = tuple(
        GraphNode(key, "Dataset" if n % 2 else "Result", name, "", "stale" if n % 2 else "", 1)
        for n, (key, name) in enumerate(zip(ids, HOSTILE, strict=True))
    )
    edges = tuple(
        GraphEdge("USES", key, "run", HOSTILE[0], touched={HOSTILE[1]: "x"})
        if n % 2
        else GraphEdge("PRODUCES", "run", key, evidence="declared")
        for n, key in enumerate(ids)
    )
    return replace(
        lineage(),
        question=HOSTILE[7],
        nodes=(run, *nodes),
        edges=edges,
        focus=("run",),
        words=(HOSTILE[0], HOSTILE[4]),
        gaps=(GapNote("blocking", HOSTILE[7], HOSTILE[1]), GapNote("noted", "cut", HOSTILE[2])),
    )


def wide_lineage(runs: int = 300) -> Lineage:
    """A table that many runs read, each writing one result: more than fits a page."""
    nodes = [GraphNode("table", "Dataset", "data/table.csv")]
    edges = []
    for n in range(runs):
        nodes.append(GraphNode(f"r{n}", "Run", f"python sweep.py --seed {n}", "", "", 1))
        nodes.append(GraphNode(f"o{n}", "Result", f"out/sweep/{n}.json", "", "stale", 2))
        edges.append(GraphEdge("USES", "table", f"r{n}"))
        edges.append(GraphEdge("PRODUCES", f"r{n}", f"o{n}"))
    return replace(
        lineage(),
        question="What data/table.csv affects",
        nodes=tuple(nodes),
        edges=tuple(edges),
        focus=("table",),
        totals={"nodes": len(nodes), "edges": len(edges)},
    )


def chain_lineage(length: int = 1000) -> Lineage:
    """A chain of artefacts, each copied from the one before; the last is asked about."""
    nodes = tuple(GraphNode(f"n{n}", "Dataset", f"data/step-{n:04}.csv") for n in range(length))
    edges = tuple(
        GraphEdge("DEPENDS_ON", f"n{n}", f"n{n + 1}", evidence="inferred")
        for n in range(length - 1)
    )
    return replace(
        lineage(), question="", nodes=nodes, edges=edges, focus=(f"n{length - 1}",), totals={}
    )


def log() -> Log:
    """Four runs: two well, one failed with a note, one interrupted."""
    rows = (
        RunLine("01JBX4Q7M8Z2V5T9K3N6P1R4S7", "evaluate.py", "ok", "2026-10-31T14:01:58Z", 2.21,
                "python audit hooks", metrics={"accuracy": 0.9783132530120482, "macro_f1": 0.97},
                agent="ada@lab", products=2),
        RunLine("01JBX4Q6T2H8C1D4F7G0J3M6W9", "train.py", "ok", "2026-10-31T14:01:52Z", 3.9,
                "python audit hooks", products=1),
        RunLine("01JBW0A1B2C3D4E5F6G7H8J9K0", "train.py out/v3/table.csv params/v3.yaml "
                "out/v3/model.pkl --with --many --flags", "failed", "2026-10-30T09:12:00Z", 754.0,
                "python audit hooks", note="tried trees=100000; out of memory\n\x1b[31mred"),
        RunLine("01JBV0A1B2C3D4E5F6G7H8J9K0", "scrape", "interrupted", "2026-10-29T23:59:59Z",
                8112.0, "none"),
    )  # fmt: skip
    return Log(as_of=AS_OF, runs=rows, gaps=(), totals={"runs": 4})


def shown() -> Shown:
    """The training run."""
    env = "b3:e7f6c011776e8db7"
    return Shown(
        as_of=AS_OF,
        node={
            "kind": "Run", "name": "train.py", "id": "01JBX4Q6T2H8C1D4F7G0J3M6W9",
            "status": "ok", "exit": 0, "started": "2026-10-31T14:01:52Z", "seconds": 3.9,
            "cpu_seconds": 11.2, "peak_memory": 311_427_072,
            "command": {"argv": TRAIN.split(), "cwd": "."},
            "git": {"commit": "4f1c2a9", "branch": "main", "dirty": True},
            "agent": {"user": "ada", "host": "lab"}, "removed": [],
            "tracing": {"method": "python audit hooks", "complete": True, "processes": 1},
            "params": {"trees": "200", "max_depth": "6"},
            "metrics": [{"name": "oob", "value": 0.9612345678, "source": "out/v3/oob.json"}],
        },
        uses=(
            UsedLine("g1", "out/v3/table.csv", "Result", "b3:19581e27de7ced00", "input",
                     "observed", {"#bytes": "b3:19581e27de7ced00"}, "stale", "prepare.py"),
            UsedLine("g2", "params/v3.yaml", "Config", "b3:4a44dc1536420489", "input", "observed",
                     {"features": "x", "max_depth": "x", "seed": "x", "trees": "x"}),
            UsedLine("g3", "params/override.yaml", "Config", "absent", "input", "observed",
                     {"#bytes": "absent"}),
            UsedLine("g4", "train.py", "Script", "b3:ef2d127de37b9420", "program", "observed",
                     {"#syntax": "x"}),
            UsedLine("g5", "env:cpython-3.11.7+31", "Environment", env, "environment", "observed"),
        ),
        produces=(
            UsedLine("g6", "out/v3/model.pkl", "Result", "b3:2c624232cc221afc", "output",
                     "declared"),
        ),
        used_by=(),
        notes=("More trees, as Grace asked.\nSee the minutes of Tuesday.",),
        gaps=(),
    )  # fmt: skip


def run_diff() -> RunDiff:
    """Two runs of evaluate.py."""
    return RunDiff(
        as_of=AS_OF,
        before="evaluate.py 01JBW0A1B2",
        after="evaluate.py 01JBX4Q7M8",
        differences=(
            Difference("code", "train.py", "ef2d127d", "a1b2c3d4", "12 lines"),
            Difference("parameters", "max_depth", "4", "6"),
            Difference("parameters", "trees", "100", "200"),
            Difference("data", "data/v3/biscoe.csv", "4b227777", "9f86d081"),
            Difference("packages", "scikit-learn", "1.5.1", "1.5.2"),
            Difference("hardware", "gpu0.driver", "550.90", "", "gone"),
            Difference("metrics", "accuracy", "0.9518", "0.9783", "+0.0265 (+2.8%)"),
            Difference("metrics", "loss", "nan", "0.2"),
        ),
        same={"data": 4, "packages": 30, "parameters": 3},
        gaps=(),
        reach=(
            Reach(
                ("accuracy", "loss"),
                (
                    Suspect("parameters", "trees", "100", "200", "", ("train.py",), ("train.py",)),
                    Suspect(
                        "data",
                        "data/v3/biscoe.csv",
                        "4b227777",
                        "9f86d081",
                        "",
                        ("prepare.py", "plot.py"),
                        ("prepare.py", "train.py", "evaluate.py"),
                    ),
                    Suspect(
                        "chance",
                        "split.py",
                        "",
                        "",
                        "nothing it read or was given differs, and its outcome does",
                        ("split.py",),
                        ("split.py",),
                    ),
                ),
                (Cleared("packages", "scikit-learn", "1.5.1", "1.5.2", "neither run imported it"),),
            ),
        ),
    )


def structure(*names: str) -> Structure:
    """What `structure` finds; `names` are those of its things, hostile ones to be shown safely."""
    model, step, old, end = (*names, "out/v3/model.pkl", "train.py", "data/old.csv", "out/s.csv")[
        :4
    ]
    return Structure(
        AS_OF,
        "working tree",
        (
            Point("gen:1", model, "Result", 12, 2, True),
            Point("run:2", step, "Run", 3, 0, False),
        ),
        (Leg("run:1", "prepare.py", 4.2), Leg("run:2", step, 4200.0)),
        4204.2,
        (Repeat(step, ("run:2", "run:3", "run:4"), 8300.0),),
        (Orphan("gen:9", old, "Dataset"),),
        (Chain("gen:5", end, 9, ("prepare.py", *([step] * 8))),),
        (),
        {"live": 40, "results": 14, "runs": 22, "single_points": 2, "redundant": 2, "orphans": 1},
    )


def structure_none() -> Structure:
    totals = {"live": 0, "results": 0, "runs": 0, "single_points": 0, "redundant": 0, "orphans": 0}
    return Structure(AS_OF, "working tree", (), (), 0.0, (), (), (), (), totals)


def report() -> Report:
    """A check that found something."""
    return Report(
        about="ledger verify",
        ok=False,
        words=("41 records, 12 objects are whole", "record 9f86d081 is damaged: \x1b[2J"),
        facts={"records": 41, "damaged": ["9f86d081"], "seconds": 0.2},
    )


def redo(*, dry_run: bool) -> Redo:
    """A plan with all there can be in one, or what came of it."""
    plan = (
        RedoStep("impossible", "grow.py", reason="its arguments were erased on purpose"),
        RedoStep(
            "ask",
            "out/both",
            reason="another step took it over; which of them should make it?",
            choices=("--take left.py", "--take right.py"),
        ),
        RedoStep("restore", "data/in.csv", reason="the step reads it as it was (from git (1a2b))"),
        RedoStep(
            "run",
            "train.py",
            command=f"provgraph run -- {TRAIN}",
            directory=".",
            seconds=194.0,
            reason="params.yaml has changed since",
            run="01J8ZQ4W3F",
            warnings=("numpy was 1.26.4 and is 2.1.0 here",),
        ),
        RedoStep(
            "run",
            "plot.py",
            command="(cd plots && provgraph run -- python plot.py)",
            directory="plots",
            seconds=2.5,
            run="01J8ZQ5W3F",
            sure=False,
            after=(4,),
        ),
    )
    train, plot = plan[3], plan[4]
    done = (
        replace(plan[2], outcome="done"),
        replace(train, outcome="done", exit=0, took=201.4),
        replace(plot, outcome="failed", exit=-9, took=0.2),
    )
    totals = {"runs": 2, "critical_seconds": 196.5, "took": 201.6, "failed": 1}
    return Redo(
        as_of=AS_OF,
        viewpoint="working tree",
        targets=(),
        dry_run=dry_run,
        plan=plan,
        done=() if dry_run else done,
        left=() if dry_run else (*plan[:2], replace(plot, outcome="")),
        spared=(
            Spared("score.py", "01J8ZQ6W3F", 12.0, "what it reads came out as it was"),
            Spared("prepare.py", "01J8ZQ7W3F", 40.0, "all it read is as it was"),
        ),
        gaps=(),
        totals=totals,
    )


def bisection() -> Bisection:
    """Two differences that decide together, and what couldn't be switched."""
    return Bisection(
        as_of=AS_OF,
        metric="out/metrics.json: accuracy",
        before="01JBW0A1B2",
        after="01JBX4Q7M8",
        values=("0.9518", "0.9783"),
        tolerance=1e-9,
        candidates=("params.yaml#depth", "params.yaml#trees", "data/v3/biscoe.csv"),
        fixed=("scikit-learn (1.5.1 then 1.5.2)",),
        deciding=("params.yaml#depth", "data/v3/biscoe.csv"),
        words="params.yaml#depth, data/v3/biscoe.csv decide together",
        trials=(
            Trial((), "0.9518", "before", 194.0),
            Trial(("params.yaml#depth", "data/v3/biscoe.csv"), "0.9783", "after", 190.0),
            Trial(("params.yaml#depth",), "0.9611", "neither", 191.0),
            Trial(("data/v3/biscoe.csv",), "train.py: exit 1", "failed", 2.0),
        ),
        dry_run=False,
        totals={"redos": 4, "expected": 6, "seconds": 577.0, "seconds_each": 195.0},
    )


def check() -> Check:
    """A branch that edits parameters, bumps a package and rewords: one published result falls."""
    base = impact()
    findings = tuple(
        Finding(
            hit,
            "published"
            if hit.pinned
            else f"a result, {count_of(hit.depth, 'step')} from the change",
            "params/v3.yaml",
            f"provgraph run -- python {hit.step}",
            ("published",) if hit.pinned else (),
            "replaced in version 4" if hit.name.endswith("summary.csv") else "",
            ("@ada", "@lab/figures") if hit.pinned else (),
        )
        for hit in sorted(base.affected, key=lambda hit: (not hit.pinned, hit.depth))
    )
    changes = (
        Changed("params/v3.yaml", "Config", "modified", ("trees", "seed"), "affects",
                "prepare.py, train.py read it", 4, lines=(Lines("params/v3.yaml", 3, 4),)),
        Changed("requirements.txt", "Environment", "package", ("numpy",), "affects",
                "prepare.py imported it", 1, "1.26.4", "2.1.0", ("@lab/ops",),
                (Lines("requirements.txt", 12, 12),)),
        Changed("penguins/figure.py", "Script", "modified", (), "spared",
                "the same code: only comments, formatting or docstrings differ (3 runs)"),
        Changed("data/v4/dream.csv", "Dataset", "renamed", (), "spared", "the same bytes", 0,
                "data/v3/dream.csv"),
        Changed("README.md", "Dataset", "deleted", (), "unread", "no recorded run has read it"),
    )  # fmt: skip
    return Check(
        as_of="12 records, newest run of 2026-10-31T14:01:58Z",
        base="origin/main (7ada09b1452c)",
        head="topic (4f1c2a9d0e3b)",
        passed=False,
        verdict="5 things that were current are affected, 1 of them published.",
        failures=(
            Failure("published", "out/v3/figure.png", "out/v3/figure.png is published"),
            Failure("blocking-gap", UNTRACED.subject, "convert.sh ran what nothing traced"),
            Failure("too-long", "", "renewing takes 9.5 hours, more than the 8 allowed"),
        ),
        changes=changes,
        affected=findings,
        already_stale=(Already("out/old/figure.png", "Result", "stale"),),
        gaps=(UNTRACED, CONSUMED),
        plan=base.plan,
        excused=("out/summary.csv: replaced in version 4",),
        expired=("out/v1/figure.png: the exception «old paper» ran out on 2026-09-30",),
        totals={"changes": 5, "affecting": 2, "spared": 2, "unread": 1, "affected": 5}
        | {"stale": 4, "behind": 1, "missing": 0, "published": 1, "pinned": 0}
        | {"already_stale": 1, "blocking_gaps": 1},
    )


def check_passed() -> Check:
    """Changes without effect only."""
    totals = {"changes": 3, "spared": 2, "unread": 1, "affected": 0}
    return replace(
        check(), passed=True, verdict="Nothing that is current is affected.", failures=(),
        changes=check().changes[2:], affected=(), already_stale=(), gaps=(), plan=(), excused=(),
        expired=(), totals=totals,
    )  # fmt: skip


def check_hostile() -> Check:
    """Names that would harm a terminal or a page, wherever a check names something."""
    findings = tuple(
        Finding(hit, hit.name, hit.name, f"python a.py '{hit.name}'", ("result",), "", (hit.name,))
        for hit in impact_hostile().affected
    )
    changes = tuple(
        Changed(name, "Dataset", "renamed", (name,), "affects", name, 1, name, name, (name,))
        for name in (*HOSTILE, "x" * 10_000)
    )
    return replace(
        check(), verdict=HOSTILE[3], affected=findings, changes=changes, base=HOSTILE[4],
        head=HOSTILE[2], failures=(Failure("too-many", HOSTILE[1], HOSTILE[3]),),
        gaps=impact_hostile().gaps, plan=impact_hostile().plan, excused=HOSTILE[:2],
        expired=HOSTILE[2:4], already_stale=(Already(HOSTILE[3], "Result", "stale"),),
    )  # fmt: skip


def answers() -> dict[str, object]:
    """Every sample by name."""
    return {
        "impact": impact(),
        "impact_mixed": impact_mixed(),
        "impact_none": impact_none(),
        "impact_unknown": impact_unknown(),
        "impact_hostile": impact_hostile(),
        "status": status(),
        "status_clean": status_clean(),
        "lineage": lineage(),
        "lineage_states": lineage(states=True),
        "why": why(),
        "lineage_hostile": hostile_lineage(),
        "log": log(),
        "show": shown(),
        "diff": run_diff(),
        "bisect": bisection(),
        "bisect_plan": replace(bisection(), trials=(), deciding=(), words="", dry_run=True),
        "redo_plan": redo(dry_run=True),
        "redo": redo(dry_run=False),
        "structure": structure(),
        "structure_none": structure_none(),
        "structure_hostile": structure(*HOSTILE[:4]),
        "report": report(),
        "check": check(),
        "check_passed": check_passed(),
        "check_hostile": check_hostile(),
    }
