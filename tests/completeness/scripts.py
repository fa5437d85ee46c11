"""Random shell scripts: a few lines that read, make, append, ask, loop, pipe and move files.

Every script is deterministic, ends, and leaves its sources alone. A line that has nothing to read
fails as it would for anybody, and the script goes on.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

SOURCES = 4
WORDS = ("ant", "bee", "cat", "dog", "elk", "fox")
FILTERS = (
    "sed s/a/o/ {a}", "tr a-m n-z < {a}", "sort {a}", "head -n 2 {a}", "cut -c 1-2 {a}",
    "wc -l < {a}", "grep {w} {a}", "cat {a}", "awk '{{print NR, $1}}' {a}", "cat < {a}",
)  # fmt: skip


@dataclass
class Script:
    """A script with the files that it begins with."""

    text: str
    sources: dict[str, str]


@dataclass
class _Writer:
    chance: random.Random
    made: list[str] = field(default_factory=list)
    names: int = 0

    def source(self) -> str:
        return f"s{self.chance.randrange(SOURCES)}.txt"

    def a(self) -> str:
        """Give a file to read: a source, or rather something that is made before."""
        if self.made and self.chance.random() < 0.6:
            return self.chance.choice(self.made)
        return self.source()

    def new(self, *, again: bool = True) -> str:
        """Give a file to make: mostly a new one."""
        if again and self.made and self.chance.random() < 0.15:
            return self.chance.choice(self.made)
        self.names += 1
        self.made.append(f"p{self.names}.txt")
        return self.made[-1]

    def word(self) -> str:
        return self.chance.choice(WORDS)

    def filtered(self) -> str:
        return self.chance.choice(FILTERS).format(a=self.a(), w=self.word())

    def line(self) -> str:
        return self.chance.choice(LINES)(self)


def _piped(w: _Writer) -> str:
    last = w.chance.choice(("sort", "uniq -c", "rev", "tac"))
    return f"{w.filtered()} | {last} > {w.new(again=False)}"


def _branch(w: _Writer) -> str:
    asked, one, other = w.a(), w.filtered(), w.filtered()
    made = w.new()
    return f"if grep -q {w.word()} {asked}; then {one} > {made}; else {other} > {made}; fi"


def _loop(w: _Writer) -> str:
    several = " ".join(w.a() for _ in range(3))
    return f"for f in {several}; do head -n 1 $f; done > {w.new()}"


def _copies(w: _Writer) -> str:
    one, other = w.a(), w.a()
    first, second = w.new(), w.new()
    return f"cp {one} {first}; cp {other} {second}"


def _moved(w: _Writer) -> str:
    body, before = w.filtered(), f"t{w.names}.tmp"
    return f"{body} > {before}; mv {before} {w.new()}"


def _together(w: _Writer) -> str:
    one, other = w.filtered(), w.filtered()  # they read nothing that they make: no race
    return f"{one} > {w.new(again=False)} & {other} > {w.new(again=False)} & wait"


def _held(w: _Writer) -> str:
    one = w.a()
    return f"exec 4> {w.new()}; echo {w.word()} >&4; cat {one} >&4; exec 4>&-"


def _case(w: _Writer) -> str:
    asked, one, other = w.a(), w.filtered(), w.filtered()
    made = w.new()
    return f"case $(head -n 1 {asked}) in {w.word()}*) {one} > {made};; *) {other} > {made};; esac"


def _listed(w: _Writer) -> str:
    one, other = w.a(), w.a()
    return f"printf '%s\\n' {one} {other} > list.tmp; xargs cat < list.tmp > {w.new()}; rm list.tmp"


def _python(w: _Writer) -> str:
    one = w.a()
    return f"""python -c "open('{w.new()}', 'w').write(open('{one}').read()[::-1])" """


LINES: tuple[Callable[[_Writer], str], ...] = (
    lambda w: f"{w.filtered()} > {w.new()}",
    lambda w: f"{w.filtered()} > {w.new()}",
    lambda w: f"cat {w.a()} {w.a()} > {w.new()}",
    lambda w: f"echo {w.word()} > {w.new()}",
    lambda w: f"echo {w.word()} >> {w.new()}",
    lambda w: f"{w.filtered()} >> {w.new()}",
    lambda w: f"grep -q {w.word()} {w.a()} && echo yes > {w.new()}",
    lambda w: f"grep -q {w.word()} {w.a()} || {w.filtered()} > {w.new()}",
    lambda w: f"[ -s {w.source()} ] && {w.filtered()} > {w.new()}",
    lambda w: f'[ "$(cat {w.a()})" = "$(cat {w.a()})" ] || echo differ > {w.new()}',
    lambda w: f"cmp -s {w.a()} {w.a()} || {w.filtered()} > {w.new()}",
    lambda w: f'while read line; do echo "<$line>"; done < {w.a()} > {w.new()}',
    lambda w: f'x=$(cat {w.a()}); echo "$x" > {w.new()}',
    lambda w: f"x=$(grep -c {w.word()} {w.a()})",
    lambda w: f'echo "$x" > {w.new()}',
    lambda w: f'read y < {w.a()}; echo "$y" > {w.new()}',
    lambda w: f'grep -v "$y" {w.a()} > {w.new()}',
    lambda w: f"( {w.filtered()}; echo {w.word()}; {w.filtered()} ) > {w.new()}",
    lambda w: f"{{ {w.filtered()}; {w.filtered()}; }} > {w.new()}",
    lambda w: f'made() {{ cat "$1"; }}; made {w.a()} > {w.new()}',
    lambda w: f"sh -c '{w.chance.choice(('cat', 'sort'))} {w.a()}' > {w.new()}",
    lambda w: f"sh -c 'cat {w.a()} > {w.new()}'",
    lambda w: f"{w.filtered()} > {w.new()} & wait",
    lambda w: f"sort -o {w.new()} {w.a()}",
    lambda w: f"tee {w.new()} < {w.a()} > /dev/null",
    lambda w: f"cat > {w.new()} <<END\n$(head -n 1 {w.a()})\nEND",
    lambda w: f"sed -i s/e/i/ {w.chance.choice(w.made)}" if w.made else "true",
    lambda w: f"rm -f {w.chance.choice(w.made)}" if w.made else "true",
    lambda w: f"ls p*.txt > {w.new()}",
    _piped, _branch, _loop, _copies, _moved, _together, _held, _case, _listed, _python,
)  # fmt: skip


def script(seed: int) -> Script:
    """Give the script of a seed: always the same one."""
    writer = _Writer(random.Random(seed))
    chance = writer.chance
    sources = {
        f"s{number}.txt": "".join(f"{writer.word()}\n" for _ in range(chance.randint(1, 4)))
        for number in range(SOURCES)
    }
    lines = [writer.line() for _ in range(chance.randint(4, 12))]
    return Script("x=none; y=none\n" + "\n".join(lines) + "\ntrue\n", sources)
