"""Find a smallest set of differences that gives an outcome: delta debugging (Zeller, 2002)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def smallest(differences: Sequence[T], decides: Callable[[tuple[T, ...]], bool]) -> tuple[T, ...]:
    """Give a subset that decides and of which nothing can be left out.

    `decides` says it of a subset, and holds for all of them. One deciding difference of n takes
    about 2·log₂ n questions; such as only decide together take more.
    """
    left = tuple(differences)
    parts = 2
    while len(left) > 1:
        size = math.ceil(len(left) / parts)
        pieces = [left[start : start + size] for start in range(0, len(left), size)]
        for piece in pieces:
            if decides(piece):
                left, parts = piece, 2
                break
        else:
            for piece in pieces if len(pieces) > 2 else ():
                rest = tuple(one for one in left if one not in piece)
                if decides(rest):
                    left, parts = rest, max(parts - 1, 2)
                    break
            else:
                if size == 1:
                    return left
                parts = min(parts * 2, len(left))
    return left


def expected(number: int) -> int:
    """Give how many questions one deciding difference takes, with both ends looked at first."""
    return 2 + 2 * math.ceil(math.log2(number)) if number > 1 else 2
