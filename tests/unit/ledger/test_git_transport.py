from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from provgraph.errors import Erased, TransportError
from provgraph.ledger import Exchange, Ledger, locate, pull, push, seal, verify
from provgraph.ledger.gitcommand import Git
from provgraph.ledger.layout import RECORDS
from tests.unit.ledger.making import a_ledger, a_repository, a_run, git

ROOT = Path(__file__).parents[3]
REF = "refs/provgraph/ledger"


class Team:
    """A bare repository and clones of it, each with a ledger."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.bare = directory / "hub.git"
        first = a_repository(directory / "first")
        git("clone", "--quiet", "--bare", str(first), str(self.bare), cwd=directory)

    def clone(self, name: str, *options: str) -> Ledger:
        url = f"file://{self.bare}"
        git("clone", "--quiet", *options, url, name, cwd=self.directory)
        return a_ledger(locate(self.directory / name))

    def history(self) -> int:
        return int(git("rev-list", "--count", REF, cwd=self.bare))

    def blobs(self) -> set[str]:
        return set(git("ls-tree", "-r", "--name-only", REF, cwd=self.bare).split())


@pytest.fixture(autouse=True)
def _nobodys_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)


@pytest.fixture
def team(tmp_path: Path) -> Team:
    return Team(tmp_path)


def fill(ledger: Ledger, first: int, count: int = 3) -> set[str]:
    names = set()
    for number in range(first, first + count):
        private = {"agent": ledger.put_private("agent", {"user": f"eva {number}"})}
        ledger.put_object(b"source %d" % number)
        names.add(ledger.append(a_run(number, private=private)))
    return names


def test_two_clones_come_to_hold_the_same(team: Team) -> None:
    one, other = team.clone("one"), team.clone("other")
    mine, theirs = fill(one, 0), fill(other, 100)
    assert push(one, "origin") == Exchange(sent=9)
    assert push(other, "origin") == Exchange(sent=9)
    assert pull(one, "origin") == Exchange(received=9)
    assert pull(other, "origin") == Exchange(received=9)
    assert one.names() == other.names() == mine | theirs
    assert verify(one).whole
    assert verify(other).whole
    for ledger in (one, other):
        assert push(ledger, "origin") == pull(ledger, "origin") == Exchange()
    assert one.key != other.key
    assert not any("key" in path or "spool" in path for path in team.blobs())


def test_the_users_repository_is_not_touched(team: Team) -> None:
    ledger = team.clone("one")
    root = team.directory / "one"
    (root / "staged.txt").write_text("staged")
    git("add", "staged.txt", cwd=root)
    (root / "train.py").write_text("edited")
    before = state_of(root)
    for hook in ("pre-push", "reference-transaction", "post-index-change", "pre-auto-gc"):
        file = root / ".git" / "hooks" / hook
        file.write_text(f"#!/bin/sh\ntouch {team.directory}/hook-ran\n")
        file.chmod(0o755)
    fill(ledger, 0)
    push(ledger, "origin")
    pull(ledger, "origin")
    assert not (team.directory / "hook-ran").exists()
    assert state_of(root) == before
    assert git("for-each-ref", "--format=%(refname)", cwd=team.bare).split() == [
        "refs/heads/main",
        REF,
    ]


def state_of(root: Path) -> tuple[str, str, str, bytes, str]:
    return (
        git("status", "--porcelain", cwd=root),
        git("for-each-ref", cwd=root),
        git("count-objects", "-v", cwd=root),
        (root / ".git" / "index").read_bytes(),
        git("config", "--local", "--list", cwd=root),
    )


def test_a_shallow_clone_a_worktree_and_a_plain_folder_do_as_well(team: Team) -> None:
    full, shallow = team.clone("full"), team.clone("shallow", "--depth=1")
    git("worktree", "add", "--quiet", "-b", "w", "../worktree", cwd=team.directory / "full")
    worktree = a_ledger(locate(team.directory / "worktree"))
    outside = a_ledger(team.directory / "outside" / ".provgraph")
    names = fill(full, 0)
    push(worktree, "origin")
    assert pull(shallow, "origin") == Exchange(received=9)
    more = fill(shallow, 50, 1)
    assert push(shallow, "origin") == Exchange(sent=3)
    assert pull(outside, str(team.bare)) == Exchange(received=12)
    assert outside.names() == names | more


def test_where_is_looked_at(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = team.clone("one")
    fill(ledger, 0, 1)
    monkeypatch.chdir(team.directory)
    for where in ("origin", "hub.git", "./hub.git", str(team.bare), f"file://{team.bare}"):
        push(ledger, where)
    assert team.history() == 1
    with pytest.raises(TransportError, match="orgin") as caught:
        push(ledger, "orgin")
    assert "origin" in caught.value.hint
    assert not (team.directory / "orgin").exists()


def test_a_caller_inside_a_hook_misleads_nobody(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = team.clone("one")
    fill(ledger, 0, 1)
    monkeypatch.setenv("GIT_DIR", str(team.directory / "first" / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(team.directory / "index"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(team.directory / "objects"))
    push(ledger, "origin")
    assert team.history() == 1
    assert not (team.directory / "index").exists()


def test_nobody_is_named_in_the_commits(team: Team) -> None:
    ledger = team.clone("one")
    fill(ledger, 0)
    push(ledger, "origin")
    said = git("cat-file", "commit", REF, cwd=team.bare)
    assert "provgraph@localhost" in said
    assert os.uname().nodename not in said


PUSHER = """
import sys, time
from pathlib import Path
from provgraph.ledger import push
from tests.unit.ledger.making import *
ledger = a_ledger(Path(sys.argv[1]))
for number in range(3):
    ledger.append(a_run(int(sys.argv[2]) + number))
    push(ledger, "origin")
"""


def test_pushers_at_once_lose_nothing(team: Team) -> None:
    ledgers = [team.clone(f"clone{number}") for number in range(3)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PUSHER, str(ledger.place), str(number * 100)],
            cwd=ROOT, stderr=subprocess.PIPE, text=True,
        )
        # Two processes share each ledger, and so its exchange repository.
        for number, ledger in enumerate([*ledgers, *ledgers])
    ]  # fmt: skip
    for process in processes:
        _, complaint = process.communicate(timeout=300)
        assert process.returncode == 0, complaint
    fresh = team.clone("fresh")
    assert pull(fresh, "origin").received == 18
    assert verify(fresh).whole


def test_what_is_erased_is_forgotten_everywhere(team: Team) -> None:
    one, other = team.clone("one"), team.clone("other")
    name = one.put_private("agent", {"user": "eva"})
    one.append(a_run(1, private={"agent": name}))
    fill(one, 10)
    push(one, "origin")
    pull(other, "origin")
    assert other.get_private(name) == {"user": "eva"}
    one.erase([name], "asked to")
    assert push(one, "origin") == Exchange(sent=1, erased=1)
    assert f"private/{name[3:5]}/{name[3:]}" not in team.blobs()
    assert team.history() == 1  # the commits that held it are nobody's parents any more
    fill(other, 50, 1)
    assert push(other, "origin") == Exchange(sent=3)  # doesn't bring it back
    assert f"private/{name[3:5]}/{name[3:]}" not in team.blobs()
    assert pull(other, "origin") == Exchange(received=1, erased=1)
    with pytest.raises(Erased):
        other.get_private(name)
    git("gc", "--quiet", "--prune=now", cwd=team.bare)
    for place in (one.place, other.place, team.bare):
        assert not holds(place, b'{"user":"eva"}')
    pull(one, "origin")
    assert one.names() == other.names()
    assert verify(one).whole
    assert verify(other).whole


def holds(place: Path, secret: bytes) -> bool:
    """Search a directory, and every git object in it."""
    for git_directory in (place, place / "exchange.git"):
        if (git_directory / "objects").is_dir() and (git_directory / "HEAD").exists():
            objects = subprocess.run(
                ["git", f"--git-dir={git_directory}", "cat-file", "--batch-all-objects", "--batch"],
                capture_output=True, check=True,
            ).stdout  # fmt: skip
            if secret in objects:
                return True
    return any(secret in file.read_bytes() for file in place.rglob("*") if file.is_file())


def test_a_remote_that_keeps_its_history_is_said_to(team: Team) -> None:
    (team.bare / "hooks").mkdir(exist_ok=True)
    hook = team.bare / "hooks" / "update"
    kept = "git merge-base --is-ancestor $2 $3"
    hook.write_text(f"#!/bin/sh\ncase $2 in 00000000*) ;; *) {kept};; esac\n")
    hook.chmod(0o755)
    ledger = team.clone("one")
    fill(ledger, 0)
    name = ledger.put_private("agent", {"user": "eva"})
    push(ledger, "origin")
    ledger.erase([name], "")
    done = push(ledger, "origin")
    assert (done.sent, done.erased) == (1, 1)
    assert "history" in done.notes[0]
    assert team.history() == 2
    assert f"private/{name[3:5]}/{name[3:]}" not in team.blobs()


def test_a_remote_that_refuses_is_said_to(team: Team) -> None:
    (team.bare / "hooks").mkdir(exist_ok=True)
    hook = team.bare / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho only main is taken here >&2\nexit 1\n")
    hook.chmod(0o755)
    ledger = team.clone("one")
    fill(ledger, 0)
    with pytest.raises(TransportError, match="only main is taken here") as caught:
        push(ledger, "origin")
    assert "folder" in caught.value.hint


def test_what_is_not_whole_is_neither_sent_nor_kept(team: Team) -> None:
    one, other = team.clone("one"), team.clone("other")
    names = sorted(fill(one, 0))
    file = one.members.path_of(RECORDS, names[0])
    file.chmod(0o600)
    file.write_bytes(b"rot" + file.read_bytes())
    done = push(one, "origin")
    assert done.sent == 8
    assert names[0] in done.notes[0]
    forged = f"records/ff/{'f' * 64}.json"
    forge(team, {forged: b"{}", "records/../../evil": b"x", "objects/zz/x": b"x"})
    got = pull(other, "origin")
    assert got.received == 8
    assert forged in got.notes[0]
    assert other.names() == set(names[1:])
    assert verify(other).whole
    assert push(other, "origin") == Exchange()


def forge(team: Team, files: dict[str, bytes]) -> None:
    """Commit what a hostile or broken client might."""
    stream = f"commit {REF}\ncommitter x <x> 0 +0000\ndata 0\nfrom {REF}^0\n".encode()
    for path, data in files.items():
        if ".." not in path:
            stream += b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(data), data)
    subprocess.run(
        ["git", f"--git-dir={team.bare}", "fast-import", "--quiet", "--force"],
        input=stream, check=True,
    )  # fmt: skip


def test_a_whole_copy_mends_a_damaged_record(team: Team) -> None:
    one, other = team.clone("one"), team.clone("other")
    (name,) = fill(one, 0, 1)
    push(one, "origin")
    pull(other, "origin")
    file = other.members.path_of(RECORDS, name)
    file.chmod(0o600)
    file.write_bytes(b"")
    assert not verify(other).whole
    assert pull(other, "origin").received == 1
    assert verify(other).whole


def test_seals_travel(team: Team) -> None:
    one, other = team.clone("one"), team.clone("other")
    fill(one, 0)
    seal(one)
    push(one, "origin")
    pull(other, "origin")
    assert [check.state for check in verify(other).seals] == ["ok"]


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("https://127.0.0.1:1/x.git", "network"),
        ("/no/such/place/x.git", "URL"),
        ("ext::sh -c touch% evil", ""),
        ("--upload-pack=touch evil", ""),
        ("", ""),
    ],
)
def test_a_place_that_cannot_be_reached_is_said(team: Team, where: str, said: str) -> None:
    ledger = team.clone("one")
    fill(ledger, 0, 1)
    for exchange in (push, pull):
        with pytest.raises(TransportError) as caught:
            exchange(ledger, where)
        assert said in caught.value.hint
        assert caught.value.hint
    assert not Path("evil").exists()


def test_credentials_never_show(team: Team) -> None:
    ledger = team.clone("one")
    fill(ledger, 0, 1)
    with pytest.raises(TransportError) as caught:
        push(ledger, "https://eva:hunter2@127.0.0.1:1/x.git")
    assert "hunter2" not in str(caught.value) + caught.value.hint


def test_git_is_given_the_access_that_the_users_repository_holds(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = team.clone("one")
    root = team.directory / "one"
    git("config", "http.https://example.org/.extraheader", "AUTHORIZATION: x", cwd=root)
    git("config", "core.sshCommand", "ssh -i key", cwd=root)
    git("config", "alias.fetch", "!false", cwd=root)
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "credential.helper")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "store")
    given = Git(root / "x.git", access_from=ledger.place).environment()
    values = {
        given[f"GIT_CONFIG_KEY_{n}"].lower(): given[f"GIT_CONFIG_VALUE_{n}"]
        for n in range(int(given["GIT_CONFIG_COUNT"]))
    }
    assert values["http.https://example.org/.extraheader"] == "AUTHORIZATION: x"
    assert values["core.sshcommand"] == "ssh -i key"
    assert values["credential.helper"] == "store"
    assert values["core.hookspath"] == os.devnull
    assert "alias.fetch" not in values


def test_nothing_to_pull_yet_is_said(team: Team) -> None:
    with pytest.raises(TransportError, match="no ledger at origin yet") as caught:
        pull(team.clone("one"), "origin")
    assert "push" in caught.value.hint


def test_a_killed_push_leaves_the_remote_whole(team: Team) -> None:
    ledger = team.clone("one")
    fill(ledger, 0, 60)
    for wait in (0.05, 0.15, 0.3):
        process = subprocess.Popen(
            [sys.executable, "-c", PUSHER, str(ledger.place), "900"],
            cwd=ROOT, start_new_session=True, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()
    push(ledger, "origin")
    fresh = team.clone("fresh")
    pull(fresh, "origin")
    assert fresh.names() == ledger.names()
    assert verify(fresh).whole


def test_what_a_killed_git_left_locked_is_made_anew(team: Team) -> None:
    one, other = team.clone("one"), team.clone("other")
    fill(one, 0)
    push(one, "origin")
    (one.place / "exchange.running").touch()
    (one.place / "exchange.git" / "shallow.lock").touch()
    fill(one, 5)
    push(one, "origin")
    pull(other, "origin")
    assert other.names() == one.names()
    assert not (one.place / "exchange.running").exists()


def test_progress_counts_up_to_the_total(team: Team) -> None:
    one, other = team.clone("one"), team.clone("other")
    fill(one, 0)
    steps: list[tuple[int, int | None]] = []
    push(one, "origin", lambda done, total: steps.append((done, total)))
    pull(other, "origin", lambda done, total: steps.append((done, total)))
    assert steps == [(number, 9) for number in range(1, 10)] * 2
