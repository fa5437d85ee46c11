"""A store that folds every record it is given, and is asked as if it had not."""

from collections.abc import Iterable, Mapping
from typing import Any

from provgraph.errors import ObjectMissing
from provgraph.graph.interface import GraphStore
from provgraph.graph.unfolding import Unfolding
from provgraph.model.filesets import fold
from provgraph.model.records import Recorded, RunRecord


class Folding(Unfolding):
    """`above` is how many files a directory may have unfolded."""

    def __init__(self, folded: GraphStore, *, above: int = 0) -> None:
        self.above = above
        self.manifests: dict[str, bytes] = {}
        super().__init__(folded, self._manifest)

    def add(self, records: Iterable[tuple[str, Recorded, Mapping[str, Mapping[str, Any]]]]) -> int:
        return super().add([(name, self._folded(one), said) for name, one, said in records])

    def _folded(self, record: Recorded) -> Recorded:
        if not isinstance(record, RunRecord):
            return record
        record, manifests = fold(record, above=self.above)
        self.manifests |= manifests
        return record

    def _manifest(self, digest: str) -> bytes:
        if digest not in self.manifests:
            raise ObjectMissing(f"{digest} isn't here", hint="")
        return self.manifests[digest]
