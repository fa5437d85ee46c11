"""Find what a recorded version held, to show it: recorded bytes alone, secrets redacted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from provgraph.errors import CannotAnswer
from provgraph.model.answers import Content
from provgraph.model.digests import ABSENT, content_digest
from provgraph.model.names import path_of
from provgraph.redo.originals import Originals, kept_of

if TYPE_CHECKING:
    from provgraph.graph.interface import Generation
    from provgraph.redo.planning import Site


def content_of(site: Site, version: Generation, *, most: int) -> Content:
    """Give a version's bytes: as they lie in the tree, as the ledger kept them, or from git.

    What lies at the name counts only where it has the digest, so nothing but what was recorded is
    ever shown. Raises `CannotAnswer` where they aren't at hand, or are more than `most`.
    """
    name = version.name
    if version.project != site.id or version.digest == ABSENT or ":" in name.partition("/")[0]:
        raise CannotAnswer(f"{name} isn't the content of a file of this project")
    if version.size is not None and version.size > most:
        raise CannotAnswer(f"{name} has {version.size:,} bytes, too many to show")
    contents = site.contents()
    path = site.root / path_of(name)
    if path.is_file() and path.stat().st_size <= most:
        data = path.read_bytes()
        plain = content_digest(data)
        if version.digest in (plain, contents.keyed(plain)):
            return Content(name, site.redactor.data(data), "the working tree")
    for data in _kept(site, version):
        if len(data) <= most:
            return Content(name, data, "the ledger")
    known = Originals(site.root, keyed=contents.keyed, kept=lambda _: (), stray=lambda *_: "")
    original = known.find(name, version.digest, version.size)
    if original is None or len(original.data) > most:
        raise CannotAnswer(f"the content of {name} isn't at hand any more")
    data = site.redactor.data(original.data)
    return Content(name, data, original.where)


def _kept(site: Site, version: Generation) -> Iterator[bytes]:
    """Give what the ledger kept of exactly this version for one of its readers."""
    store = site.graphs.store
    for row in store.runs([use.run for use in store.uses_of([version.key])]):
        found = store.record_of(row.id)
        uses = getattr(found[1], "uses", ()) if found is not None else ()
        same = [(use.name, use.kept) for use in uses if use.digest == version.digest]
        yield from kept_of(version.name, same, site.graphs.object)
