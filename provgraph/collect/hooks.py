"""Git hooks that run the merge check: written beside what was there, and taken away again."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

from provgraph.collect.gitstate import ask_git, find_repository
from provgraph.errors import CannotAnswer, UsageError
from provgraph.model.answers import Report

HOOKS = ("pre-commit", "pre-push")
# What was there before goes by this name, and is run first.
BEFORE = ".before-provgraph"
MARK = "# provgraph hook 1"

_HEAD = """\
#!/bin/sh
{mark}: {what}.
# `provgraph hook uninstall` takes it away; PROVGRAPH_SKIP=1 or --no-verify passes it by once.
# projects: {projects}
before="$(dirname "$0")/{name}{suffix}"
"""

_TOOL = """\
if [ -n "${{PROVGRAPH_SKIP:-}}" ]; then exit 0; fi
# -P: a folder of the work tree that is called provgraph isn't us.
if [ -x {python} ] && {python} -P -c 'import provgraph' 2>/dev/null; then
    provgraph() {{ {python} -P -m provgraph "$@"; }}
elif ! command -v provgraph >/dev/null; then
    echo 'provgraph: not found, so this is not checked' >&2
    exit 0
fi
# Only a gate that fails stops what is under way; where there is no answer, that is said.
ask() {{
    provgraph "$@" >&2 </dev/null
    if [ $? -eq 1 ]; then failed=1; fi
}}
failed=0
"""

_PRE_COMMIT = """\
if [ -x "$before" ]; then "$before" "$@" || exit $?; fi
{tool}for project in {each}; do
    ask -C "$project" check --base HEAD
done
exit $failed
"""

_PRE_PUSH = """\
lines=$(cat)
if [ -x "$before" ]; then printf '%s\\n' "$lines" | "$before" "$@" || exit $?; fi
{tool}while read -r _ local _ remote; do
    case "$local" in *[!0]*) ;; *) continue ;; esac  # a branch that is deleted, or no line
    base=""
    case "$remote" in
        *[!0]*) if git cat-file -e "$remote" 2>/dev/null; then base=$remote; fi ;;
    esac
    for project in {each}; do
        if [ -n "$base" ]; then
            ask -C "$project" check --base "$base" --head "$local"
        else
            ask -C "$project" check --head "$local"
        fi
    done
done <<END
$lines
END
exit $failed
"""

_WHAT = {
    "pre-commit": "asks before a commit whether it fells a pinned or published result",
    "pre-push": "asks before a push whether it fells a pinned or published result",
}


def install(root: Path, names: Sequence[str]) -> Report:
    """Write these hooks; one that is there is kept and run first. Twice is once."""
    folder, project = _place(root)
    words = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in _known(names):
            hook, before = folder / name, folder / f"{name}{BEFORE}"
            projects = [project]
            if _is_ours(hook):
                projects = list(dict.fromkeys([*_projects(hook), project]))
            elif os.path.lexists(hook):
                if os.path.lexists(before):
                    raise UsageError(
                        f"{before} is there already, and {hook} isn't provgraph's",
                        hint="move one of them away first",
                    )
                os.rename(hook, before)
                words.append(f"kept {name} as {before.name}; it is run first")
            _write(hook, _text(name, projects))
            words.append(f"{hook} checks {'each commit' if name == HOOKS[0] else 'each push'}")
    except OSError as error:
        raise CannotAnswer(f"{folder} can't be written: {error.strerror or error}") from error
    return Report("hook install", True, tuple(words), {"folder": os.fspath(folder)})


def uninstall(root: Path, names: Sequence[str]) -> Report:
    """Take this project out of the hooks; where it was the last, put back what was there before."""
    folder, project = _place(root)
    words = []
    for name in _known(names):
        hook, before = folder / name, folder / f"{name}{BEFORE}"
        if not _is_ours(hook):
            words.append(f"{name}: there is no hook of provgraph's")
            continue
        rest = [one for one in _projects(hook) if one != project]
        if rest:
            _write(hook, _text(name, rest))
            words.append(f"{name}: goes on for {', '.join(rest)}")
        elif os.path.lexists(before):
            os.replace(before, hook)
            words.append(f"{name}: put back as it was")
        else:
            hook.unlink()
            words.append(f"{name}: taken away")
    return Report("hook uninstall", True, tuple(words), {"folder": os.fspath(folder)})


def state(root: Path) -> Report:
    """Say which hooks check this project."""
    folder, project = _place(root)
    words = []
    there = {}
    for name in HOOKS:
        hook = folder / name
        ours = _is_ours(hook) and project in _projects(hook)
        there[name] = ours
        other = "there, and not provgraph's" if os.path.lexists(hook) else "not there"
        words.append(f"{name}: {'checks this project' if ours else other}")
    return Report("hook status", True, tuple(words), {"folder": os.fspath(folder), **there})


def _known(names: Sequence[str]) -> Sequence[str]:
    for name in names:
        if name not in HOOKS:
            raise UsageError(f"there is no hook {name}", hint=f"hooks are {', '.join(HOOKS)}")
    return names or HOOKS


def _place(root: Path) -> tuple[Path, str]:
    """Give git's folder for hooks, and the project as it is seen from the work tree's top."""
    repository = find_repository(root.resolve())
    if repository is None:
        raise CannotAnswer("this project is not in a git repository", hint="git init")
    said = ask_git(root, "rev-parse", "--git-path", "hooks")
    path = os.fsdecode(said.out.rstrip(b"\n")) or "hooks"
    return Path(root, path), os.path.relpath(root.resolve(), repository.top)


def _text(name: str, projects: Sequence[str]) -> str:
    head = _HEAD.format(
        mark=MARK, what=_WHAT[name], projects=json.dumps(projects), name=name, suffix=BEFORE
    )
    tool = _TOOL.format(python=shlex.quote(sys.executable))
    body = _PRE_COMMIT if name == "pre-commit" else _PRE_PUSH
    return head + body.format(tool=tool, each=shlex.join(projects))


def _is_ours(hook: Path) -> bool:
    with contextlib.suppress(OSError):
        return MARK in hook.read_text("utf-8", "replace").partition("\n")[2].partition("\n")[0]
    return False


def _projects(hook: Path) -> list[str]:
    for line in hook.read_text("utf-8", "replace").splitlines()[:6]:
        if line.startswith("# projects: "):
            with contextlib.suppress(ValueError):
                found = json.loads(line.removeprefix("# projects: "))
                return [one for one in found if isinstance(one, str)]
    return []


def _write(hook: Path, text: str) -> None:
    """Put a hook there at once, so that git never runs half of one."""
    temporary = hook.with_name(f".{hook.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.chmod(stat.S_IMODE(temporary.stat().st_mode) | 0o111)
    os.replace(temporary, hook)
