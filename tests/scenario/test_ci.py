"""What is ready to copy for CI, carried out as far as a machine without a code host can."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.scenario.shell import ROOT, Project

CI = ROOT / "examples" / "ci"

# Stands in for the host's own tool: keeps one comment, and a log of what it was asked.
GH = """\
#!/usr/bin/env python3
import json, pathlib, sys
words, here = sys.argv[1:], pathlib.Path(__file__).parent
with open(here / "gh.log", "a") as log:
    log.write(json.dumps(words) + "\\n")
kept = here / "comment.md"
if "--method" not in words:
    mark = words[-1].split('startswith("')[1].split('")')[0]
    author = words[-1].split('login == "')[1].split('")')[0]
    comments = [(16, "grace", mark)]  # quotes one of ours
    if kept.exists():
        comments += [(17, "github-actions[bot]", kept.read_text()), (18, "ada", "+1")]
    for number, login, body in comments:
        if login == author and body.startswith(mark):
            print(number)
elif (here / "forbidden").exists():
    sys.exit(1)
else:
    kept.write_text(pathlib.Path(words[-1].split("=@")[1]).read_text())
"""
CURL = """\
#!/usr/bin/env python3
import json, pathlib, sys
words, here = sys.argv[1:], pathlib.Path(__file__).parent
with open(here / "curl.log", "a") as log:
    log.write(json.dumps(words) + "\\n")
kept = here / "note.md"
if "--request" not in words:
    print(json.dumps([{"id": 5, "body": kept.read_text()}] if kept.exists() else []))
else:
    kept.write_text(pathlib.Path("provgraph.md").read_text())
"""


@pytest.fixture
def cloned(project: Project, tmp_path: Path) -> Project:
    """Give a clone of a branch that fells a published result, and a ledger on its remote."""
    project.write("a.txt", "1")
    project.write("make.py", "open('out.txt', 'w').write(open('a.txt').read())")
    project.write(".gitignore", "out.txt\nprovgraph.md\n")
    project.git("add", "-A")
    project.git("commit", "--quiet", "-m", "one")
    project.script("make.py")
    project.provgraph("pin", "out.txt", "--as", "published")
    origin = str(tmp_path / "origin.git")
    project.git("init", "--quiet", "--bare", "--initial-branch=main", origin)
    project.git("remote", "add", "origin", origin)
    project.git("checkout", "--quiet", "-b", "topic")
    project.write("a.txt", "2")
    project.git("commit", "--quiet", "-a", "-m", "two")
    project.git("push", "--quiet", "origin", "main", "topic")
    project.provgraph("push", "origin")
    project.git("clone", "--quiet", "-b", "topic", origin, str(tmp_path / "clone"))
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, text in (("gh", GH), ("curl", CURL)):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    return Project(
        tmp_path / "clone",
        project.with_env(
            PATH=f"{tools}:{project.env['PATH']}",
            RUNNER_TEMP=str(tmp_path),
            GITHUB_OUTPUT=str(tmp_path / "output"),
            GITHUB_STEP_SUMMARY=str(tmp_path / "summary.md"),
            GITHUB_REPOSITORY="ada/penguins",
            GITHUB_ACTION_PATH=str(CI / "github"),
            GITHUB_BASE_REF="main",
        ).env,
    )


def carried_out(project: Project, action: Mapping[str, Any]) -> list[int]:
    """Carry out the steps of a composite action as the runner would; give how each ended."""
    codes = []
    for step in action["runs"]["steps"]:
        if "uses" in step:
            continue
        outputs = Path(project.env["GITHUB_OUTPUT"])
        status = re.findall(r"status=(\d+)", outputs.read_text()) if outputs.exists() else [""]
        values = {
            "inputs.project": ".",
            "inputs.base": "",
            "inputs.ledger": "origin",
            "github.token": "secret",
            "github.event.pull_request.number": "3",
            "steps.check.outputs.status": status[-1],
        }
        env = {name: _filled(text, values) for name, text in step.get("env", {}).items()}
        said = project.call(
            "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"], env=env
        )
        codes.append(said.code)
        assert step["name"] == "gate" or said.code == 0, said.told
    return codes


def _filled(text: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\$\{\{ (.*?) \}\}", lambda match: values[match[1]], text)


def test_the_action_comments_once_and_stops_the_merge(cloned: Project, tmp_path: Path) -> None:
    action = yaml.safe_load((CI / "github" / "action.yml").read_text())
    assert carried_out(cloned, action)[-1] == 1
    assert carried_out(cloned, action)[-1] == 1
    calls = [json.loads(line) for line in (tmp_path / "tools" / "gh.log").read_text().splitlines()]
    assert [call[2] for call in calls if "--method" in call] == ["POST", "PATCH"]
    assert calls[-1][3] == "repos/ada/penguins/issues/comments/17"
    comment = (tmp_path / "tools" / "comment.md").read_text()
    assert comment.startswith("<!-- provgraph check -->")
    assert "out.txt" in comment
    assert "out.txt" in (tmp_path / "summary.md").read_text()
    sarif = json.loads((tmp_path / "provgraph.sarif").read_text())
    assert sarif["runs"][0]["results"][0]["level"] == "error"
    assert f"sarif={tmp_path}/provgraph.sarif\n" in (tmp_path / "output").read_text()
    names = [step["name"] for step in action["runs"]["steps"]]
    assert names.index("check") < names.index("sarif") < names.index("gate")


def test_a_token_that_may_not_comment_stops_nothing(cloned: Project, tmp_path: Path) -> None:
    (tmp_path / "tools" / "forbidden").touch()
    action = yaml.safe_load((CI / "github" / "action.yml").read_text())
    assert carried_out(cloned, action)[-1] == 1
    assert not (tmp_path / "tools" / "comment.md").exists()
    (tmp_path / "tools" / "comment.md").write_text("<!-- provgraph check -->\nformer")
    assert carried_out(cloned, action)[-1] == 1
    assert (tmp_path / "tools" / "comment.md").read_text().endswith("former")


def test_the_workflow_and_its_bundle(cloned: Project, tmp_path: Path) -> None:
    workflow = yaml.safe_load((CI / "github" / "workflow.yml").read_text())
    assert workflow["jobs"]["check"]["steps"][0]["with"]["fetch-depth"] == 0
    [bundle] = [s for s in workflow["jobs"]["bundle"]["steps"] if s.get("name") == "bundle"]
    lines = [line for line in bundle["run"].splitlines() if "pip install" not in line]
    assert cloned.call("bash", "-ec", "\n".join(lines)).code == 0
    # Somebody without access to the ledger's ref takes the bundle.
    fork = Project(tmp_path / "fork", cloned.env)
    cloned.git("clone", "--quiet", str(tmp_path / "origin.git"), str(fork.root))
    fork.git("checkout", "--quiet", "topic")
    fork.provgraph("pull", str(tmp_path / "ledger"))
    fork.provgraph("check", "--base", "origin/main", code=1)


def test_the_gitlab_job_writes_its_note_once(cloned: Project, tmp_path: Path) -> None:
    job = yaml.safe_load((CI / "gitlab" / "provgraph.gitlab-ci.yml").read_text())["provgraph"]
    env = {
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
        "GITHUB_BASE_REF": None,
        "PROVGRAPH_TOKEN": "t",
        "CI_API_V4_URL": "https://gitlab.invalid/api/v4",
        "CI_PROJECT_ID": "1",
        "CI_MERGE_REQUEST_IID": "2",
    }
    for _ in range(2):
        said = cloned.call("bash", "-eo", "pipefail", "-c", "\n".join(job["script"]), env=env)
        assert said.code == 1, said.told
    log = (tmp_path / "tools" / "curl.log").read_text().splitlines()
    asked = [json.loads(line) for line in log]
    assert [call[call.index("--request") + 1] for call in asked if "--request" in call] == [
        "POST",
        "PUT",
    ]
    issues = json.loads(cloned.read("gl-code-quality-report.json"))
    assert issues[0]["location"]["path"] == "a.txt"
    assert job["artifacts"]["reports"]["codequality"] == "gl-code-quality-report.json"


def test_hooks_for_the_pre_commit_framework_are_commands_that_there_are(cloned: Project) -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert {hook["stages"][0] for hook in hooks} == {"pre-commit", "pre-push"}
    cloned.provgraph("pull", "origin")
    for hook in hooks:
        said = cloned.call("sh", "-c", hook["entry"])
        assert said.code == (1 if "--head" in hook["entry"] else 0), said.told
