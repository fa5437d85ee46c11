"""A bisection as text: what decides, what was tried, and what couldn't be switched."""

from __future__ import annotations

from provgraph.model.answers import Bisection
from provgraph.render.terminal import Page, count_of, seconds_words
from provgraph.render.text_parts import write_as_of

_TONES = {"after": "current", "before": "behind", "neither": "stale", "failed": "blocking"}


def write_bisection(page: Page, answer: Bisection) -> None:
    """Write the outcome first."""
    before, after = map(page.say, answer.values)
    page.prose(f"{page.say(answer.metric)}: {before} {page.arrow} {after}", tone="heading")
    if answer.words:
        tone = "current" if answer.deciding else "blocking"
        page.prose(page.say(answer.words), tone=tone)
    limit = page.style.limit or max(map(len, (answer.candidates, answer.trials, answer.fixed)))
    if not answer.trials:
        page.heading("Can be switched", len(answer.candidates))
        for label in answer.candidates[:limit]:
            page.prose(page.say(label), indent=2, first=page.bullet + " ")
        page.more(len(answer.candidates) - limit)
        redos, each = answer.totals["expected"], answer.totals["seconds_each"]
        page.prose(f"About {count_of(redos, 'redo')}, each up to {seconds_words(each)}")
    else:
        took = seconds_words(answer.totals["seconds"])
        page.heading(f"Tried: {count_of(len(answer.trials), 'redo')} in {took}")
        for trial in answer.trials[:limit]:
            taken = ", ".join(map(page.say, trial.taken)) or "nothing of the later run"
            words = f"{taken}: {page.say(trial.value)} ({trial.like})"
            page.prose(words, indent=2, first=page.bullet + " ", tone=_TONES.get(trial.like, ""))
        page.more(len(answer.trials) - limit)
    if answer.fixed:
        page.heading("Taken as it is here", len(answer.fixed))
        for label in answer.fixed[:limit]:
            page.prose(page.say(label), indent=2, first=page.bullet + " ", tone="dim")
        page.more(len(answer.fixed) - limit)
    write_as_of(page, answer.as_of)
