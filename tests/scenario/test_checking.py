"""The merge check on real repositories: what a branch changes, what that fells, what passes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.scenario.shell import Project, begin
from tests.support.neo4j.server import Neo4j

FILES = {
    "fit.py": """
        import json
        import os
        from pathlib import Path

        import shape
        import tool

        table = sorted(Path("data").glob("*.txt"))
        total = sum(len(path.read_text()) for path in table)
        scale = json.loads(Path("params.json").read_text())["scale"]
        if os.path.exists("local.json"):
            scale = json.loads(Path("local.json").read_text())["scale"]
        Path("model.txt").write_text(str(shape.grown(total) * scale + tool.one()))
        """,
    "score.py": """
        import sys
        from pathlib import Path

        Path("score.txt").write_text(Path("model.txt").read_text() + "!")
        """,
    "shape.py": '''
        """How things grow."""


        def grown(number):
            return number + 1  # by one


        def shrunk(number):
            return number - 1
        ''',
    "tool.py": "def one():\n    return 1\n",
    "data/a.txt": "aaa",
    "data/b.txt": "bb",
    "params.json": '{"scale": 2, "unused": 1}\n',
    "notes.md": "Nothing reads this.\n",
    ".gitignore": "model.txt\nscore.txt\n__pycache__/\n",
}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory, env: Mapping[str, str]) -> Project:
    """Give a committed project whose two steps were recorded; not to be changed."""
    project = begin(tmp_path_factory.mktemp("check") / "project", env)
    for name, text in FILES.items():
        project.write(name, text)
    commit(project, "one")
    project.script("fit.py")
    project.script("score.py")
    return project


@pytest.fixture
def merging(recorded: Project, tmp_path: Path) -> Project:
    """Give a copy of the recorded project, on a branch of its own."""
    copy = recorded.copy_to(tmp_path / "merging")
    copy.git("checkout", "--quiet", "-b", "topic")
    return copy


def commit(project: Project, message: str = "more") -> None:
    project.git("add", "-A")
    project.git("commit", "--quiet", "--allow-empty", "-m", message)


def check(project: Project, *words: str, code: int = 0) -> Any:
    return project.ask("check", *words, code=code)


def hits(answer: Any) -> dict[str, str]:
    """Give what is affected, each with the change that decided."""
    return {one["hit"]["name"]: one["cause"] for one in answer["affected"]}


def effects(answer: Any) -> dict[str, str]:
    return {one["name"]: one["effect"] for one in answer["changes"]}


def both_ways(project: Project) -> list[Any]:
    """Check what was changed before it is committed, and after."""
    first = check(project)
    commit(project)
    return [first, check(project), check(project, "--base", "main", "--head", "HEAD")]


BOTH = {"model.txt", "score.txt"}

# An edit, what it affects, and what is said of the file.
EDITS = {
    "a comment and a docstring": (
        {"shape.py": '"""Otherwise."""\n\ndef grown(number):\n    return number + 1\n\n\n'
         "def shrunk(number):\n    return number - 1\n"},
        set(), {"shape.py": "spared"},
    ),
    "a function": (
        {"shape.py": "def grown(number):\n    return number + 2\n"},
        BOTH, {"shape.py": "affects"},
    ),
    "a config": ({"params.json": '{"scale": 3, "unused": 1}\n'}, BOTH, {"params.json": "affects"}),
    "one of the data": ({"data/a.txt": "aaaa"}, BOTH, {"data/a.txt": "affects"}),
    "a new member of a folder that was listed": (
        {"data/c.txt": "c"}, BOTH, {"data/c.txt": "affects"},
    ),
    "a file that was looked for": (
        {"local.json": '{"scale": 5}'}, BOTH, {"local.json": "affects"},
    ),
    "a module before one of the standard library": (
        {"json.py": "def loads(text):\n    return {'scale': 7}\n"}, BOTH, {"json.py": "affects"},
    ),
    "a package before a module": (
        {"tool/__init__.py": "def one():\n    return 2\n"}, BOTH, {"tool/__init__.py": "affects"},
    ),
    "a module that nobody asked for": (
        {"helper.py": "", "pack/__init__.py": ""}, set(),
        {"helper.py": "unread", "pack/__init__.py": "unread"},
    ),
    "a script": ({"score.py": "print()\n"}, {"score.txt"}, {"score.py": "affects"}),
    "what nobody reads": ({"notes.md": "x", "new.csv": "1"}, set(),
                          {"notes.md": "unread", "new.csv": "unread"}),
    "a result put in by hand": ({"model.txt": "12"}, {"score.txt"}, {}),
}  # fmt: skip


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_fells_what_rests_on_it(merging: Project, edit: str) -> None:
    files, affected, said = EDITS[edit]
    for name, text in files.items():
        merging.write(name, text)

    answers = both_ways(merging)

    if "model.txt" in files:  # git doesn't track it, so only the working tree knows
        assert set(hits(answers[0])) == affected
        return
    for answer in answers:
        assert set(hits(answer)) == affected
        assert effects(answer) == said
        assert answer["passed"]
        assert answer["totals"]["affected"] == len(affected)


def test_deleting_and_renaming(merging: Project) -> None:
    merging.git("rm", "--quiet", "data/b.txt")
    for answer in both_ways(merging):
        assert set(hits(answer)) == BOTH
        assert effects(answer) == {"data/b.txt": "affects"}
    merging.git("checkout", "--quiet", "main")
    merging.git("mv", "params.json", "settings.json")
    commit(merging)
    answer = check(merging, "--base", "HEAD~1")
    assert set(hits(answer)) == BOTH
    [change] = answer["changes"]
    assert (change["name"], change["how"], change["was"]) == (
        "settings.json",
        "renamed",
        "params.json",
    )


def test_a_branch_that_redid_what_it_broke_shows_nothing(merging: Project) -> None:
    merging.write("params.json", '{"scale": 3}\n')
    merging.script("fit.py")
    assert hits(check(merging)) == {"score.txt": "params.json"}
    merging.script("score.py")
    commit(merging)
    for words in ((), ("--base", "main", "--head", "HEAD")):
        answer = check(merging, *words)
        assert hits(answer) == {}
        assert effects(answer) == {"params.json": "spared"}


def test_a_clone_without_the_results_gives_the_same_answer(
    merging: Project, tmp_path: Path
) -> None:
    merging.git("remote", "add", "origin", str(tmp_path / "origin.git"))
    merging.git("init", "--quiet", "--bare", str(tmp_path / "origin.git"))
    merging.write("params.json", '{"scale": 3}\n')
    commit(merging)
    merging.git("push", "--quiet", "origin", "main", "topic")
    merging.provgraph("push", "origin")
    merging.git(
        "clone", "--quiet", "-b", "topic", str(tmp_path / "origin.git"), str(tmp_path / "c")
    )
    clone = Project(tmp_path / "c", merging.with_env(XDG_CACHE_HOME=str(tmp_path / "cache")).env)

    said = clone.provgraph("check", code=3)
    assert "provgraph pull" in said.told
    assert said.out == b""
    answer = check(clone, "--pull")
    assert hits(answer) == {"model.txt": "params.json", "score.txt": "params.json"}
    assert answer["base"].startswith("origin/main")
    # Others went on meanwhile: what they changed is not this branch's doing.
    merging.git("checkout", "--quiet", "main")
    merging.write("tool.py", "def one():\n    return 2\n")
    commit(merging)
    merging.git("push", "--quiet", "origin", "main")
    clone.git("fetch", "--quiet", "origin")
    assert effects(check(clone)) == {"params.json": "affects"}


def test_which_of_two_equally_good_results_lies_there_hides_nothing(
    merging: Project, tmp_path: Path
) -> None:
    merging.write(".gitignore", merging.read(".gitignore") + "drawn.txt\nshown.txt\n")
    merging.write("draw.py", "import os\nopen('drawn.txt', 'w').write(os.urandom(9).hex())\n")
    merging.write("show.py", "open('shown.txt', 'w').write(open('drawn.txt').read())\n")
    commit(merging)
    merging.script("draw.py")
    merging.script("show.py")
    merging.script("draw.py")
    merging.git("branch", "--quiet", "-f", "main")
    merging.write("tool.py", "def one():\n    return 2\n")
    commit(merging)
    merging.git("clone", "--quiet", "-b", "topic", str(merging.root), str(tmp_path / "clone"))
    merging.provgraph("push", str(tmp_path / "ledger"))
    clone = Project(tmp_path / "clone", merging.env)
    clone.provgraph("pull", str(tmp_path / "ledger"))
    answer = check(clone, "--base", "origin/main")
    assert set(hits(answer)) == BOTH
    assert {(gap["reason"], gap["grade"]) for gap in answer["gaps"]} == {("undecided", "noted")}
    clone.write("draw.py", clone.read("draw.py") + "print()\n")
    answer = check(clone, "--base", "origin/main")
    assert set(hits(answer)) == BOTH | {"drawn.txt", "shown.txt"}
    assert answer["passed"]


def test_published_results_and_gaps_fail_the_gate(merging: Project) -> None:
    merging.provgraph("pin", "score.txt", "--as", "published")
    merging.write("params.json", '{"scale": 3}\n')

    answer = check(merging, code=1)

    assert not answer["passed"]
    assert [(one["rule"], one["subject"]) for one in answer["failures"]] == [
        ("published", "score.txt")
    ]
    first = answer["affected"][0]
    assert first["hit"]["name"] == "score.txt"
    assert first["rank"] == "published"
    assert first["fails"] == ["published"]
    assert first["renew"] == "provgraph run -- python score.py"
    assert [step["command"] for step in answer["plan"]] == [
        "provgraph run -- python fit.py",
        "provgraph run -- python score.py",
    ]


def policy(project: Project, text: str) -> None:
    settings = project.git("show", "main:provgraph.toml").partition("\n[check]")[0]
    project.write("provgraph.toml", f"{settings}\n{text}")


def test_a_policy_says_what_fails(merging: Project) -> None:
    merging.provgraph("pin", "score.txt", "--as", "published")
    policy(merging, '[check]\nfail_on = []\nbase = "main"\n')
    commit(merging)
    merging.write("params.json", '{"scale": 3}\n')
    assert check(merging)["passed"]

    policy(merging, '[check]\nfail_on = ["affected"]\n[check.owners]\n"*.txt" = ["@ana"]\n')
    answer = check(merging, code=1)
    assert {one["subject"] for one in answer["failures"]} == BOTH
    assert answer["affected"][0]["owners"] == ["@ana"]
    policy(merging, "[check]\nfail_on = []\nmax_affected = 1\n")
    assert [one["rule"] for one in check(merging, code=1)["failures"]] == ["too-many"]


def test_a_change_of_the_gate_itself_is_said(merging: Project) -> None:
    policy(merging, "[check]\nfail_on = []\n")
    for answer in both_ways(merging):
        assert len(answer["excused"]) == 1
        assert "alters what passes here (check" in answer["excused"][0]
    merging.write("provgraph.toml", merging.read("provgraph.toml") + "# said\n")
    assert check(merging, "--base", "HEAD")["excused"] == []


def test_settings_and_programs_of_the_person_who_asks_change_nothing(
    merging: Project, tmp_path: Path
) -> None:
    merging.write("data/a.txt", "aaaa")
    merging.write(".gitattributes", "*.txt diff=odd\n")
    plain = check(merging)
    program = f"touch {tmp_path}/ran;"
    for name, value in {
        "diff.odd.textconv": program, "diff.odd.command": program, "diff.external": program,
        "diff.noprefix": "true", "diff.mnemonicPrefix": "true", "diff.srcPrefix": "x/y/",
        "diff.submodule": "log", "diff.ignoreSubmodules": "all", "diff.renames": "copies",
        "core.quotePath": "true", "color.ui": "always", "diff.interHunkContext": "9",
    }.items():  # fmt: skip
        merging.git("config", name, value)
    assert check(merging) == plain
    assert not (tmp_path / "ran").exists()


def test_exceptions_hold_until_their_day(merging: Project) -> None:
    merging.provgraph("pin", "score.txt", "--as", "published")
    merging.write("params.json", '{"scale": 3}\n')
    allow = '[[check.allow]]\nwhat = "score.txt"\nreason = "old paper"\nuntil = '
    policy(merging, f"{allow}2999-01-01\n")
    answer = check(merging)
    assert answer["excused"] == [
        "provgraph.toml: the change alters what passes here (check.allow)",
        "score.txt: old paper",
    ]
    assert answer["affected"][0]["excused"] == "old paper"

    policy(merging, f"{allow}2001-01-01\n")
    answer = check(merging, code=1)
    assert answer["expired"] == ["score.txt: the exception «old paper» ran out on 2001-01-01"]

    policy(merging, f"{allow}2999-01-01\n{allow}2998-01-01\n")
    said = merging.provgraph("check", code=2)
    assert "allowed twice" in said.told
    policy(merging, '[check]\nfail_on = ["everything"]\n')
    assert "«everything» is no rule" in merging.provgraph("check", code=2).told


def test_what_a_change_itself_takes_away(merging: Project) -> None:
    merging.git("add", "-f", "score.txt")
    merging.git("commit", "--quiet", "-m", "result")
    merging.git("branch", "--quiet", "-f", "main")
    merging.provgraph("pin", "score.txt", "--as", "published")
    merging.write("score.txt", "made up")
    answer = check(merging, code=1)
    assert answer["affected"][0]["hit"]["state"] == "modified"
    merging.git("rm", "--quiet", "-f", "score.txt")
    answer = check(merging, code=1)
    assert answer["affected"][0]["hit"]["state"] == "missing"
    assert answer["totals"]["missing"] == 1


# -- packages and what stands for other things ---------------------------------------------------


def test_a_bump_in_a_lock_file_fells_only_those_that_import_it(merging: Project) -> None:
    version = merging.call("python", "-c", "import yaml; print(yaml.__version__)").text.strip()
    lock = "".join(f'[[package]]\nname = "{n}"\nversion = "{{}}"\n' for n in ("pyyaml", "tqdm"))
    merging.write(".gitignore", merging.read(".gitignore") + "l.txt\n")
    merging.write("uv.lock", lock.format(version, "4.1"))
    merging.write("requirements.txt", "pyyaml>=1\n")
    merging.write("load.py", "import yaml\nopen('l.txt', 'w').write(yaml.safe_load('a'))\n")
    commit(merging)
    merging.script("load.py")
    merging.git("branch", "--quiet", "-f", "main")

    merging.write("uv.lock", "# said otherwise\n" + lock.format(version, "4.2"))
    [change] = check(merging)["changes"]
    assert (change["how"], change["parts"], change["effect"]) == ("package", ["tqdm"], "unread")
    assert (change["was"], change["now"]) == ("4.1", "4.2")
    merging.write("uv.lock", lock.format("99.0", "4.1"))
    for answer in both_ways(merging):
        assert hits(answer) == {"l.txt": "uv.lock"}
        [change] = answer["changes"]
        assert change["parts"] == ["pyyaml"]
        assert [(one["first"], one["last"]) for one in change["lines"]] == [(3, 3)]
    merging.git("checkout", "--quiet", "main", "--", "uv.lock")
    merging.write("requirements.txt", "# wider\npyyaml>=2\n")
    [change] = check(merging, "--base", "main")["changes"]
    assert change["effect"] == "spared"
    assert f"pyyaml {version}, as recorded, satisfies >=2 (1 run)" in change["words"]
    merging.write("requirements.txt", "pyyaml<2\n")
    assert hits(check(merging, "--base", "main")) == {"l.txt": "requirements.txt"}
    merging.write("uv.lock", "[[[")
    answer = check(merging, "--base", "main")
    assert "l.txt" in hits(answer)
    assert any("can't be read as a list of packages" in one["words"] for one in answer["changes"])


def test_what_dvc_points_to(merging: Project) -> None:
    def pointer(data: str, *, cached: bool) -> None:
        md5 = hashlib.md5(data.encode(), usedforsecurity=False).hexdigest()
        merging.write("big.csv.dvc", f"outs:\n- md5: {md5}\n  path: big.csv\n")
        if cached:
            merging.write(f".dvc/cache/files/md5/{md5[:2]}/{md5[2:]}", data)

    merging.write("big.csv", "1,2,3")
    merging.write(".gitignore", merging.read(".gitignore") + "big.csv\n.dvc/cache\n")
    pointer("1,2,3", cached=True)
    merging.write(".dvc/config", "")
    merging.write("use.py", "open('used.txt', 'w').write(open('big.csv').read())")
    commit(merging)
    merging.script("use.py")
    merging.git("branch", "--quiet", "-f", "main")
    pointer("1,2,4", cached=False)
    for answer in both_ways(merging):
        assert hits(answer) == {"used.txt": "big.csv.dvc"}
        assert answer["changes"][0]["how"] == "pointer"
    pointer("1,2,3", cached=True)
    merging.write("big.csv.dvc", merging.read("big.csv.dvc") + "  size: 5\n")
    for answer in both_ways(merging):
        assert hits(answer) == {}
    # Redone with the new content, which is at hand.
    merging.write("big.csv", "1,2,4")
    pointer("1,2,4", cached=True)
    merging.script("use.py")
    for answer in both_ways(merging):
        assert hits(answer) == {}


def test_what_git_lfs_points_to(merging: Project) -> None:
    def pointer(data: str) -> str:
        oid = hashlib.sha256(data.encode()).hexdigest()
        return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(data)}\n"

    merging.write("big.bin", "1,2,3")
    merging.write("use.py", "open('used.txt', 'w').write(open('big.bin').read())")
    merging.script("use.py")
    merging.write("big.bin", pointer("1,2,3"))
    commit(merging)
    merging.git("branch", "--quiet", "-f", "main")
    merging.write("big.bin", pointer("1,2,4"))
    commit(merging)
    answer = check(merging, "--head", "HEAD")
    assert hits(answer) == {"used.txt": "big.bin"}
    oid = hashlib.sha256(b"1,2,3").hexdigest()
    merging.write(f".git/lfs/objects/{oid[:2]}/{oid[2:4]}/{oid}", "1,2,3")
    merging.write("big.bin", pointer("1,2,3") + "\n")
    commit(merging)
    assert hits(check(merging, "--base", "main", "--head", "HEAD")) == {}


def test_submodules(merging: Project, tmp_path: Path) -> None:
    library = Project(tmp_path / "library", merging.env)
    library.root.mkdir()
    library.git("init", "--quiet", "--initial-branch=main")
    library.write("lib.txt", "1")
    library.write("other.txt", "1")
    commit(library)
    merging.git("submodule", "--quiet", "add", str(library.root), "lib")
    merging.write("use.py", "open('used.txt', 'w').write(open('lib/lib.txt').read())")
    commit(merging)
    merging.script("use.py")
    merging.git("branch", "--quiet", "-f", "main")
    sub = Project(merging.root / "lib", merging.env)
    sub.write("other.txt", "2")
    commit(sub)
    for answer in both_ways(merging):
        assert hits(answer) == {}
    sub.write("lib.txt", "2")
    commit(sub)
    for answer in both_ways(merging):
        assert hits(answer) == {"used.txt": "lib"}


def test_a_shared_graph_gives_the_same_answer(merging: Project, neo4j: Neo4j) -> None:
    merging.provgraph("pin", "score.txt", "--as", "published")
    merging.write("params.json", '{"scale": 3}\n')
    merging.write("shape.py", merging.read("shape.py") + "# more\n")
    shared = merging.with_env(**neo4j.environment)
    assert check(shared, code=1) == check(merging, code=1)


def test_a_mode_alone_is_no_other_content(merging: Project) -> None:
    (merging.root / "params.json").chmod(0o755)
    for answer in both_ways(merging):
        [change] = answer["changes"]
        assert (change["how"], change["effect"]) == ("mode", "spared")
        assert change["words"] == "the same bytes (1 run); its mode went from 100644 to 100755"


@pytest.mark.parametrize(
    ("variables", "base"),
    [
        ({"GITHUB_BASE_REF": "main"}, "origin/main"),
        ({"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main"}, "origin/main"),
        ({"CI_MERGE_REQUEST_DIFF_BASE_SHA": "HEAD~1"}, "HEAD~1"),
        ({}, "main"),
    ],
)
def test_a_base_that_nobody_named(merging: Project, variables: dict[str, str], base: str) -> None:
    merging.write("params.json", '{"scale": 3}\n')
    commit(merging)
    merging.git("update-ref", "refs/remotes/origin/main", "main")
    if not variables:
        merging.git("update-ref", "-d", "refs/remotes/origin/main")
    answer = check(merging.with_env(**variables))
    assert answer["base"].partition(" ")[0] == base
    assert set(hits(answer)) == BOTH


# -- wrong turns ------------------------------------------------------------------------------


def test_what_cannot_be_compared_is_said(merging: Project, tmp_path: Path) -> None:
    said = merging.provgraph("check", "--base", "nowhere", code=2)
    assert "«nowhere»" in said.told
    assert "fetch" in said.told
    assert "«-x»" in merging.provgraph("check", "--base=-x", code=2).told

    merging.write("params.json", '{"scale": 3}\n')
    commit(merging)
    merging.git("checkout", "--quiet", "-b", "other", "main")
    merging.write("params.json", '{"scale": 4}\n')
    commit(merging)
    assert merging.call("git", "merge", "topic").code != 0
    said = merging.provgraph("check", code=3)
    assert "params.json is in conflict" in said.told
    merging.git("merge", "--abort")

    merging.git("clone", "--quiet", "--depth", "1", "-b", "topic", f"file://{merging.root}",
                str(tmp_path / "shallow"))  # fmt: skip
    shallow = Project(tmp_path / "shallow", merging.env)
    shallow.git("fetch", "--quiet", "--depth", "1", "origin", "main:main")
    merging.provgraph("push", str(tmp_path / "ledger"))
    shallow.provgraph("pull", str(tmp_path / "ledger"))
    said = shallow.provgraph("check", "--base", "main", code=3)
    assert "--unshallow" in said.told


def test_a_project_without_records_never_says_that_nothing_is_affected(
    tmp_path: Path, env: Mapping[str, str]
) -> None:
    project = begin(tmp_path / "new", env)
    said = project.provgraph("check", code=3)
    assert "no commit yet" in said.told or "nothing has been recorded" in said.told
    project.write("a.txt", "1")
    commit(project)
    assert "nothing has been recorded" in project.provgraph("check", code=3).told
    project.write("make.py", "open('b.txt', 'w').write('1')")
    project.script("make.py")
    text = project.read("provgraph.toml")
    first = next(line for line in text.splitlines() if line.startswith("id = "))
    project.write("provgraph.toml", text.replace(first, 'id = "another-project"'))
    said = project.provgraph("check", code=3)
    assert "another project" in said.told
    outside = begin(tmp_path / "outside", env, git=False)
    assert "not in a git repository" in outside.provgraph("check", code=3).told


def test_odd_names_and_contents(merging: Project) -> None:
    merging.write("params.json", "{not json")
    merging.write("data/a.txt", b"\x00\xff" * 100)
    merging.write(b"data/\xff\n.txt", b"odd")
    for answer in both_ways(merging):
        assert set(hits(answer)) == BOTH
        said = {one["name"]: one["words"] for one in answer["changes"]}
        assert "can't be read for its keys" in said["params.json"]
        assert set(effects(answer).values()) == {"affects"}


def test_links(merging: Project) -> None:
    merging.write("other/a.txt", "aaa")
    merging.write("use.py", "open('used.txt', 'w').write(open('current/a.txt').read())")
    (merging.root / "current").symlink_to("data")
    commit(merging)
    merging.script("use.py")
    merging.git("branch", "--quiet", "-f", "main")
    (merging.root / "current").unlink()
    (merging.root / "current").symlink_to("other")
    for answer in both_ways(merging):
        # It leads to equal bytes now.
        assert hits(answer) == {}
    merging.git("branch", "--quiet", "-f", "main")
    (merging.root / "current").unlink()
    (merging.root / "current").symlink_to("nowhere")
    for answer in both_ways(merging):
        assert hits(answer) == {"used.txt": "current"}
        assert effects(answer) == {"current": "affects"}
    merging.git("branch", "--quiet", "-f", "main")
    (merging.root / "current").unlink()
    merging.write("elsewhere/a.txt", "other bytes")
    (merging.root / "current").symlink_to("elsewhere")
    merging.git("checkout", "--quiet", "main~2", "--", "current")
    for answer in both_ways(merging):
        assert hits(answer) == {}  # back to what was read
