"""Options of a watched program, as it parsed them: shown, compared, and never changed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.scenario.shell import Project

NOISY = ("-W", "error")


def options(project: Project, run: str | None = None) -> dict[str, str]:
    shown = project.ask("show", run or project.runs()[0]["id"])
    found: dict[str, str] = shown["node"]["params"]
    return found


def parsed(project: Project, text: str, *arguments: str) -> dict[str, str]:
    """Run a script watched and give the options that are shown of it."""
    project.write("main.py", text)
    project.script("main.py", *arguments)
    return options(project)


TRAIN = """
    import argparse
    import sys

    def parser():
        found = argparse.ArgumentParser(description="trains")
        found.add_argument("table", nargs="?", default="table.csv")
        found.add_argument("--lr", type=float, default=0.1)
        found.add_argument("--layers", type=int, nargs="*", default=[64, 32])
        found.add_argument("--fast", action="store_true")
        return found

    print(parser().parse_args())
    open("out.txt", "w").write("done")
"""


# -- what is told --------------------------------------------------------------------------------


def test_options_are_shown_by_name_defaults_too(project: Project) -> None:
    assert parsed(project, TRAIN, "--fast", "--lr", "1e-3") == {
        "fast": "true",
        "layers": "[64, 32]",
        "lr": "0.001",
        "table": "table.csv",
    }


def test_two_runs_differ_in_the_options_that_differ(project: Project) -> None:
    parsed(project, TRAIN, "--lr", "0.2")
    parsed(project, TRAIN, "--fast", "--lr=0.3")
    two, one = (run["id"] for run in project.runs())
    found = {d["name"]: (d["before"], d["after"]) for d in differing(project, one, two)}
    assert found == {"lr": ("0.2", "0.3"), "fast": ("false", "true")}


def differing(project: Project, one: str, two: str) -> list[dict[str, Any]]:
    answer = project.ask("diff", one, two)
    return [d for d in answer["differences"] if d["section"] == "parameters"]


def test_a_default_that_code_changed_is_named_beside_the_code(project: Project) -> None:
    parsed(project, TRAIN)
    parsed(project, TRAIN.replace("default=0.1", "default=0.5"))
    two, one = (run["id"] for run in project.runs())
    assert [(d["name"], d["before"], d["after"]) for d in differing(project, one, two)] == [
        ("lr", "0.1", "0.5")
    ]


def test_subcommands_and_their_defaults_are_told(project: Project) -> None:
    text = """
        import argparse

        def fit(args): print(args.depth)

        top = argparse.ArgumentParser()
        top.add_argument("--seed", type=int, default=7)
        below = top.add_subparsers(dest="command", required=True)
        fitting = below.add_parser("fit")
        fitting.add_argument("--depth", type=int, default=3)
        fitting.set_defaults(do=fit)
        other = below.add_parser("other")
        other.add_argument("--width", type=int, default=9)
        args = top.parse_args()
        args.do(args)
    """
    assert parsed(project, text, "--seed", "1", "fit", "--depth", "5") == {
        "command": "fit",
        "depth": "5",
        "do": "fit",
        "seed": "1",
    }


@pytest.mark.parametrize(
    "parse",
    [
        "p.parse_known_args()[0]",
        "p.parse_args(namespace=Settings())",
        "p.parse_intermixed_args()",
        "p.parse_known_intermixed_args()[0]",
        "(p.parse_known_args(), p.set_defaults(), p.parse_args())[-1]",
        "Parser.made().parse_args()",
        "Parser.made().all()",
    ],
)
def test_whatever_way_a_program_parses_its_options_are_told(project: Project, parse: str) -> None:
    text = f"""
        import argparse

        class Settings:
            other = "not an option"

        class Parser(argparse.ArgumentParser):
            @classmethod
            def made(cls):
                return filled(cls())

            def parse_known_args(self, args=None, namespace=None):
                return super().parse_known_args(args, namespace)

            def all(self):
                return self.parse_args()

        def filled(p):
            p.add_argument("--lr", type=float, default=0.1)
            p.add_argument("files", nargs="*")
            return p

        p = filled(argparse.ArgumentParser())
        settings = Settings()
        settings.mine = 1
        print(vars({parse})["lr"])
    """
    assert parsed(project, text, "--lr", "2") == {"lr": "2.0", "files": "[]"}


def test_a_name_with_several_values_has_all_of_them(project: Project) -> None:
    """Of a loop in the program, and of the programs that it starts."""
    text = """
        import argparse, subprocess, sys

        def main(argv):
            p = argparse.ArgumentParser()
            p.add_argument("--lr", type=float)
            print(p.parse_args(argv))

        if sys.argv[1:]:
            main(sys.argv[1:])
        else:
            main(["--lr", "1"])
            main(["--lr", "2"])
            subprocess.run([sys.executable, __file__, "--lr", "3"], check=True)
    """
    assert parsed(project, text) == {"lr": "1.0, 2.0, 3.0"}


def test_values_of_every_kind_are_written_without_code_of_the_program(project: Project) -> None:
    text = """
        import argparse, datetime, decimal, enum, pathlib, sys

        class Mode(enum.Enum):
            FAST = "fast"

        class Word(str, enum.Enum):
            A = "a"

        class Odd:
            def __repr__(self):
                print("asked", file=sys.stderr)
                return "odd"
            __str__ = __repr__

        p = argparse.ArgumentParser()
        p.set_defaults(
            mode=Mode.FAST, word=Word.A, odd=Odd(), path=pathlib.Path("a/b"), none=None,
            day=datetime.date(2024, 5, 6), half=decimal.Decimal("0.5"), inf=float("inf"),
            table={"b": [1, "x\\n\\"y\\""], "a": {2, 1}}, kind=Odd, log=sys.stdout,
            many=list(range(200_000)), loop=[], text="a\\0b", big=1 << 80, c=1 + 2j, uni="é\\ud800",
        )
        loop = p.get_default("loop")
        loop.append(loop)
        p.parse_args()
    """
    project.write("main.py", text)
    assert project.script("main.py").told == ""
    assert options(project) == {
        "mode": "fast",
        "word": "a",
        "odd": "<Odd>",
        "path": "a/b",
        "none": "null",
        "day": "2024-05-06",
        "half": "0.5",
        "inf": "Infinity",
        "table": '{"a": [1, 2], "b": [1, "x\\n\\"y\\""]}',
        "kind": "Odd",
        "log": "<stdout>",
        "many": "<list of 200000>",
        "loop": "<list of 1>",
        "text": "a�b",
        "big": str(1 << 80),
        "c": "(1+2j)",
        "uni": "é?",
    }


def test_a_long_value_is_told_by_its_digest(project: Project) -> None:
    found = parsed(project, TRAIN, "x" * 20_000)
    assert found["table"].startswith("b3:")


def test_secrets_are_redacted_as_everywhere(project: Project) -> None:
    text = """
        import argparse, os

        p = argparse.ArgumentParser()
        p.add_argument("--api-key", default=os.environ["MY_KEY"])
        p.add_argument("--words", nargs="*")
        p.add_argument("--max-tokens", type=int, default=512)
        p.parse_args()
        open("out.txt", "w")
    """
    token = "ghp_" + "a1B2c3D4e5F6g7H8i9J0" * 2
    project.write("main.py", text)
    project.script("main.py", "--words", "plain", token[:40], env={"MY_KEY": "correct-horse-9"})
    found = options(project)
    assert found["api_key"].startswith("[redacted:")
    assert "[redacted:" in found["words"]
    assert "plain" in found["words"]
    assert found["max_tokens"] == "512"
    for path in project.ledger.rglob("*"):
        if path.is_file():
            assert b"correct-horse-9" not in path.read_bytes()
            assert token[:40].encode() not in path.read_bytes()


# -- click and typer -----------------------------------------------------------------------------

CLICK = """
    import click

    @click.group()
    @click.option("--seed", default=7)
    @click.pass_context
    def cli(ctx, seed):
        ctx.obj = seed

    @cli.command()
    @click.argument("files", nargs=-1, type=click.Path())
    @click.option("--lr", type=float, default=0.1, show_default=True)
    @click.option("--mode", type=click.Choice(["a", "b"]), envvar="MODE")
    @click.option("--pin", hide_input=True, prompt=True)
    @click.option("--log", type=click.File("w"), default="-")
    def fit(files, lr, mode, pin, log):
        click.echo(f"{files} {lr} {mode} {pin}")

    if __name__ == "__main__":
        cli()
"""


def test_options_of_click_and_its_groups_are_told(project: Project) -> None:
    project.write("main.py", CLICK)
    words = ("--seed", "1", "fit", "a.csv", "--lr=2")
    project.script("main.py", *words, stdin=b"1234\n", env={"MODE": "b"})
    assert options(project) == {
        "seed": "1",
        "files": '["a.csv"]',
        "lr": "2.0",
        "mode": "b",
        "log": "<stdout>",
    }


def test_options_of_typer_are_told(project: Project) -> None:
    text = """
        from enum import Enum
        from pathlib import Path
        from typing import Annotated
        import typer

        class Mode(str, Enum):
            fast = "fast"
            slow = "slow"

        app = typer.Typer()

        @app.callback()
        def top(verbose: bool = False): ...

        @app.command()
        def fit(out: Path, lr: Annotated[float, typer.Option()] = 0.1, mode: Mode = Mode.slow):
            print(out, lr, mode)

        @app.command()
        def other(): ...

        if __name__ == "__main__":
            app()
    """
    assert parsed(project, text, "--verbose", "fit", "model", "--mode", "fast") == {
        "lr": "0.1",
        "mode": "fast",
        "out": "model",
        "verbose": "true",
    }


# -- whose options count ---------------------------------------------------------------------------


def test_options_of_installed_tools_are_not_the_projects(project: Project) -> None:
    """Neither of one that is the program, nor of one that the project's code calls."""
    project.write("test_it.py", "def test_it():\n    open('made.txt', 'w').close()\n")
    project.run("python", "-m", "pytest", "-q", "test_it.py")
    assert options(project) == {}
    project.write("main.py", "import pytest\npytest.main(['-q', 'test_it.py'])\n")
    project.script("main.py")
    assert options(project) == {}
    project.run("python", "-m", "json.tool", "--help")
    assert options(project) == {}


def test_a_tool_installed_elsewhere_that_takes_the_projects_options_is_asked_by_it(
    project: Project,
) -> None:
    """A parser of a library, made and asked by the project's code."""
    site = project.root.parent / "lib" / "site-packages"
    site.mkdir(parents=True)
    (site / "fancy.py").write_text(
        "import argparse\n"
        "class Fancy(argparse.ArgumentParser):\n"
        "    def into(self):\n"
        "        return self.parse_args()\n"
        "def own_options():\n"
        "    p = argparse.ArgumentParser()\n"
        "    p.add_argument('--theirs', default=1)\n"
        "    return p.parse_args([])\n"
    )
    project.write(
        "main.py",
        """
        import fancy
        fancy.own_options()
        p = fancy.Fancy()
        p.add_argument("--ours", default=2)
        p.into()
        """,
    )
    project.script("main.py", env={"PYTHONPATH": str(site)})
    assert options(project) == {"ours": "2"}


def test_a_package_of_the_project_counts_however_it_is_started(project: Project) -> None:
    project.write("pkg/__init__.py", "")
    project.write("pkg/__main__.py", "from pkg.cli import main\nmain()\n")
    project.write("pkg/cli.py", TRAIN.replace("    print(", "    def main(): print("))
    project.run("python", "-m", "pkg", "--fast")
    assert options(project)["fast"] == "true"
    project.run("python", "-c", "from pkg.cli import main; main()")
    assert options(project)["fast"] == "false"


# -- beside parameters and steps -------------------------------------------------------------------


def test_what_was_given_as_a_parameter_stays_and_the_option_stands_beside_it(
    project: Project,
) -> None:
    project.write("main.py", TRAIN)
    project.script("main.py", options=("--param", "lr=paper", "--param", "table=table.csv"))
    found = options(project)
    assert (found["lr"], found["--lr"], found["table"]) == ("paper", "0.1", "table.csv")
    assert "--table" not in found


def test_redoing_gives_no_options_as_parameters(project: Project) -> None:
    project.write("in.txt", "1")
    project.write("main.py", TRAIN + "    open('in.txt').read()\n")
    project.script("main.py", "--fast")
    project.write("in.txt", "2")
    project.provgraph("redo")
    assert project.fallen() == {}
    one, two = (options(project, run["id"]) for run in project.runs())
    assert one == two


def test_a_default_that_tells_the_time_makes_no_run_another(project: Project) -> None:
    """Options follow from what is recorded, so a run done again is the same way done again."""
    project.write("in.txt", "1")
    text = """
        import argparse, time
        p = argparse.ArgumentParser()
        p.add_argument("--stamp", default=time.time_ns())
        p.parse_args()
        open("out.txt", "w").write(open("in.txt").read().strip() + "!")
    """
    parsed(project, text)
    first = options(project)
    project.script("main.py")
    assert options(project) != first
    assert project.fallen() == {}
    (project.root / "out.txt").unlink()
    plan = project.ask("redo", "--dry-run")["plan"]
    assert len(plan) == 1


def test_each_step_has_its_own_options_and_their_group_those_of_the_driver(
    project: Project,
) -> None:
    child = """
        import argparse
        p = argparse.ArgumentParser()
        p.add_argument("--name")
        open(p.parse_args().name, "w").write("made")
    """
    project.write("child.py", child)
    project.write(
        "main.py",
        """
        import argparse, subprocess, sys
        p = argparse.ArgumentParser()
        p.add_argument("--only", default="all")
        p.parse_args()
        for name in ("a.txt", "b.txt"):
            subprocess.run([sys.executable, "child.py", "--name", name], check=True)
        """,
    )
    project.script("main.py")
    found = {json.dumps(options(project, run["id"]), sort_keys=True) for run in project.runs()}
    assert found == {'{"only": "all"}', '{"name": "a.txt"}', '{"name": "b.txt"}'}


def test_forgetting_parameters_forgets_options(project: Project) -> None:
    parsed(project, TRAIN, "--lr", "0.25")
    project.provgraph("ledger", "erase", project.runs()[0]["id"], "--what", "params", "--yes")
    assert options(project) == {}


# -- the program -----------------------------------------------------------------------------------


def test_the_program_behaves_as_without(project: Project) -> None:
    project.write("cli.py", CLICK)
    project.write(
        "main.py",
        """
        import inspect, pickle, subprocess, sys, traceback, types
        before = list(sys.meta_path)
        print("argparse" in sys.modules, [n for n in sys.modules if "provgraph" in n])
        import argparse
        import click
        import typer
        print(sys.meta_path == before, vars(argparse.__spec__.loader).keys())

        core = type(typer.main.get_command(typer.Typer(callback=lambda: 1))).__mro__[1]
        for function in (
            argparse.ArgumentParser.parse_known_args,
            argparse.ArgumentParser.parse_known_intermixed_args,
            click.Command.make_context,
        ):
            print(function.__module__, function.__qualname__, type(function) is types.FunctionType)
            print(inspect.signature(function), inspect.getfullargspec(function))
            print(inspect.getsource(function)[:60], (function.__doc__ or "")[:20])
            print(pickle.loads(pickle.dumps(function)) is function)

        class Raises(argparse.Action):
            def __call__(self, *_):
                raise ValueError("no")

        def deep(text):
            return len(traceback.extract_stack()) and int(text)

        p = argparse.ArgumentParser(prog="main", exit_on_error=False)
        p.add_argument("--odd", action=Raises)
        p.add_argument("--n", type=deep)
        for words in (["--odd", "1"], ["--n", "x"], ["--n", "3"]):
            try:
                print(p.parse_args(words))
            except Exception as error:
                print(type(error), error, error.__context__)
                print([f.name for f in traceback.extract_tb(error.__traceback__)])
        for words in (["--help"], ["--nope"]):
            try:
                p.parse_args(words)
            except (SystemExit, argparse.ArgumentError) as error:
                print(getattr(error, "code", error))
        from click.testing import CliRunner
        import cli
        for words in (["--help"], ["fit", "--help"], ["fit", "--lr", "x"], [], ["fit", "--pin=1"]):
            result = CliRunner().invoke(cli.cli, words)
            print(result.exit_code, result.output, repr(result.exception))
        sys.exit(subprocess.run([sys.executable, "cli.py", "fit", "--lr", "x"]).returncode)
        """,
    )
    plain = project.call("python", "main.py")
    said = project.run("python", "main.py", code=None)
    assert (said.code, said.out, said.err) == (plain.code, plain.out, plain.err)
    assert plain.code == 2, plain.told
