"""Unfolding a stack asks the same question again: what was answered is kept while it holds."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar, cast

from provgraph.explorer.interface import Subject

# Of the questions that are shown as pictures; a large answer has some ten megabytes.
RECALLED = frozenset({"impact", "why", "explain", "near"})
MOST = 4

T = TypeVar("T")


class Latest(Generic[T]):
    """The last `most` things that were asked for, by what was asked."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, T] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Give what is kept, or make it."""
        if key not in self._kept:
            self._kept[key] = make()
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()


class Recalling:
    """Stands before a subject, and gives its last answers again until told to `forget`."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._answers = Latest[Any](MOST)

    def forget(self) -> None:
        """Forget every answer: something has changed."""
        self._answers.clear()

    def as_subject(self) -> Subject:
        """Give it as what it stands before."""
        return cast("Subject", self)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._subject, name)
        if name not in RECALLED:
            return found

        def recalled(*asked: Any, **how: Any) -> Any:
            key = name, repr((asked, sorted(how.items())))
            return self._answers.get(key, lambda: found(*asked, **how))

        return recalled
