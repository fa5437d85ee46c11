"""Text from outside is safe to print and fits."""

import shlex

import pytest

from provgraph.render import plain
from provgraph.render.interface import Style
from provgraph.render.terminal import Page


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("data/v3/biscoe.csv", "data/v3/biscoe.csv"),
        ("a\nb\tc\rd", r"a\nb\tc\rd"),
        ("\x1b[2J", r"\x1b[2J"),
        ("\x9b31m", r"\x9b31m"),
        ("x\u202ey", r"x\u202ey"),
        ("\u2066x\u2069", r"\u2066x\u2069"),
        ("\U000e0041", r"\U000e0041"),
        ("\udcff", r"\udcff"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        (r"a\nb", r"a\\nb"),
        ("ünïcødé 企鵝 بيانات", "ünïcødé 企鵝 بيانات"),
    ],
)
def test_shown(text: str, expected: str) -> None:
    assert plain.shown(text) == expected


def test_different_names_look_different() -> None:
    names = ["a\nb", r"a\nb", r"a\\nb", "a\x0ab ", "a\rb"]
    assert len({plain.shown(name) for name in names}) == len(set(names))


def test_ascii_keeps_our_punctuation_readable() -> None:
    assert plain.shown("«model.pkl»: read it’s …", unicode=False) == '"model.pkl": read it\'s ...'
    assert plain.shown("企", unicode=False) == r"\u4f01"


@pytest.mark.parametrize(
    ("text", "width"),
    [("abc", 3), ("企鵝", 4), ("e\u0301", 1), ("", 0), ("a企", 3), ("\u200d", 0)],
)
def test_width(text: str, width: int) -> None:
    assert plain.width_of(text) == width


@pytest.mark.parametrize("text", ["out/very/long/path/to/a/figure.png", "企" * 30, "e\u0301" * 40])
@pytest.mark.parametrize("width", [1, 2, 3, 8, 13, 20])
def test_shorten_fits_and_keeps_the_end(text: str, width: int) -> None:
    short = plain.shorten(text, width)
    assert plain.width_of(short) <= width
    if width >= 8:
        assert text.startswith(short.split("…")[0])
        assert text.endswith(short.split("…")[1])
    assert plain.width_of(plain.clip(text, width)) <= width


@pytest.mark.parametrize("width", [1, 5, 11, 40])
def test_wrap_loses_nothing_and_fits(width: int) -> None:
    text = "train.py read out/v3/a-long-name/that/does/not/fit.csv, which 企鵝 wrote"
    lines = plain.wrap(text, width)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(plain.width_of(line) <= max(width, 2) for line in lines)


@pytest.mark.parametrize("width", [10, 20, 30, 200])
def test_a_folded_command_is_the_same_command(width: int) -> None:
    command = "python train.py 'a name with  spaces' \"it's\" --note 'x\\' data\\ v3 > out.csv"
    folded = "\n".join(plain.fold_command(command, width))
    joined = folded.replace(" \\\n    ", " ")
    assert shlex.split(joined) == shlex.split(command)
    assert width < 200 or "\n" not in folded


def test_a_hostile_command_stays_one_that_can_be_pasted(tmp_path: object) -> None:
    import subprocess

    words = ["printf", "%s", "two\nlines \x1b[2J it's \\ here"]
    said = plain.shown_command(shlex.join(words))
    assert plain.is_safe(said)
    done = subprocess.run(["bash", "-c", said], capture_output=True, text=True, check=True)
    assert done.stdout == words[2]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("  ::add-mask::x  stale", r"  \x3a:add-mask::x  stale"),
        ("::error file=a::no", r"\x3a:error file=a::no"),
        ("  a ##[group]b", r"  a #\x23[group]b"),
        ("  std::vector.csv  stale", "  std::vector.csv  stale"),
        ("", ""),
    ],
)
def test_no_name_is_a_command_to_a_runner(line: str, expected: str) -> None:
    assert plain.no_command(line) == expected


def test_a_page_holds_no_commands_to_a_runner() -> None:
    page = Page(Style())
    page.line(page.say("::set-output name=a::b"), indent=2)
    page.prose(page.say("::stop-commands::x"), indent=4)
    assert not any(line.lstrip().startswith("::") for line in page.text().splitlines())
