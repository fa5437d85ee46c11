"""Views: each question as a page shows it, with the words and numbers of the command line.

A view is plain JSON: headline, gaps, totals, what to do, picture, first page of the table, and the
command that gives the same answer in a terminal.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from provgraph.errors import UsageError
from provgraph.explorer import around, spread
from provgraph.explorer.as_cypher import as_cypher
from provgraph.explorer.interface import Subject
from provgraph.explorer.picture import Picture
from provgraph.explorer.rows import Table, table_of
from provgraph.model.answers import GapNote, Impact, Lineage, PlanStep, Status, to_json
from provgraph.render.advice import STATES, advice_on
from provgraph.render.interface import Style, render
from provgraph.render.terminal import count_of, seconds_words
from provgraph.render.text_parts import gap_words, when

Asked = Mapping[str, str]
MOST_OPENED = 50
# Of more nodes than this nothing is looked up to narrow by but what the answer itself has.
MOST_MARKED = 1_000
# The newest runs are listed, so many; a log says how many there are.
MOST_RUNS = 2_000
NARROWED = ("step", "status", "since", "until", "touching", "making")


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer with what shows it."""

    answer: object
    headline: str
    command: str
    picture: Picture | None
    table: Table
    words: tuple[str, ...] = ()
    selector: str = ""

    def view(self, question: str, asked: Asked) -> dict[str, Any]:
        """Give it as JSON values, with the first rows of its table."""
        answer: Any = self.answer
        gaps = getattr(answer, "gaps", ())
        return {
            "question": question,
            "headline": self.headline,
            "command": self.command,
            "cypher": as_cypher(question, answer, asked, self.command),
            "selector": self.selector,
            "as_of": when(answer.as_of),
            "viewpoint": getattr(answer, "viewpoint", ""),
            "totals": to_json(getattr(answer, "totals", {})),
            "words": list(self.words),
            "gaps": [gap_view(gap) for gap in gaps],
            "plan": _plan(getattr(answer, "plan", ())),
            "picture": to_json(self.picture) if self.picture is not None else None,
            "table": self.table.page(),
            "times": self.table.times,
        }


def ask(subject: Subject, question: str, asked: Asked) -> Answered:
    """Answer a question; `asked` are its parameters as the page's address has them.

    Raises UsageError for a question there isn't, and whatever the question raises.
    """
    answer = QUESTIONS.get(question)
    if answer is None:
        raise UsageError(f"there is no question {question}", hint="one of " + ", ".join(QUESTIONS))
    return answer(subject, asked)


def _wanted(asked: Asked, *names: str) -> list[str]:
    out = []
    for name in names:
        if not asked.get(name):
            raise UsageError("say what is asked about", hint=f"a name, in {name}=")
        out.append(asked[name])
    return out


def _list(asked: Asked, name: str) -> list[str]:
    return [item for item in asked.get(name, "").split(",") if item][:MOST_OPENED]


def _command(*words: str) -> str:
    return shlex.join(["provgraph", *words])


def _impact(subject: Subject, asked: Asked) -> Answered:
    (of,) = _wanted(asked, "of")
    everything = asked.get("all") == "1"
    answer = subject.impact([of], all=everything)
    flags = ["--all"] if everything else []
    few = answer.affected if len(answer.affected) <= spread.MOST_HITS else ()
    table = table_of(answer, marks=subject.marks([hit.id for hit in few if hit.id]))
    return Answered(
        answer,
        headline=_first_line(answer),
        command=_command("impact", of, *flags),
        picture=spread.spread(answer, unfolded=_list(asked, "unfold"), rows=table.by_key),
        table=table,
    )


def _focus(subject: Subject, asked: Asked) -> Answered:
    (of,) = _wanted(asked, "of")
    opened = _list(asked, "open")
    unfold = _list(asked, "unfold")
    answer = subject.near(of, also=opened)
    later: set[str] = set()
    if opened:
        later = {node.id for node in answer.nodes} - {node.id for node in subject.near(of).nodes}
    names = [node.name for node in answer.nodes if node.id in answer.focus]
    title = names[0] if len(names) == 1 else f"{of}: {count_of(len(names), 'thing')}"
    selector = subject.told_by(of)
    folds = around.folds_of(answer, unfold)
    table = _table(subject, answer, folds)
    return Answered(
        answer,
        headline=title,
        command=_command("show" if len(names) == 1 else "lineage", selector),
        selector=selector,
        picture=around.picture_of(answer, folds=folds, later=later, rows=table.by_key),
        table=table,
    )


def _why(subject: Subject, asked: Asked) -> Answered:
    (of,) = _wanted(asked, "of")
    because = asked.get("because") or None
    answer = subject.why(of, because=because)
    command = _command("why", of, *(["--because", because] if because else []))
    return _lineage(subject, answer, asked, command)


def _explain(subject: Subject, asked: Asked) -> Answered:
    of, to = _wanted(asked, "of", "to")
    everything = asked.get("all") == "1"
    answer = subject.explain([of], to, all=everything)
    flags = ["--all"] if everything else []
    return _lineage(subject, answer, asked, _command("impact", of, "--explain", to, *flags))


def _table(subject: Subject, answer: Lineage, folds: Mapping[str, str]) -> Table:
    few = answer.nodes if len(answer.nodes) <= MOST_MARKED else ()
    marks = subject.marks([node.id for node in few])
    return table_of(answer, stacks=around.stacks_of(folds), marks=marks)


def _lineage(subject: Subject, answer: Lineage, asked: Asked, command: str) -> Answered:
    folds = around.folds_of(answer, _list(asked, "unfold"))
    counts = (("paths", "path"), ("nodes", "node"), ("edges", "edge"))
    said = (count_of(answer.totals[key], noun) for key, noun in counts if key in answer.totals)
    size = ", ".join(said)
    table = _table(subject, answer, folds)
    headline = f"{answer.question[:1].upper()}{answer.question[1:]}: {size}"
    if not answer.nodes:
        headline = answer.words[0] if answer.words else answer.question
    return Answered(
        answer,
        headline=headline,
        command=command,
        picture=around.picture_of(answer, folds=folds, rows=table.by_key) if answer.nodes else None,
        table=table,
        words=answer.words,
    )


def _status(subject: Subject, _asked: Asked) -> Answered:
    answer = subject.status()
    return Answered(
        answer,
        headline=status_words(answer),
        command=_command("status"),
        picture=None,
        table=table_of(answer),
    )


def status_words(status: Status) -> str:
    """Say a status in one line."""
    counts = [f"{status.totals[s]:,} {s}" for s in STATES if s != "current" and status.totals[s]]
    if counts:
        return ", ".join([*counts, f"{status.totals['current']:,} current"])
    if not status.current:
        return "Nothing is recorded with a state yet"
    blocking = status.totals["blocking_gaps"]
    if blocking:
        gaps = count_of(blocking, "gap")
        return f"Nothing known is out of date, but {gaps} could hide something"
    return f"Everything recorded is current: {count_of(status.totals['current'], 'name')}"


def _diff(subject: Subject, asked: Asked) -> Answered:
    before, after = _wanted(asked, "before", "after")
    answer = subject.diff(before, after)
    count = count_of(len(answer.differences), "difference")
    return Answered(
        answer,
        headline=f"{count} between {answer.before} and {answer.after}"
        if answer.differences
        else "Nothing recorded differs between these runs",
        command=_command("diff", before, after),
        picture=None,
        table=table_of(answer),
    )


def _log(subject: Subject, asked: Asked) -> Answered:
    options = {key: asked[key] for key in NARROWED if asked.get(key)}
    answer = subject.log(**options, limit=MOST_RUNS)
    words = [word for key, value in options.items() for word in (f"--{key}", value)]
    total = answer.totals["runs"]
    shown = "" if total <= MOST_RUNS else f", the newest {MOST_RUNS:,} below"
    return Answered(
        answer,
        headline=count_of(total, "run") + shown,
        command=_command("log", *words, "--limit", "0"),
        picture=None,
        table=table_of(answer),
    )


def _structure(subject: Subject, _asked: Asked) -> Answered:
    answer = subject.structure()
    said = [
        count_of(len(answer.single_points), "single point") + " of failure",
        f"a critical path of {seconds_words(answer.seconds)}" if answer.critical_path else "",
        count_of(answer.totals["redundant"], "redundant run"),
        count_of(len(answer.orphans), "orphan"),
    ]
    return Answered(
        answer,
        headline=", ".join(filter(None, said)),
        command=_command("structure"),
        picture=None,
        table=table_of(answer),
    )


QUESTIONS: dict[str, Callable[[Subject, Asked], Answered]] = {
    "focus": _focus,
    "impact": _impact,
    "why": _why,
    "explain": _explain,
    "diff": _diff,
    "status": _status,
    "log": _log,
    "structure": _structure,
}


def _first_line(answer: Impact) -> str:
    """Give the headline that a terminal shows."""
    return render(answer, style=Style(width=100_000, limit=1)).partition("\n")[0]


def gap_view(gap: GapNote) -> dict[str, str]:
    """Give a gap as JSON values, with what to do about it."""
    return {
        "grade": gap.grade,
        "reason": gap.reason,
        "words": gap_words(gap),
        "advice": advice_on(gap),
    }


def _plan(plan: tuple[PlanStep, ...]) -> list[dict[str, Any]]:
    return [
        {
            "action": step.action,
            "subject": step.subject,
            "command": step.command,
            "time": "" if step.seconds is None else seconds_words(step.seconds),
            "reason": step.reason,
        }
        for step in plan
    ]
