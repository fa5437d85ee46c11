"""Unfolding a stack asks the same question again: what was answered is kept while it holds."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, cast

from provgraph.explorer.interface import Subject

# Of the questions that are shown as pictures; a large answer has some ten megabytes.
RECALLED = frozenset({"impact", "why", "explain", "near"})
MOST = 4


class Recalling:
    """Stands before a subject, and gives its last answers again until told to `forget`."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._answers: OrderedDict[tuple[str, str], Any] = OrderedDict()

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
            if key not in self._answers:
                self._answers[key] = found(*asked, **how)
                if len(self._answers) > MOST:
                    self._answers.popitem(last=False)
            self._answers.move_to_end(key)
            return self._answers[key]

        return recalled
