"""Draw how often each species was taken for which."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure


def draw_confusion(counts: np.ndarray, species: Sequence[str], title: str) -> Figure:
    """Draw `counts`, one row a true species and one column a predicted one."""
    figure = Figure(figsize=(4.5, 4), layout="constrained")
    axes = figure.subplots()
    axes.imshow(counts, cmap="Blues")
    ticks = range(len(species))
    axes.set_xticks(ticks, species)
    axes.set_yticks(ticks, species)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.set_title(title)
    for row in ticks:
        for column in ticks:
            dark = counts[row, column] > counts.max() / 2
            axes.text(
                column,
                row,
                str(counts[row, column]),
                ha="center",
                va="center",
                color="white" if dark else "black",
            )
    return figure
