"""A small published graph whose names hold what each format trips over."""

from collections.abc import Callable, Iterator
from typing import Any

from provgraph.graph import GraphStore
from provgraph.graph.published import InferredEdge, Published, Relationship, Sources
from provgraph.model.kinds import kind_of
from provgraph.model.records import Git, Metric, NoteRecord, RunRecord, Step, Tracing
from tests.contract.stores.making import PROJECT, Entry, entry, moment, product, use

NASTY = (
    'quote " and "two"',
    "line\nbreak\r\nand\ttab",
    "comma, semicolon; pipe| \x1f unit",
    "back\\slash\\\"' `tick`",
    "control \x01\x07 \x1b[31m",
    "<b>&amp;</b> ]]> {x}",
    "$name MATCH (n) DETACH DELETE n //",
    "ünï ☃ \U0001f427 \u202eright",
    " leading and trailing ",
)


def entries() -> Iterator[Entry]:
    """Give records: a run a name, each reading what the one before wrote."""
    before: list[Any] = []
    for number, name in enumerate(NASTY):
        private: dict[str, dict[str, Any]] = {
            "agent": {"user": name, "host": "h"},
            "command": {"argv": ["python", name]},
            "params": {"lr": "0.1", name: name},
            "note": {"text": name},
        }
        record = RunRecord(
            project=PROJECT,
            at=moment(10 * number + 5),
            run=f"01R{number:023}",
            step=Step(key=f"s{number}", label=name),
            status="ok",
            started=moment(10 * number),
            ended=moment(10 * number + 4),
            seconds=4.25,
            uses=(*before, use(f"in/{name}", "aa", touched={name: "v:1", "#bytes": "b3:aa"})),
            produces=(product(f"out/{name}", f"{number:02}", size=2**40 + number),),
            metrics=(
                Metric(name=name, value=0.5, source=name),
                Metric(name="bad", value=float("nan")),
                Metric(name="big", value=2**60),
            ),
            git=Git(commit="c0ffee", branch=name, dirty=bool(number % 2)),
            tracing=Tracing(method="audit", complete=number % 3 > 0),
            private={category: f"b3:{category}{number}" for category in private},
        )
        yield entry(record, private)
        before = [use(f"out/{name}", f"{number:02}", record.run, maker_step=f"s{number}")]
    note = NoteRecord(
        project=PROJECT, at=moment(900), subject="01R" + "0" * 23, private={"note": "b3:spoken"}
    )
    yield entry(note, {"note": {"text": "said later"}})


def published(store: GraphStore, only: frozenset[str] | None = None) -> Published:
    """Fill a store and give its published graph."""
    store.add(entries())
    return over(store, entries, only, copies=True)


def over(
    store: GraphStore,
    records: Callable[[], Iterator[Entry]],
    only: frozenset[str] | None = None,
    *,
    copies: bool = False,
) -> Published:
    """Give the published graph of a store; `copies`: with an edge that a rule adds."""

    def inferred() -> Iterator[InferredEdge]:
        if copies:
            first, second, *_ = sorted(store.at_names(store.all_names()), key=lambda g: g.id)
            yield InferredEdge(effect=first.key, cause=second.key, how="copy")

    return Published(
        store,
        Sources(
            kind=lambda name, made: kind_of(name, produced=made),
            records=records,
            inferred=inferred,
        ),
        only,
    )


def known(props: Any) -> dict[str, Any]:
    return {name: value for name, value in dict(props).items() if value is not None}


def as_values(graph: Published) -> tuple[dict[str, Any], list[tuple[Any, ...]]]:
    """Give nodes by id, and relationships, as values that compare."""
    nodes: dict[str, Any] = {}
    for node in graph.nodes():
        assert node.id not in nodes
        nodes[node.id] = (node.label, known(node.props))
    return nodes, sorted(map(link, graph.relationships()), key=repr)


def link(one: Relationship) -> tuple[Any, ...]:
    return (one.type, one.start, one.end, known(one.props))
