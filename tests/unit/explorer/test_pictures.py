"""Pictures: hubs are chips, siblings stacks, causes left of effects, nothing moves."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from random import Random

import pytest

from provgraph.explorer.around import folds_of, picture_of, stacks_of
from provgraph.explorer.picture import HEIGHT, WIDTH, Card, Line, Picture, arranged
from provgraph.explorer.rows import table_of
from provgraph.explorer.spread import ASKED, MOST_HITS, spread
from provgraph.model.answers import (
    Already,
    ChangedName,
    GraphEdge,
    GraphNode,
    Hit,
    Impact,
    Lineage,
    Link,
)

AS_OF = "3 records"


def lineage(nodes: Sequence[GraphNode], edges: Sequence[tuple[str, str]], *focus: str) -> Lineage:
    made = tuple(GraphEdge("USES", cause=cause, effect=effect) for cause, effect in edges)
    totals = {"nodes": len(nodes), "edges": len(made)}
    return Lineage(AS_OF, "working tree", "around", tuple(nodes), made, focus, (), (), totals)


def node(
    key: str, kind: str = "Dataset", depth: int = 0, name: str = "", state: str = ""
) -> GraphNode:
    return GraphNode(key, kind, name or key, depth=depth, state=state)


def hit(name: str, depth: int, *path: str, **more: str) -> Hit:
    links = tuple(
        Link(cause, effect, "USES", "observed")
        for cause, effect in zip(path, (*path[1:], name), strict=True)
    )
    state = more.get("state", "stale")
    return Hit(f"gen:{name}", name, "Result", state, depth, links, f"{name}: why", step=path[-1])


def impact(hits: Sequence[Hit], *changed: str, already: tuple[Already, ...] = ()) -> Impact:
    said = tuple(ChangedName(name, "Dataset") for name in changed)
    totals = {"affected": len(hits)}
    return Impact(AS_OF, "working tree", said, tuple(hits), already, (), (), totals, "data")


def apart(picture: Picture) -> None:
    """See that no two cards lie on each other, and all inside."""
    for a, b in combinations(picture.cards, 2):
        assert abs(a.x - b.x) >= WIDTH or abs(a.y - b.y) >= HEIGHT, (a.name, b.name)
    for card in picture.cards:
        assert 0 <= card.x <= picture.width - WIDTH
        assert 0 <= card.y <= picture.height - HEIGHT


def test_hubs_are_chips_but_what_is_asked_about_is_not() -> None:
    nodes = [
        node("run", "Run", 1),
        node("data"),
        node("env", "Environment", -2),
        node("made.py", "Script", -2),
        node("maker", "Run", -3),
    ]
    edges = [("data", "run"), ("env", "run"), ("made.py", "run"), ("maker", "made.py")]
    picture = picture_of(lineage(nodes, edges, "data"))
    cards = {card.key: card for card in picture.cards}
    assert "env" not in cards
    assert [chip.name for chip in cards["run"].chips] == ["env"]
    assert "made.py" in cards  # a run wrote it: that is a cause to see
    assert picture.things == 4
    asked = picture_of(lineage([node("env", "Environment"), node("run", "Run", 1)],
                               [("env", "run")], "env"))  # fmt: skip
    assert [card.key for card in asked.cards] == ["env", "run"]


def test_causes_are_left_of_effects_also_across_hops() -> None:
    nodes = [node("table"), node("train", "Run", 1), node("model", depth=2), node("eval", "Run", 1)]
    nodes.append(node("figure", depth=2))
    edges = [("table", "train"), ("train", "model"), ("model", "eval"), ("table", "eval")]
    edges.append(("eval", "figure"))
    picture = picture_of(lineage(nodes, edges, "table"))
    x = {card.key: card.x for card in picture.cards}
    assert x["table"] < x["train"] < x["model"] < x["eval"] < x["figure"]
    apart(picture)


def test_a_cycle_is_drawn_where_depths_put_it() -> None:
    nodes = [node("a"), node("b", depth=1), node("c", depth=2)]
    picture = picture_of(lineage(nodes, [("a", "b"), ("b", "c"), ("c", "b")], "a"))
    assert len(picture.cards) == 3
    apart(picture)


@pytest.mark.parametrize(("count", "cards"), [(4, 6), (5, 3), (48, 3)])
def test_five_alike_siblings_are_a_stack(count: int, cards: int) -> None:
    runs = [node(f"r{n}", "Run", 1, name="fit", state="current") for n in range(count)]
    others = [node("data"), node("one", "Run", 1, name="look")]
    edges = [("data", run.id) for run in (*runs, others[1])]
    answer = lineage([*others, *runs], edges, "data")
    picture = picture_of(answer)
    assert len(picture.cards) == cards
    if cards == 3:
        stack = next(card for card in picture.cards if card.count > 1)
        assert (stack.name, stack.count, stack.states) == (f"{count} runs of fit", count,
                                                          {"current": count})  # fmt: skip
        assert sum(line.count for line in picture.lines) == count + 1
        assert set(stacks_of(folds_of(answer)).values()) == {stack.key}
        table = table_of(answer, stacks=stacks_of(folds_of(answer)))
        assert table.page(stack=stack.key)["found"] == count
        assert len(picture_of(answer, folds=folds_of(answer, [stack.key])).cards) == count + 2


def test_what_a_stack_wrote_is_a_stack() -> None:
    runs = [node(f"r{n}", "Run", 1, name="fit") for n in range(6)]
    made = [node(f"m{n}", "Result", 2) for n in range(6)]
    edges = [("data", run.id) for run in runs]
    edges += [(run.id, result.id) for run, result in zip(runs, made, strict=True)]
    picture = picture_of(lineage([node("data"), *runs, *made], edges, "data"))
    assert [card.count for card in picture.cards] == [1, 6, 6]


def test_thousands_are_counted_never_cut() -> None:
    nodes = [node("data")]
    nodes += [node(f"n{n}", "Result", 1 + n % 7, state="stale") for n in range(3_000)]
    edges = [("data", "n0"), *((f"n{n}", f"n{n + 1}") for n in range(2_999))]
    picture = picture_of(lineage(nodes, edges, "data"))
    assert len(picture.cards) <= 300
    assert sum(card.count for card in picture.cards) == picture.things == 3_001


def test_what_comes_later_moves_nothing() -> None:
    nodes = [node("a"), node("b", "Run", 1), node("c", "Run", 1)]
    edges = [("a", "b"), ("a", "c")]
    before = {card.key: card for card in picture_of(lineage(nodes, edges, "a")).cards}
    nodes += [node(f"{key}{n}", depth=2) for key in "bc" for n in range(3)]
    edges += [(key, f"{key}{n}") for key in "bc" for n in range(3)]
    later = {node.id for node in nodes[3:]}
    picture = picture_of(lineage(nodes, edges, "a"), later=later)
    after = {card.key: card for card in picture.cards}
    assert len(after) == 9
    apart(picture)
    moved = {(after[key].x - card.x, after[key].y - card.y) for key, card in before.items()}
    assert len(moved) == 1


def test_a_hit_hangs_on_the_hit_before_it() -> None:
    hits = [
        hit("table", 1, "data", "prepare"),
        hit("model", 2, "data", "prepare", "table", "train"),
        hit("figure", 3, "data", "prepare", "table", "train", "model", "evaluate"),
    ]
    picture = spread(impact(hits, "data"))
    cards = {card.name: card for card in picture.cards}
    assert cards["figure"].via == cards["model"].key
    assert cards["model"].via == cards["table"].key
    assert cards["table"].via == "asked:data" == cards["data"].key
    assert {(line.cause, line.effect) for line in picture.lines} == {
        (card.via, card.key) for card in picture.cards if card.via
    }
    apart(picture)


def test_alike_hits_and_many_changed_things_are_stacks() -> None:
    names = [f"data/{n}" for n in range(6)]
    hits = [hit(f"out/{n}", 1, names[n % 6], "fit") for n in range(40)]
    picture = spread(impact(hits, *names))
    asked, stack = sorted(picture.cards, key=lambda card: card.x)
    assert (asked.key, asked.count, stack.count, stack.name) == (ASKED, 6, 40, "40 results")
    opened = spread(impact(hits, *names), unfolded=[stack.key])
    assert len(opened.cards) == 41
    apart(opened)


def test_more_hits_than_can_be_looked_at_are_summed_up() -> None:
    hits = [hit(f"out/{n}", 1 + n % 40, "data", "fit") for n in range(MOST_HITS + 1)]
    picture = spread(impact(hits, "data"))
    assert len(picture.cards) <= 13
    assert sum(card.count for card in picture.cards if not card.focus) == len(hits)
    apart(picture)


def test_a_table_has_every_hit_and_what_was_stale_before() -> None:
    hits = [hit(f"out/{n}", 1 + n % 3, "data", "fit") for n in range(150)]
    table = table_of(impact(hits, "data", already=(Already("old", "Result", "stale"),)))
    assert table.page()["total"] == 151
    assert table.page(offset=100)["rows"][-1]["name"] == "old"
    assert [row["name"] for row in table.page(sort="name", limit=3)["rows"]] == [
        "old",
        "out/0",
        "out/1",
    ]
    assert table.page(sort="-depth")["rows"][0]["words"]
    assert table.page(find="OUT/14")["found"] == 11
    assert table.page(offset=10**9)["rows"] == []
    assert len(table.page(limit=10**9)["rows"]) == 151


@pytest.mark.parametrize("seed", range(8))
def test_very_many_that_come_later_overlap_nothing(seed: int) -> None:
    """Each wants to stand at the mean of its neighbours: parts of rows, which add up inexactly."""
    chance = Random(seed)
    first = before = [Card(f"a{number}", f"a{number}", "Dataset") for number in range(7)]
    later: dict[int, list[Card]] = {}
    lines: list[Line] = []
    for column in range(1, 4):
        later[column] = [Card(f"{column}-{n}", f"{column}-{n}", "Run") for n in range(12)]
        lines += [
            Line(cause=one.key, effect=other.key)
            for other in later[column]
            for one in chance.sample(before, chance.randrange(1, 7))
        ]
        before = later[column]
    picture = arranged({0: first}, lines, later=later, things=43)
    assert len(picture.cards) == 43
    apart(picture)
