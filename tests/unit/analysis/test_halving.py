"""Delta debugging: the smallest deciding set, in few questions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from provgraph.analysis.halving import expected, smallest


@given(st.integers(1, 40), st.data())
def test_it_finds_what_decides_together(number: int, data: st.DataObject) -> None:
    everything = range(number)
    needed = data.draw(st.sets(st.sampled_from(everything), min_size=1, max_size=4))
    assert set(smallest(everything, lambda some: needed <= set(some))) == needed


@given(st.integers(2, 200), st.data())
def test_one_takes_few_questions(number: int, data: st.DataObject) -> None:
    needed = data.draw(st.integers(0, number - 1))
    asked = []

    def decides(some: tuple[int, ...]) -> bool:
        asked.append(some)
        return needed in some

    assert smallest(range(number), decides) == (needed,)
    assert len(asked) + 2 <= expected(number)
