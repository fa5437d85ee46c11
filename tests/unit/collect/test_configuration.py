"""provgraph.toml: read, explained when malformed, and written for a new project."""

import re
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from provgraph.collect.configuration import (
    Configuration,
    create_configuration,
    default_toml,
    read_configuration,
)
from provgraph.collect.secrets import Rules
from provgraph.errors import ConfigError
from provgraph.model.kinds import CONFIG, DEFAULT_KINDS, DEFAULT_STREAMS, kind_of

FULL = """\
[project]
id = "abcdefgh"
[kinds]
"params/**" = "Config"
"./q/*.txt" = "Script"
"cfg/" = "Config"
[noise]
paths = ["scratch/"]
[streams]
paths = ["history.csv"]
[trace]
harmless = ["nvidia-smi"]
size_limit_mb = 10
[environment]
allow = ["EXP_*"]
[secrets]
patterns = ["acme_[a-z0-9]{32}"]
names = ["pin"]
allow = ["class_token"]
"""


def read(tmp_path: Path, text: str | bytes) -> Configuration:
    path = tmp_path / "provgraph.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_configuration(path)


def test_everything_is_read(tmp_path: Path) -> None:
    seen = read(tmp_path, FULL)
    assert seen.project.id == "abcdefgh"
    assert kind_of("params/a", produced=False, table=seen.kind_table) == CONFIG
    assert kind_of("cfg/deep/a", produced=False, table=seen.kind_table) == CONFIG
    assert kind_of("q/a.txt", produced=True, table=seen.kind_table) == "Script"
    assert seen.stream_table == ("history.csv", *DEFAULT_STREAMS)
    assert seen.noise_table == ("scratch/**",)
    assert seen.trace.harmless == ["nvidia-smi"]
    assert seen.size_limit == 10 << 20
    assert seen.environment.allow == ["EXP_*"]
    assert seen.secret_rules == Rules(("acme_[a-z0-9]{32}",), ("pin",), ("class_token",))
    with pytest.raises(FrozenInstanceError):
        seen.project = seen.project  # type: ignore[misc]


def test_only_the_id_is_needed(tmp_path: Path) -> None:
    seen = read(tmp_path, '[project]\nid = "abcdefgh"\n')
    assert seen.kind_table == DEFAULT_KINDS
    assert seen.trace.size_limit_mb == 256


def test_the_default_file_is_read_back_with_nothing_but_the_id(tmp_path: Path) -> None:
    seen = read(tmp_path, default_toml("abcdefgh"))
    assert seen == read(tmp_path, '[project]\nid = "abcdefgh"\n')


def test_every_example_in_the_default_file_is_valid(tmp_path: Path) -> None:
    lines = default_toml("abcdefgh").splitlines()
    shown = [line[2:] if re.match(r'# ([a-z_]+|"[^"]+") = ', line) else line for line in lines]
    seen = read(tmp_path, "\n".join(shown))
    assert seen.noise.paths
    assert seen.streams.paths
    assert seen.kinds
    assert seen.trace.harmless
    assert seen.environment.allow
    assert seen.secret_rules.patterns
    assert seen.network.accept[0].covers("a.internal.example:443")
    assert seen.policy.hosts == seen.network.accept
    assert seen.check.allow[0].what == "figures/old/**"
    assert seen.check.owners_of("figures/1.png") == ("@ana",)
    assert seen.check.owners_of("other") == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[project\n", ["line 1"]),
        ('[project]\nid = "abcdefgh"\n[noise]\npaths = [\n', ["line"]),
        ('[project]\nid = "abcdefgh"\nid = "b"\n', ["line 3"]),
        ("", ["project: is missing"]),
        ("[project]\n", ["line 1", "project.id: is missing"]),
        ("[project]\nid = 7\n", ["line 2", "project.id", "text in quotes"]),
        ('[project]\nid = "a b"\n', ["line 2", "project.id", "letters"]),
        (
            '[project]\nid = "abcdefgh"\n[nosie]\npaths = []\n',
            ["line 3", "nosie", "no such setting"],
        ),
        ('[project]\nid = "abcdefgh"\n[noise]\npath = []\n', ["line 4", "noise.path", "no such"]),
        ('[project]\nid = "abcdefgh"\n[noise]\npaths = "x"\n', ["line 4", "noise.paths", "list"]),
        ('[project]\nid = "abcdefgh"\n[noise]\npaths = [1]\n', ["line 4", "noise.paths.0", "text"]),
        ('noise = 1\n[project]\nid = "abcdefgh"\n', ["line 1", "noise", "section"]),
        ('[project]\nid = "abcdefgh"\n[kinds]\n"a.b" = "Konfig"\n', ["line 4", "Konfig", "Config"]),
        ('[project]\nid = "abcdefgh"\n[trace]\nsize_limit_mb = "1"\n', ["line 4", "whole number"]),
        ('[project]\nid = "abcdefgh"\n[trace]\nsize_limit_mb = -1\n', ["line 4", "size_limit_mb"]),
        ('[project]\nid = "abcdefgh"\ntrace.size_limit_mb = 1\n', ["line 3", "project.trace"]),
        (b'[project]\nid = "\xff"\n', ["line 2", "UTF-8"]),
        (
            '[project]\nid = "abcdefgh"\n[secrets]\npatterns = ["acme_.*"]\n',
            ["line 4", "secrets.patterns", "without an end"],
        ),
        (
            '[project]\nid = "abcdefgh"\n[secrets]\nnames = ["pin"]\nallow = ["pin"]\n',
            ["line 5", "secrets.allow", "«pin»"],
        ),
        ('[project]\nid = "abcdefgh"\n[secrets]\nallow = "a"\n', ["line 4", "secrets.allow"]),
        ('[project]\nid = "abcdefgh"\n[secrets]\nallowed = []\n', ["line 4", "no such setting"]),
    ],
)
def test_what_is_wrong_is_said_with_line_and_key(
    tmp_path: Path, text: str | bytes, said: list[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert str(tmp_path / "provgraph.toml") in caught.value.message
    for words in said:
        assert words in caught.value.message
    assert caught.value.hint


def test_a_near_miss_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, '[project]\nid = "abcdefgh"\n[nosie]\n')
    assert caught.value.hint == "did you mean `noise`?"
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, '[project]\nid = "abcdefgh"\n[noise]\npath = []\n')
    assert caught.value.hint == "did you mean `paths`?"


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_configuration(tmp_path / "provgraph.toml")
    assert "provgraph init" in caught.value.hint


def test_a_project_is_begun_once(tmp_path: Path) -> None:
    path = create_configuration(tmp_path)
    assert path
    first = read_configuration(path)
    assert create_configuration(tmp_path) is None
    assert read_configuration(path) == first
    (tmp_path / "other").mkdir()
    other = create_configuration(tmp_path / "other")
    assert other
    assert read_configuration(other).project.id != first.project.id
    with pytest.raises(ConfigError):
        create_configuration(tmp_path / "nowhere")
