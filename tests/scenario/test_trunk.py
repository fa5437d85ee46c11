"""The trunk story: watched runs of a small pipeline, then edits, and what is said of them."""

from __future__ import annotations

import pytest

from tests.scenario.shell import Project
from tests.scenario.trunk import ALL, SUMMARY, evaluate, out, prepare, summarize, train


def test_a_fresh_pipeline_is_current_and_nothing_is_unknown(told_once: Project) -> None:
    status = told_once.ask("status")

    assert set(status["current"]) == ALL
    assert status["gaps"] == []
    assert status["plan"] == []
    assert status["totals"]["current"] == len(ALL)


def test_impact_names_what_rests_on_a_version_and_nothing_else(told_once: Project) -> None:
    answer = told_once.ask("impact", "data/v3")

    assert {hit["name"] for hit in answer["affected"]} == out("v3") | {SUMMARY}
    assert [hit["name"] for hit in answer["affected"] if hit["depth"] == 1] == ["out/v3/table.txt"]
    assert all(hit["words"] and hit["why"] for hit in answer["affected"])
    assert answer["gaps"] == []
    assert told_once.hit("params/v1.yaml") == out("v1") | {SUMMARY}
    assert told_once.hit("summary.py") == {SUMMARY}
    assert told_once.hit("data/v1", "data/v2") == out("v1") | out("v2") | {SUMMARY}


def test_the_text_says_the_path_and_the_commands(told_once: Project) -> None:
    text = told_once.provgraph("impact", "params/v2.yaml").text

    assert "train.py read params/v2.yaml" in text.replace("\n      ", " ")
    assert "provgraph run -- python train.py out/v2/table.txt" in text
    assert "v1/table.txt" not in text


def test_why_tells_what_a_figure_rests_on(told_once: Project) -> None:
    answer = told_once.ask("why", "out/v2/figure.svg")

    files = {node["name"] for node in answer["nodes"] if node["kind"] not in ("Run", "Environment")}
    assert files - {"AMD"} >= {
        "data/v2/a.txt", "data/v2/b.txt", "params/v2.yaml", "prepare.py", "train.py",
        "evaluate.py", "words.py", "out/v2/table.txt", "out/v2/model.pkl",
    }  # fmt: skip
    assert not any("v1" in name or "v3" in name or "summary" in name for name in files)


def test_an_edit_makes_stale_reverting_current_and_a_redo_current(story: Project) -> None:
    before = story.read("params/v2.yaml")
    assert story.fallen() == {}

    story.write("params/v2.yaml", "scale: 2\ndepth: 5\n")
    assert story.fallen() == {"stale": out("v2") | {SUMMARY}}

    story.write("params/v2.yaml", before)
    assert story.fallen() == {}

    story.write("params/v2.yaml", "scale: 2\ndepth: 5\n")
    prepare(story, "v2")  # the table comes out as it was
    assert story.fallen() == {
        "stale": out("v2", "model.pkl", "metrics.json", "figure.svg") | {SUMMARY}
    }
    train(story, "v2")
    evaluate(story, "v2")
    summarize(story)
    assert story.fallen() == {}

    story.write("params/v2.yaml", before)
    assert story.fallen()["stale"] >= out("v2", "model.pkl")


def test_carrying_out_the_plan_makes_everything_current(story: Project) -> None:
    story.write("data/v1/a.txt", "9\n")
    story.write("params/v3.yaml", "scale: 1\ndepth: 9\n")

    commands = [step["command"] for step in story.ask("status")["plan"]]

    assert len(commands) == 7
    for command in commands:
        assert story.shell(command).code == 0
    assert story.fallen() == {}


def test_a_comment_in_an_imported_module_affects_nothing(story: Project) -> None:
    words = story.read("words.py")

    story.write("words.py", words.replace("import json\n", "import json  # as it is\n\n\n# :-)\n"))
    assert story.fallen() == {}

    story.write("words.py", words.replace("float(value)", "float(value) + 0"))
    assert story.fallen() == {"stale": ALL}


def test_a_docstring_that_the_program_uses_counts(project: Project) -> None:
    usage = '"""Usage: one."""\n\n\ndef text():\n    return __doc__\n'
    project.write("usage.py", usage)
    project.write("page.py", "import usage\n\nopen('page.txt', 'w').write(usage.text())\n")
    project.script("page.py")

    project.write("usage.py", usage.replace("one", "two"))

    assert project.fallen() == {"stale": {"page.txt"}}


def test_a_file_looked_for_and_then_added(project: Project) -> None:
    project.write(
        "fit.py",
        """
        import os

        factor = 1
        if os.path.exists("override.txt"):
            factor = float(open("override.txt").read())
        try:
            factor *= float(open("local.txt").read())
        except FileNotFoundError:
            pass
        with open("fit.txt", "w") as file:
            file.write(str(factor))
        """,
    )
    project.script("fit.py")
    assert project.fallen() == {}

    for name in ("override.txt", "local.txt"):
        added = project.write(name, "2")
        assert project.fallen() == {"stale": {"fit.txt"}}, name
        assert "wasn't there" in project.provgraph("status").text
        added.unlink()
        assert project.fallen() == {}

    project.write("other.txt", "2")
    assert project.fallen() == {}


def test_a_file_added_to_a_listed_folder(story: Project) -> None:
    added = story.write("data/v3/c.txt", "4\n")
    assert story.fallen() == {"stale": out("v3") | {SUMMARY}}
    assert story.hit("data/v3/c.txt") == set()  # it is there already: what fell has fallen

    added.unlink()
    assert story.fallen() == {}


@pytest.mark.parametrize("written", ["out/deep/down/a.txt", "b.txt"], ids=["below", "elsewhere"])
def test_a_folder_made_by_a_run_is_none_of_its_inputs(project: Project, written: str) -> None:
    project.write(
        "make.py",
        f"""
        import os

        os.makedirs("out/deep/down", exist_ok=True)
        if not os.path.isdir("other"):
            os.mkdir("other")
        with open("{written}", "w") as file:
            file.write("a")
        """,
    )

    project.script("make.py")
    assert project.fallen() == {}
    project.script("make.py")
    assert project.fallen() == {}
    assert project.ask("status")["gaps"] == []


def test_a_product_edited_by_hand(story: Project) -> None:
    before = story.read("out/v1/table.txt")

    story.write("out/v1/table.txt", "7.0\n")
    assert story.fallen() == {
        "modified": out("v1", "table.txt"),
        "behind": out("v1", "model.pkl", "metrics.json", "figure.svg") | {SUMMARY},
    }

    story.write("out/v1/table.txt", before)
    assert story.fallen() == {}


def test_a_product_deleted_is_missing_and_is_made_again(story: Project) -> None:
    (story.root / "out/v1/table.txt").unlink()

    assert story.fallen() == {"missing": out("v1", "table.txt")}

    (step,) = story.ask("status")["plan"]
    assert "prepare.py data/v1" in step["command"]
    assert story.shell(step["command"]).code == 0
    assert story.fallen() == {}


def test_a_failed_run_is_never_current(project: Project) -> None:
    project.write("seed.txt", "1")
    project.write(
        "half.py",
        """
        import sys

        seed = open("seed.txt").read()
        with open("half.txt", "w") as file:
            file.write(seed)
        sys.exit(seed == "2" and 3)
        """,
    )
    project.script("half.py")
    assert project.fallen() == {}

    project.write("seed.txt", "2")
    project.script("half.py", code=3)

    assert project.fallen() == {"stale": {"half.txt"}}
    assert [run["status"] for run in project.runs()] == ["failed", "ok"]
    assert project.ask("status")["stale"][0]["reason"] == "failed"


def test_several_runs_append_to_one_log(project: Project) -> None:
    project.write(
        "step.py",
        """
        import sys

        name = sys.argv[1]
        with open(f"{name}.in") as file, open(f"{name}.out", "w") as out:
            out.write(file.read())
        with open("all.log", "a") as log:
            log.write(name + "\\n")
        """,
    )
    project.write("a.in", "1")
    project.write("b.in", "1")
    project.script("step.py", "a")
    project.script("step.py", "b")
    project.write("report.py", "open('report.txt', 'w').write(open('all.log').read())\n")
    project.script("report.py")
    assert project.fallen() == {}

    assert project.hit("a.in") == {"a.out", "report.txt"}
    project.write("a.in", "2")
    project.script("step.py", "a")
    assert project.fallen() == {"stale": {"report.txt"}}
    project.script("report.py")
    assert project.fallen() == {}


def test_a_file_rewritten_in_place(project: Project) -> None:
    project.write("x.csv", "b\na\n")
    project.write("sort.py", "rows = sorted(open('x.csv'))\nopen('x.csv', 'w').writelines(rows)\n")
    project.write("fit.py", "open('fit.txt', 'w').write(open('x.csv').read())\n")
    project.script("sort.py")
    project.script("fit.py")

    status = project.ask("status")

    assert set(status["current"]) == {"x.csv", "fit.txt"}
    assert [(gap["grade"], gap["reason"]) for gap in status["gaps"]] == [
        ("noted", "consumed-input")
    ]
    assert project.hit("sort.py") == {"x.csv", "fit.txt"}

    project.script("sort.py")
    assert ("applied-twice", "x.csv") in project.blocking("status")


def test_made_only_if_it_is_not_there(project: Project) -> None:
    project.write("source.txt", "1")
    project.write(
        "cached.py",
        """
        import os

        if not os.path.exists("cache.txt"):
            open("cache.txt", "w").write(open("source.txt").read())
        open("used.txt", "w").write(open("cache.txt").read())
        """,
    )
    project.script("cached.py")
    assert project.fallen() == {}
    assert project.blocking("status") == set()

    project.write("source.txt", "2")
    assert project.fallen() == {"stale": {"cache.txt", "used.txt"}}
    plan = project.ask("status")["plan"]
    assert [step["action"] for step in plan] == ["remove", "run"]
    assert plan[0]["subject"] == "cache.txt"


def test_two_steps_that_write_one_name(project: Project) -> None:
    project.write("old.py", "open('clean.txt', 'w').write('old')\n")
    project.write("new.py", "open('clean.txt', 'w').write('new')\n")
    project.write("fit.py", "open('fit.txt', 'w').write(open('clean.txt').read())\n")
    project.script("old.py")
    project.script("fit.py")
    project.script("new.py")

    assert project.fallen() == {"behind": {"fit.txt"}}
    status = project.ask("status")
    assert status["behind"][0]["reason"] == "contested"
    assert [step["action"] for step in status["plan"]] == ["ask"]


def test_a_source_renamed_is_a_hit(story: Project) -> None:
    story.git("mv", "data/v2/b.txt", "data/v2/renamed.txt")

    assert story.fallen() == {"stale": out("v2") | {SUMMARY}}
    (words,) = {
        entry["words"]
        for entry in story.ask("status")["stale"]
        if entry["name"] == "out/v2/table.txt"
    }
    assert "data/v2/b.txt was renamed to data/v2/renamed.txt" in words


def test_a_copy_made_by_hand_carries_the_reason_on(story: Project) -> None:
    story.call("cp", "out/v1/model.pkl", "final.pkl")
    story.write(
        "ship.py", "open('shipped.txt', 'w').write(str(len(open('final.pkl', 'rb').read())))\n"
    )
    story.script("ship.py")

    assert "shipped.txt" in story.hit("data/v1")
    assert "shipped.txt" not in story.hit("data/v2")
    why = story.ask("why", "shipped.txt", "--because", "data/v1/a.txt")
    (copied,) = [edge for edge in why["edges"] if edge["type"] == "DEPENDS_ON"]
    assert copied["evidence"] == "inferred"


def test_a_middle_step_run_once_without_provgraph(story: Project) -> None:
    story.write("data/v1/a.txt", "8\n")
    story.call("python", "prepare.py", "data/v1", "params/v1.yaml", "out/v1/table.txt")
    assert story.fallen()["modified"] == out("v1", "table.txt")
    train(story, "v1")

    reasons = {reason for reason, _ in story.blocking("impact", "data/v1")}

    assert reasons == {"unwatched-writer"}


def test_deleting_a_source_is_said(story: Project) -> None:
    (story.root / "data/v3/a.txt").unlink()

    assert story.fallen() == {"stale": out("v3") | {SUMMARY}}
    assert "data/v3/a.txt" in story.provgraph("status").text


def test_a_tree_without_the_products_names_them_all_the_same(story: Project) -> None:
    story.call("rm", "-r", "out")

    assert story.status()["missing"] == ALL
    assert story.hit("data/v3") == out("v3") | {SUMMARY}
    assert story.fallen() == {"missing": ALL}
