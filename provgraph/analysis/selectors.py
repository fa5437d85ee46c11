"""Selectors: what a person types to name things, resolved against what is recorded (DESIGN §4)."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from provgraph.analysis.change import Target
from provgraph.analysis.facts import Facts
from provgraph.errors import SelectorError
from provgraph.model.kinds import KINDS, RUN
from provgraph.model.names import is_uri, under
from provgraph.model.parts import EVERY, SPECIAL, TIER

_CONTENT = re.compile(r"^(?:b3:)?[0-9a-f]{4,64}$")
MOST_NAMED = 5


def of_platform(selector: str) -> bool:
    """Tell whether a selector, or a supposition about one, is about the platform's tier itself."""
    head, _, rest = selector.partition(":")
    return head == "hardware" or (head == "env" and rest.partition("=")[0].strip() in TIER)


@dataclass(frozen=True, slots=True)
class Resolver:
    """Resolves selectors. `path_name` turns a path into (name, exists on disk), or None."""

    facts: Facts
    kind: Callable[[str, bool], str]
    title: Callable[[str], str]
    path_name: Callable[[str], tuple[str, bool] | None]

    def target(self, selector: str) -> Target:
        """Resolve a selector to what a change of it means.

        Raises `SelectorError` with the nearest matches when it names nothing or is ambiguous.
        """
        if not selector or selector == "./":
            raise SelectorError(
                "an empty selector names nothing", hint="name a file, or see --help"
            )
        target = self._special(selector) or self._named(selector)
        if target is None:
            raise self._unknown(selector)
        kinds = {name: self._kind(name) for name, _ in target.names}
        return replace(target, selector=selector, kinds=tuple(sorted(kinds.items())))

    def vertices(self, selector: str) -> list[int]:
        """Resolve a selector to vertices: what lies (or lay last) at each name, or a run."""
        target = self.target(selector)
        store = self.facts.store
        out = [*target.keys, *target.contents]
        for name, _ in target.names:
            every = store.at_names([name])
            here = [g for g in every if g.project == self.facts.project] or every
            if here:
                out.append(max(here, key=lambda g: (g.maker is not None, g.order)).key)
        if not out:
            raise SelectorError(
                f"nothing recorded has touched {selector}",
                hint="run what uses it under `provgraph run -- …` first",
            )
        return list(dict.fromkeys(out))

    def run(self, selector: str) -> str:
        """Resolve a selector to one run's id: `run:…`, an id's beginning, or a step's last run."""
        store = self.facts.store
        text = selector.removeprefix("run:")
        found = store.runs(store.by_id(text) + store.by_id(f"run:{text}"))
        ids = sorted({row.id for row in found})
        if len(ids) == 1:
            return ids[0]
        if len(ids) > 1:
            raise SelectorError(
                f"{selector} is the beginning of {len(ids)} runs",
                hint="give more of it",
                nearest=ids[:MOST_NAMED],
            )
        of_step = store.list_runs(step=text, limit=1)
        if of_step:
            return of_step[0].id
        keys = self.vertices(selector)
        makers = [g.maker for g in store.generations(keys) if g.maker is not None]
        rows = store.runs(makers)
        if len(rows) == 1:
            return rows[0].id
        raise SelectorError(
            f"{selector} is no run", hint="`provgraph log` lists the runs; give an id from there"
        )

    # -- the forms a selector takes ----------------------------------------------------------

    def _special(self, selector: str) -> Target | None:
        head, colon, rest = selector.partition(":")
        if not colon or not rest:
            return None
        store = self.facts.store
        if head in ("run", "gen"):
            keys = store.by_id(selector) or store.by_id(rest)
            if len(keys) > 1:
                names = [row.id for row in store.vertices(keys[:MOST_NAMED])]
                raise SelectorError(
                    f"{selector} is ambiguous", hint="give more of it", nearest=names
                )
            if not keys:
                return None
            generations = store.generations(keys)
            if generations and not generations[0].imported:
                return Target(selector, contents=tuple(keys))
            return Target(selector, keys=tuple(keys))
        if head == "kind":
            return self._of_kind(selector, rest)
        if head in ("env", "hardware"):
            return self._part_of_all(selector, head, rest)
        return None

    def _of_kind(self, selector: str, kind: str) -> Target:
        known = {row for row in KINDS if row != RUN}
        names = [
            (name[1], ())
            for name in self.facts.at
            if name[0] == self.facts.project and self._kind(name[1]) == kind
        ]
        keys = self.facts.store.by_kind(kind)
        if not names and not keys:
            near = difflib.get_close_matches(kind, known) or sorted(known)
            raise SelectorError(f"nothing recorded has the kind {kind}", nearest=near)
        return Target(selector, names=tuple(names), keys=tuple(keys))

    def _part_of_all(self, selector: str, head: str, part: str) -> Target:
        if any(name[1] == selector for name in self.facts.at):
            return Target(selector, names=((selector, ()),))
        names: list[tuple[str, tuple[str, ...]]] = []
        every: set[str] = set()
        wanted = part.lower().replace("_", "-") if head == "env" else part
        for name, several in self.facts.at.items():
            if not name[1].startswith(head + ":") or name[0] != self.facts.project:
                continue
            parts = {p for g in several for p, _ in self.facts.parts_seen.get(g.key, ())}
            every |= parts
            hit = next((p for p in (part, wanted) if p in parts), None)
            hits = [hit] if hit is not None else []
            if part.startswith("$") and EVERY in parts and hit != EVERY:
                hits.append(EVERY)  # who took in all of them may have looked at this one
            if hits:
                names.append((name[1], tuple(hits)))
        if not names:
            near = difflib.get_close_matches(part, sorted(every), cutoff=0.5)
            raise SelectorError(
                f"no recorded run touched {selector}",
                hint="`provgraph show` on a run lists what it imported",
                nearest=[f"{head}:{p}" for p in near],
            )
        return Target(selector, names=tuple(names))

    def _named(self, selector: str) -> Target | None:
        whole = self._find(selector)
        if whole:
            return Target(selector, names=tuple((name, ()) for name in whole))
        imported = self._imported(selector)
        if imported:
            return Target(selector, keys=tuple(imported))
        base, mark, part = selector.rpartition("#")
        if mark and base:
            parts = (f"#{part}",) if f"#{part}" in SPECIAL else (part,)
            names = self._find(base)
            if names:
                return Target(selector, names=tuple((name, parts) for name in names))
        base, mark, content = selector.rpartition("@")
        if mark and base and _CONTENT.match(content):
            names = self._find(base)
            found = [
                g.key
                for g in self.facts.store.at_names(names)
                if g.digest.removeprefix("b3:").startswith(content.removeprefix("b3:"))
            ]
            if found:
                return Target(selector, contents=tuple(found))
        return None

    def _find(self, text: str) -> list[str]:
        """Give recorded names: the path itself or what lies below it, else names with this tail."""
        forced = text.startswith(("./", "../", "/"))
        place = self.path_name(text)
        store = self.facts.store
        typed = [place[0]] if place else []
        if not forced and text.rstrip("/") not in typed:
            typed.append(text.rstrip("/"))
        for name in typed:
            if name in ("", "."):
                return sorted(
                    n for p, n in self.facts.at if p == self.facts.project and not is_uri(n)
                )
            hits = [n for n in store.find_names(name, limit=0) if n == name or under(n, name)]
            hits = [n for n in hits if self._is_recorded(n)]
            if hits:
                return sorted(hits)
        if place and place[1]:
            return [place[0]]
        if forced:  # an absolute path may be recorded outside the project, by a title alone
            return self._titled(text) if text.startswith("/") else []
        tails = [n for n in store.find_names(text, limit=0) if self._is_recorded(n)]
        tails = [n for n in tails if n.endswith("/" + text)]
        by_title = self._titled(text)
        found = sorted(set(tails) | set(by_title))
        if len(found) > 1:
            raise SelectorError(
                f"{text} could be {len(found)} things",
                hint="give more of the path",
                nearest=[self.title(name) for name in found[:MOST_NAMED]],
            )
        return found

    def _titled(self, text: str) -> list[str]:
        titles = self.facts.store.titles()
        return [
            name for name, title in titles.items() if title == text or title.endswith("/" + text)
        ]

    def _is_recorded(self, name: str) -> bool:
        place = (self.facts.project, name)
        return place in self.facts.at or place in self.facts.seen

    def _imported(self, text: str) -> list[int]:
        store = self.facts.store
        names = [n for n in store.find_names(text, limit=0) if n == text or under(n, text)]
        return [g.key for g in store.at_names(names) if g.imported]

    def _kind(self, name: str) -> str:
        return self.kind(name, bool(self.facts.produced((self.facts.project, name))))

    def _unknown(self, selector: str) -> SelectorError:
        names: Sequence[str] = self.facts.store.all_names()
        text = selector.removeprefix("./").split("#")[0].split("@")[0]
        near = difflib.get_close_matches(text, names, n=MOST_NAMED, cutoff=0.6)
        if not near:
            tail = text.rsplit("/", 1)[-1]
            tails = {name.rsplit("/", 1)[-1]: name for name in names}
            near = [tails[t] for t in difflib.get_close_matches(tail, list(tails), n=MOST_NAMED)]
        return SelectorError(
            f"nothing recorded is called {selector}, and no such file is here",
            hint="`provgraph log` shows what was recorded",
            nearest=[self.title(name) for name in near],
        )
