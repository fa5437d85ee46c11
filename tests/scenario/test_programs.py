"""Programs that people run their work with, watched as they are: R, Snakemake, whole notebooks."""

from __future__ import annotations

import json
import os
import shutil
import sys
from typing import Any

import pytest

from provgraph.collect.tracing.preload.build import library
from tests.scenario.shell import Project
from tests.support.required import missing

pytestmark = pytest.mark.skipif(
    os.name != "posix" or os.uname().sysname != "Linux", reason="the native library is for Linux"
)


@pytest.fixture(autouse=True)
def _native() -> None:
    if library().path is None:
        missing("native", library().why)


def installed(program: str) -> None:
    if not shutil.which(program):
        missing("native", f"{program} isn't installed")


def used_by(project: Project, name: str) -> set[str]:
    """Give the files of the project that the run which made a file had used."""
    run = project.ask("show", name)["node"]["made_by"]
    return {
        use["name"]
        for use in project.ask("show", run)["uses"]
        if use["kind"] in ("Script", "Dataset", "Config", "Result")
        and use["digest"] not in ("absent", "there")
        and not use["name"].startswith(("/", "~", "."))
    }


def test_r(project: Project) -> None:
    installed("Rscript")
    project.write("data.csv", "x,y\n1,2\n2,4\n")
    project.write("other.csv", "x,y\n1,2\n")
    project.write("lib.R", "double <- function(x) 2 * x\n")
    project.write(
        "fit.R",
        """\
        library(stats)
        library(tools)
        source("lib.R")
        rows <- read.csv("data.csv")
        fit <- lm(y ~ double(x), data = rows)
        saveRDS(coef(fit), "fit.rds")
        write.csv(rows, "rows.csv")
        """,
    )
    project.write(
        "show.R",
        """\
        writeLines(format(readRDS("fit.rds")), "fit.txt")
        invisible(file.remove(tempfile(tmpdir = ".")[FALSE]))
        """,
    )

    project.run("Rscript", "fit.R")
    project.run("R", "--no-save", "--no-restore", "-q", "-f", "show.R")

    assert used_by(project, "fit.rds") == {"fit.R", "lib.R", "data.csv"}
    assert used_by(project, "fit.txt") == {"show.R", "fit.rds"}
    assert project.hit("data.csv") == {"fit.rds", "rows.csv", "fit.txt"}
    assert project.hit("lib.R") == {"fit.rds", "rows.csv", "fit.txt"}
    assert project.hit("show.R") == {"fit.txt"}
    assert project.blocking("impact", "data.csv") == set()
    project.write("data.csv", "x,y\n1,3\n2,6\n")
    project.provgraph("redo")
    assert project.fallen() == {}


def notebook(project: Project, name: str, *sources: str) -> None:
    cells: list[dict[str, Any]] = [
        {
            "id": f"c{number}",
            "cell_type": "code",
            "source": source,
            "metadata": {"tags": ["parameters"]} if source.startswith("alpha") else {},
            "outputs": [],
            "execution_count": None,
        }
        for number, source in enumerate(sources)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    document = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    project.write(name, json.dumps(document))


WRITE = "with open('out.txt', 'w') as file:\n    file.write(str(alpha * len(rows)))"


@pytest.mark.parametrize("program", ["nbconvert", "papermill"])
def test_a_notebook_as_a_whole(project: Project, program: str) -> None:
    pytest.importorskip(program, reason="requirements/dev.txt has it")
    notebook(
        project,
        "work.ipynb",
        "alpha = 1",
        "import helper\nwith open('in.txt') as file:\n    rows = file.readlines()",
        WRITE,
    )
    project.write("helper.py", "x = 1\n")
    project.write("in.txt", "1\n2\n")
    words = {
        "nbconvert": "nbconvert --to notebook --execute --output done.ipynb work.ipynb".split(),
        "papermill": "work.ipynb done.ipynb -p alpha 5 --no-progress-bar".split(),
    }[program]

    module = "jupyter" if program == "nbconvert" else program
    project.provgraph("run", "--", sys.executable, "-m", module, *words)

    assert project.read("out.txt") == ("10" if program == "papermill" else "2")
    assert used_by(project, "out.txt") >= {"work.ipynb", "in.txt", "helper.py"}
    assert project.hit("in.txt") >= {"out.txt", "done.ipynb"}
    assert project.hit("helper.py") >= {"out.txt"}
    # Only code counts of a notebook that is run, not its outputs.
    assert project.status()["current"] >= {"out.txt", "done.ipynb"}


SNAKEFILE = """\
rule all:
    input: "4.txt"

rule first:
    input: "raw.txt"
    output: "1.txt"
    shell: "sort {input} > {output}"

rule second:
    input: "1.txt", script="second.py"
    output: "2.txt"
    shell: "python3 second.py 1.txt {output}"

rule third:
    input: "2.txt"
    output: "3.txt"
    run:
        with open(input[0]) as file, open(output[0], "w") as out:
            out.write(file.read().upper())

rule fourth:
    input: "3.txt", script="fourth.py"
    output: "4.txt"
    shell: "python3 fourth.py 3.txt {output}"
"""
COPY = "import sys\nopen(sys.argv[2], 'w').write(open(sys.argv[1]).read() + sys.argv[0])\n"


def test_snakemake(project: Project) -> None:
    installed("snakemake")
    project.write("Snakefile", SNAKEFILE)
    project.write("second.py", COPY)
    project.write("fourth.py", COPY)
    project.write("raw.txt", "b\na\n")

    project.provgraph("run", "--", "snakemake", "-c1", "--quiet")

    assert project.read("4.txt").startswith("A\nB\n")
    assert project.hit("fourth.py") == {"4.txt"}
    assert project.hit("second.py") == {"2.txt", "3.txt", "4.txt"}
    assert project.hit("raw.txt") == {"1.txt", "2.txt", "3.txt", "4.txt"}
    project.write("fourth.py", COPY + "x = 1\n")
    assert project.fallen() == {"stale": {"4.txt"}}
    # A rule carried out anew leaves the others' results as they are.
    project.provgraph("run", "--", "snakemake", "-c1", "--quiet")
    assert project.fallen() == {}


DECIDING = """\
def wanted(wildcards):
    with open(checkpoints.names.get().output[0]) as file:
        return [name + ".out" for name in file.read().split()]

rule all:
    input: wanted

checkpoint names:
    input: "raw.txt"
    output: "names.txt"
    shell: "sort {input} > {output}"

rule one:
    output: "{name}.out"
    shell: "echo made > {output}"
"""


def test_what_a_snakefile_decides_by(project: Project) -> None:
    installed("snakemake")
    project.write("Snakefile", DECIDING)
    project.write("raw.txt", "b\na\n")

    project.provgraph("run", "--", "snakemake", "-c1", "--quiet")

    assert project.hit("raw.txt") >= {"names.txt", "a.out", "b.out"}
