"""Programs that Hydra configures, with provgraph's callback: they rest on the keys that count."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import dedent, indent

import pytest

from tests.scenario.shell import Project

CALLBACK = """
hydra:
  callbacks:
    provgraph:
      _target_: provgraph.hydra.Keys
"""
CONFIG = """
defaults:
  - model: small
  - _self_
seed: 3
"""
SMALL = """
width: 4
depth: 2
rate: 1e-3
note:
  text: word
"""
BESIDE = {"#order", "#hydra"}
OWN = {"defaults", "seed", "hydra.callbacks.provgraph._target_"} | BESIDE
WHOLE = {"#bytes"}
MAIN = """
import hydra

@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(cfg):
    with open("out.txt", "a") as file:
        file.write(f"{cfg.model}")

if __name__ == "__main__":
    main()
"""


def prepare(project: Project, *, main: str = MAIN, callback: str = CALLBACK) -> None:
    project.write("conf/config.yaml", CONFIG + callback)
    project.write("conf/model/small.yaml", SMALL)
    project.write("conf/model/large.yaml", "width: 40\ndepth: 20\n")
    project.write("main.py", main)


def touched(project: Project) -> dict[str, set[str]]:
    """Give the parts that were read of each config that was there."""
    shown = project.ask("show", project.runs()[0]["id"])
    return {
        use["name"].removeprefix("conf/").removesuffix(".yaml"): set(use["touched"])
        for use in shown["uses"]
        if use["name"].startswith("conf/") and "absent" not in use["touched"].values()
    }


def test_a_run_rests_on_the_keys_that_were_composed(project: Project) -> None:
    prepare(project)
    project.script("main.py")
    small = {"width", "depth", "rate", "note.text"} | BESIDE
    assert touched(project) == {"config": OWN, "model/small": small}
    project.script("main.py", "model=large")
    assert touched(project) == {"config": OWN, "model/large": {"width", "depth"} | BESIDE}


def test_a_key_that_the_command_line_or_a_later_file_replaces_does_not_count(
    project: Project,
) -> None:
    prepare(project)
    project.write("conf/config.yaml", CONFIG + "model:\n  depth: 7\n" + CALLBACK)
    project.script("main.py", "model.width=9", "+extra=1", "seed=${model.width}")
    assert touched(project) == {
        "config": OWN - {"seed"} | {"model.depth"},
        "model/small": {"rate", "note.text"} | BESIDE,
    }
    params = project.ask("show", project.runs()[0]["id"])["node"]["params"]
    assert params == {"model.width": "9", "extra": "1", "seed": "${model.width}"}


def edited(**changes: str) -> str:
    text = SMALL
    for key, value in changes.items():
        was = next(line for line in SMALL.splitlines() if line.strip().startswith(f"{key}:"))
        text = text.replace(was, f"{was.partition(':')[0]}: {value}")
    return text


@pytest.mark.parametrize(
    "text",
    [
        edited(width="5"),
        edited(width="4.0"),
        edited(text="sword"),
        edited(rate="'1e-3'"),
        edited(rate="1.0e-3"),
        SMALL + "more: 1\n",
        SMALL + "  more: 1\n",
        SMALL.replace("depth: 2\n", ""),
        "# @package other\n" + SMALL,
        SMALL.replace("width: 4\ndepth: 2", "depth: 2\nwidth: 4"),
        SMALL + "width: 5\n",
        "- 1\n",
        "",
    ],
)
def test_an_edit_of_what_counts_is_a_hit(project: Project, text: str) -> None:
    prepare(project)
    project.script("main.py")
    project.write("conf/model/small.yaml", text)
    assert "out.txt" in project.status()["stale"]


def test_an_edit_of_what_does_not_count_affects_nothing(project: Project) -> None:
    prepare(project)
    project.script("main.py", "model.width=9")
    was = project.read("conf/model/small.yaml")
    for text in (
        "# @of models\n".replace("@", "") + SMALL,
        edited(width="5  # units"),
        edited(depth="   2"),
        SMALL.replace("\n", "\n\n"),
    ):
        project.write("conf/model/small.yaml", text)
        assert project.fallen() == {}, text
    project.write("conf/model/large.yaml", "width: 41\n")
    assert project.fallen() == {}
    project.write("conf/model/small.yaml", was)
    assert "out.txt" not in project.hit("conf/model/small.yaml#width")
    assert "out.txt" in project.hit("conf/model/small.yaml#depth")
    assert "out.txt" in project.hit("conf/model/small.yaml")


def test_a_key_added_is_a_hit_before_it_is_there(project: Project) -> None:
    prepare(project)
    project.script("main.py")
    assert "out.txt" in project.hit("--if", "conf/model/small.yaml#more=1")


# -- where a file counts as a whole ----------------------------------------------------------------


def in_main(before: str = "", inside: str = "") -> str:
    main = MAIN.replace("import hydra\n", "import hydra\n" + dedent(before))
    return main.replace("    with open", indent(dedent(inside), "    ") + "    with open")


@pytest.mark.parametrize(
    "main",
    [
        in_main(before="open('conf/model/small.yaml').read()\n"),
        in_main(inside="open('conf/model/small.yaml').read()\n"),
        in_main(
            before="""
            with hydra.initialize(version_base=None, config_path="conf"):
                hydra.compose("config")
            """
        ),
        in_main(
            inside="""
            from hydra.core.global_hydra import GlobalHydra
            GlobalHydra.instance().clear()
            with hydra.initialize(version_base=None, config_path="conf"):
                hydra.compose("config", overrides=["seed=1"])
            """
        ),
        in_main(
            inside="""
            from omegaconf import OmegaConf
            OmegaConf.load("conf/model/small.yaml")
            """
        ),
        in_main(inside="import subprocess\nsubprocess.run(['cat', 'conf/model/small.yaml'])\n"),
    ],
)
def test_what_else_opens_a_config_makes_it_count_as_a_whole(project: Project, main: str) -> None:
    prepare(project, main=main)
    project.script("main.py", "model.width=9")
    assert touched(project)["model/small"] == WHOLE


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("nested", "a: {1: b, 2: c}\n3: d\n"),
        ("numbers", "1: a\n2: b\n"),
    ],
)
def test_a_config_whose_keys_are_not_sure_counts_as_a_whole(
    project: Project, name: str, text: str
) -> None:
    prepare(project)
    project.write(f"conf/model/{name}.yaml", text)
    project.script("main.py", f"model={name}", code=None)
    assert touched(project)[f"model/{name}"] == WHOLE


def test_without_the_callback_whole_files_count(project: Project) -> None:
    prepare(project, callback="")
    project.script("main.py")
    assert touched(project) == {"config": WHOLE, "model/small": WHOLE}


def test_a_program_hydra_runs_twice_counts_what_either_run_composed(project: Project) -> None:
    """The second one has no callback, so what it composed counts as a whole."""
    twice = (
        MAIN
        + """
    import sys
    sys.argv[1:] = ["model.depth=1"]
    hydra.main(version_base=None, config_path="conf", config_name="plain")(lambda cfg: print(cfg))()
"""
    )
    prepare(project, main=twice)
    project.write("conf/plain.yaml", CONFIG)
    project.script("main.py", "model.width=9")
    assert touched(project) == {"config": OWN, "plain": WHOLE, "model/small": WHOLE}


def test_a_value_that_a_class_checks_counts_although_it_is_replaced(project: Project) -> None:
    """One that doesn't fit its type stops the program before anything replaces it."""
    typed = in_main(
        before="""
        from dataclasses import dataclass
        from hydra.core.config_store import ConfigStore

        @dataclass
        class Model:
            width: int = 1
            depth: int = 1

        ConfigStore.instance().store(group="model", name="base", node=Model)
        """
    )
    prepare(project, main=typed)
    project.write("conf/model/typed.yaml", "defaults: [base]\nwidth: 4\ndepth: 2\n")
    project.script("main.py", "model=typed", "model.width=9")
    assert touched(project)["model/typed"] == {"defaults", "width", "depth"} | BESIDE


# -- sweeps, packages, places ----------------------------------------------------------------------


def test_a_sweep_counts_what_any_of_its_jobs_composed(project: Project) -> None:
    prepare(project)
    project.script("main.py", "-m", "model=small,large", "seed=1")
    assert touched(project) == {
        "config": OWN,
        "model/small": {"width", "depth", "rate", "note.text"} | BESIDE,
        "model/large": {"width", "depth"} | BESIDE,
    }


def test_a_file_put_into_a_package_is_replaced_there(project: Project) -> None:
    prepare(project)
    project.write("conf/db/one.yaml", "# @package store.main\nhost: a\nport: 1\n")
    config = CONFIG.replace("- model: small", "- model: small\n  - db: one")
    project.write("conf/config.yaml", config + CALLBACK)
    project.script("main.py", "store.main.port=2")
    assert touched(project)["db/one"] == {"host"} | BESIDE


def test_a_secret_of_the_command_line_is_redacted(project: Project) -> None:
    prepare(project)
    project.script("main.py", "+db.password=hunter2horse")
    params = project.ask("show", project.runs()[0]["id"])["node"]["params"]
    assert params["db.password"].startswith("[redacted:")


# -- the program -----------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [(), ("-m", "seed=1,2"), ("--cfg", "job"), ("nowhere=1",)])
def test_the_program_behaves_as_without(project: Project, words: tuple[str, ...]) -> None:
    told: Callable[[bytes], list[bytes]] = lambda out: [  # noqa: E731 - one line
        line for line in out.splitlines() if b"[HYDRA]" not in line
    ]
    prepare(project, main=MAIN.replace("    with", "    print(cfg)\n    with"))
    project.write("conf/config.yaml", CONFIG)
    plain = project.call("python", "-W", "always", "main.py", *words)
    callback = ("+hydra.callbacks.provgraph._target_=provgraph.hydra.Keys",)
    said = project.run("python", "-W", "always", "main.py", *words, *callback, code=None)
    assert (said.code, told(said.out), told(said.err)) == (
        plain.code,
        told(plain.out),
        told(plain.err),
    )
    alone = project.call("python", "-W", "always", "main.py", *words, *callback)
    assert (alone.code, told(alone.out)) == (plain.code, told(plain.out))
