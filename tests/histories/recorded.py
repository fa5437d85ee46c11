"""Played histories as records and viewpoints: what lets the package be asked about them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from provgraph.analysis.viewpoint import Verdict
from provgraph.model.records import Product, RunRecord, Step, Tracing, Use
from tests.oracle import world as played_world
from tests.oracle.world import ABSENT, View, digest_of, listing_digest, part_digest

PROJECT = "p"
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def records(ledger: played_world.Ledger) -> list[RunRecord]:
    """Give the record that capture would have written of each run."""
    by_id = {run.id: run for run in ledger.runs}
    return [_record(run, by_id, ledger.streams, place) for place, run in enumerate(ledger.runs)]


def hub(readers: int) -> tuple[played_world.Ledger, View, View]:
    """Give `hub(n)` and the edit of its source, without the simulator, which is quadratic."""
    source = played_world.Generation("raw", digest_of("1"))
    tree: dict[str, played_world.Content | None] = {"raw": "1"}
    runs = []
    for number in range(readers):
        name, content = f"leaf{number}", f"made{number}"
        tree[name] = content
        use = played_world.Use(source, {"#bytes": source.digest}, 1)
        product = played_world.Product(name, digest_of(content), {}, len(content))
        step = f"reader{number}"
        runs.append(
            played_world.RecordedRun(
                f"r{number}", step, "", (use,), (product,), ended="ok", when=number
            )
        )
    return played_world.Ledger(tuple(runs)), tree, {**tree, "raw": "2"}


def _record(
    run: played_world.RecordedRun,
    by_id: Mapping[str, played_world.RecordedRun],
    streams: Collection[str],
    place: int,
) -> RunRecord:
    start = EPOCH + timedelta(seconds=10 * run.when, milliseconds=place)
    return RunRecord(
        project=PROJECT,
        at=_text(start + timedelta(seconds=5)),
        run=run.id,
        step=Step(key=run.step, label=run.step, named=True),
        status=run.ended,
        within=run.within or None,
        started=_text(start),
        ended=_text(start + timedelta(seconds=5)),
        seconds=5,
        params={"argv": run.args},
        uses=tuple(_use(use, by_id) for use in run.uses),
        produces=tuple(
            Product(
                name=product.name,
                digest=product.digest,
                mode="append" if product.appended is not None else "write",
                size=product.size,
                parts=dict(product.parts),
            )
            for product in run.products
        ),
        tracing=Tracing(method="model", complete=True),
    )


def _use(use: played_world.Use, by_id: Mapping[str, played_world.RecordedRun]) -> Use:
    makers = use.makers
    own = use.generation.maker
    maker = own if own is not None else (makers[-1] if makers else None)
    role = "platform" if use.name == "platform" else "input"
    return Use(
        name=use.name,
        digest=use.generation.digest,
        maker=maker,
        maker_step=by_id[maker].step if maker is not None else None,
        role="listing" if "#listing" in use.touched else role,
        touched=dict(use.touched),
        size=use.size,
        writers=tuple(one for one in makers if one != maker),
    )


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class OracleView:
    """A played viewpoint (None: absent, no entry: no word) as the package asks it."""

    view: View
    label: str = "history"

    def has_word(self, name: str) -> bool:
        return name in self.view

    def is_absent(self, name: str) -> bool:
        return self.view[name] is None

    def whole(self, name: str, candidates: Collection[str]) -> str | None:
        digest = digest_of(self.view[name])
        return digest if digest in candidates else None

    def is_sure(self, name: str, candidates: Collection[str]) -> bool:
        return True

    def compare(self, name: str, part: str, digest: str, *, whole: str | None = None) -> Verdict:
        content = self.view[name]
        if whole is not None and whole == digest_of(content) != ABSENT:
            return Verdict.SAME
        present = part_digest(content, part)
        return Verdict.SAME if present == digest else Verdict.DIFFERENT

    def prepare(self, wanted: Mapping[str, Collection[tuple[str, str]]]) -> None:
        """Need nothing."""


@dataclass(frozen=True)
class ListingView(OracleView):
    """A played viewpoint in which some names are directories whose listing was read."""

    directories: frozenset[str] = frozenset()

    def has_word(self, name: str) -> bool:
        return name in self.directories or name in self.view

    def is_absent(self, name: str) -> bool:
        return name not in self.directories and self.view[name] is None

    def whole(self, name: str, candidates: Collection[str]) -> str | None:
        if name in self.directories:
            return next(iter(candidates), None)
        return OracleView.whole(self, name, candidates)

    def compare(self, name: str, part: str, digest: str, *, whole: str | None = None) -> Verdict:
        if part == "#listing":
            there = (n for n, content in self.view.items() if content is not None)
            return Verdict.SAME if listing_digest(there, name) == digest else Verdict.DIFFERENT
        return OracleView.compare(self, name, part, digest, whole=whole)


def viewpoint(ledger: played_world.Ledger, view: View) -> OracleView:
    """Give the viewpoint of a played history."""
    listed = {u.name for run in ledger.runs for u in run.uses if "#listing" in u.touched}
    if listed:
        return ListingView(view, directories=frozenset(listed))
    return OracleView(view)
