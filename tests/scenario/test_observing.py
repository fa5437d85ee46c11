"""Configs named in provgraph.toml: which of their keys a program reads is seen as it runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from tests.scenario.shell import Project, begin

WHOLE = {"#bytes"}
A = """
lr: 0.1
unread: 1
model:
  depth: 3
  width: 4
  empty: {}
layers: [1, {a: 1, b: 2}]
"""
LOADS = {
    "yaml": "import yaml\nwith open('conf/a.yaml') as f:\n    cfg = yaml.safe_load(f)\n",
    "json": "import json\nwith open('conf/a.json') as f:\n    cfg = json.load(f)\n",
    "toml": "import tomllib\nwith open('conf/a.toml', 'rb') as f:\n    cfg = tomllib.load(f)\n",
}


def prepare(project: Project, observe: str = '["conf/"]') -> None:
    path = project.root / "provgraph.toml"
    path.write_text(path.read_text().replace("[config]\n", f"[config]\nobserve = {observe}\n"))
    project.write("conf/a.yaml", A)
    document = {"lr": 0.1, "unread": 1, "model": {"depth": 3, "width": 4, "empty": {}}}
    project.write("conf/a.json", json.dumps({**document, "layers": [1, {"a": 1, "b": 2}]}))
    project.write(
        "conf/a.toml",
        "lr = 0.1\nunread = 1\nlayers = [1, {a = 1, b = 2}]\n"
        "[model]\ndepth = 3\nwidth = 4\nempty = {}\n",
    )


def read(project: Project, body: str, *, load: str = "yaml", **how: str) -> set[str]:
    """Run a program that loads a config and goes on; give the parts that it read of it."""
    project.write("main.py", LOADS[load] + dedent(body) + "\nopen('out.txt', 'w').write('x')\n")
    project.script("main.py", **how)
    return touched(project)[f"conf/a.{load}"]


def touched(project: Project) -> dict[str, set[str]]:
    shown = project.ask("show", project.runs()[0]["id"])
    return {use["name"]: set(use["touched"]) for use in shown["uses"]}


# What a program does with its config, and what it rests on then.
KEYED = [
    ("cfg['lr']", {"lr"}),
    ("cfg.get('lr'); cfg['model']['depth']", {"lr", "model.depth"}),
    ("'lr' in cfg; cfg.get('none', 1)", {"lr", "none"}),
    ("cfg['lr'] = 2; cfg['lr']; cfg['model']['depth']", {"lr", "model.depth"}),
    ("cfg['model'].setdefault('new', 5)", {"model.new", "model"}),
    ("cfg['layers'][0]", {"layers", "#order"}),
    ("cfg['model']['empty']", {"model.empty"}),
    ("dict(cfg['model'])", {"model", "#order"}),
    ("{**cfg['model']}", {"model", "#order"}),
    ("(lambda **k: k)(**cfg['model'])", {"model", "#order"}),
    ("[*cfg['model']]", {"model", "#order"}),
    ("cfg['model'].copy()", {"model", "#order"}),
    ("cfg['model'] | {}", {"model", "#order"}),
    ("{} | cfg['model']", {"model", "#order"}),
    ("len(cfg['model'])", {"model", "#order"}),
    ("{'depth': 3} == cfg['model']", {"model", "#order"}),
    ("[{}] == [cfg['model']]", {"model", "#order"}),
    ("import json; json.dumps({'a': cfg['model']})", {"model", "#order"}),
    ("import pickle; pickle.dumps(cfg['model'])", {"model", "#order"}),
    ("import copy; copy.deepcopy(cfg['model'])", {"model", "#order"}),
    ("import copy; copy.copy(cfg['model'])", {"model", "#order"}),
    ("f\"{cfg['model']}\"", {"model", "#order"}),
    ("'%(depth)s' % cfg['model']", {"model.depth"}),
    ("'{depth}'.format_map(cfg['model'])", {"model.depth"}),
    ("'{m[depth]}'.format(m=cfg['model'])", {"model.depth"}),
    ("from operator import itemgetter; itemgetter('lr')(cfg)", {"lr"}),
    ("from types import SimpleNamespace as S; S(**cfg['model'])", {"model", "#order"}),
    ("from collections import ChainMap; ChainMap({}, cfg)['lr']", {"lr"}),
    ("from collections import OrderedDict as O; O(cfg['model'])", {"model", "#order"}),
    ("from types import MappingProxyType as M; M(cfg)['lr']", {"lr"}),
    ("class D(dict): ...\nD(cfg['model'])", {"model", "#order"}),
    ("match cfg:\n    case {'model': {'depth': d}}: print(d)", WHOLE),
    ("match cfg:\n    case {'lr': 0.1, **rest}: print(rest)", WHOLE),
    ("for key in cfg: pass", WHOLE),
    ("list(cfg.items())", WHOLE),
    ("print(cfg)", WHOLE),
    ("bool(cfg)", WHOLE),
    ("pass", WHOLE),
]
# What it may do besides, so that it rests on all of it.
MORE = [
    "f = open('conf/a.yaml'); f.read()",
    "open('conf/a.yaml', 'rb').read()",
    "open('conf/a.yaml', buffering=1).readline()",
    "import os; os.read(os.open('conf/a.yaml', os.O_RDONLY), 9)",
    "f = open('conf/a.yaml'); yaml.safe_load(f); f.seek(0); f.read()",
    "f = open('conf/a.yaml'); yaml.safe_load(f); f.buffer.seek(0)",
    "for line in open('conf/a.yaml'): pass",
    "from pathlib import Path; Path('conf/a.yaml').read_text()",
    "yaml.load(open('conf/a.yaml'), yaml.FullLoader)",
    "yaml.safe_load(open('conf/a.yaml', encoding='latin-1'))",
    "yaml.safe_load(open('conf/a.yaml').read())",
    "import subprocess; subprocess.run(['cat', 'conf/a.yaml'])",
    "class O: ...\no = O(); o.__dict__ = cfg; o.model",
    "dict.get(cfg, 'model')",
    "type('X', (), cfg)",
    "exec('model', cfg)",
    "import ctypes",
    "from xml.etree.ElementTree import Element; Element('a', {'b': 'c'})",
    "import click",
    "try: import nowhere_to_be_found\nexcept ImportError: pass",
    "import os\nif not os.fork():\n    import click\n    os._exit(0)\nos.wait()",
]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, env: Mapping[str, str]) -> dict[str, set[str]]:
    """Give what each of these programs, run one after the other, read of the config."""
    project = begin(tmp_path_factory.mktemp("observing") / "project", env)
    prepare(project)
    lines = []
    bodies = {f"keyed{n}": body for n, (body, _) in enumerate(KEYED)}
    bodies |= {f"more{n}": f"print(cfg['lr'])\n{body}" for n, body in enumerate(MORE)}
    for name, body in bodies.items():
        made = f"open('{name}.txt', 'w').write('x')\n"
        project.write(f"{name}.py", made + LOADS["yaml"] + body + "\n")
        lines.append(f"python {name}.py")
    project.write("all.sh", "\n".join([*lines, "true", ""]))
    project.provgraph("run", "--", "sh", "all.sh", code=None)
    found: dict[str, set[str]] = {}
    for run in project.runs():
        shown = project.ask("show", run["id"])
        parts = [set(use["touched"]) for use in shown["uses"] if use["name"] == "conf/a.yaml"]
        found |= {one["name"]: parts[0] for one in shown["produces"] if parts}
    return found


# -- which keys count ------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(len(KEYED)), ids=[body for body, _ in KEYED])
def test_keys_that_are_read_count(seen: dict[str, set[str]], number: int) -> None:
    found, parts = seen[f"keyed{number}.txt"], KEYED[number][1]
    # Where all of a mapping is known, keys in it may be told one by one besides.
    beside = {part for part in found if "model" in parts and part.startswith("model.")}
    assert found - beside == parts - beside


@pytest.mark.parametrize("load", LOADS)
def test_every_loader_tells(project: Project, load: str) -> None:
    prepare(project)
    body = "print(cfg['lr'], cfg.get('none'), list(cfg['model']['empty']), cfg['layers'])"
    assert read(project, body, load=load) == {"lr", "none", "model.empty", "layers", "#order"}


def test_edits_hit_by_key(project: Project) -> None:
    prepare(project)
    read(project, "print(cfg['lr'], cfg['model']['depth'], cfg['model'].get('missing'))")
    for edit in (
        A.replace("unread: 1", "unread: 2"),
        A.replace("width: 4", "width: 5"),
        A + "# a comment\n",
        A + "new: 1\n",
    ):
        project.write("conf/a.yaml", edit)
        assert project.fallen() == {}, edit
    for edit in (
        A.replace("lr: 0.1", "lr: 0.2"),
        A.replace("  depth", "  missing: 1\n  depth"),
        A.replace("lr: 0.1\n", ""),
        "model: 1\nlr: 0.1\n",
        "",
    ):
        project.write("conf/a.yaml", edit)
        assert project.fallen() == {"stale": {"out.txt"}}, edit
    (project.root / "conf/a.yaml").unlink()
    assert "out.txt" in project.fallen()["stale"]


# -- where the whole file counts -------------------------------------------------------------------


@pytest.mark.parametrize("number", range(len(MORE)), ids=MORE)
def test_whatever_may_have_seen_more_makes_the_whole_file_count(
    seen: dict[str, set[str]], number: int
) -> None:
    assert seen[f"more{number}.txt"] == WHOLE


def test_yaml_that_reads_otherwise_makes_the_whole_file_count(project: Project) -> None:
    prepare(project)
    project.write(
        "main.py",
        """
        import re, yaml
        yaml.SafeLoader.add_implicit_resolver(
            "tag:yaml.org,2002:float", re.compile(r"[0-9]+e[0-9]+"), list("0123456789")
        )
        with open("conf/a.yaml") as f:
            print(yaml.safe_load(f)["lr"])
        """,
    )
    project.script("main.py")
    assert touched(project)["conf/a.yaml"] == WHOLE


@pytest.mark.parametrize("text", ["a: &x {b: 1}\nlr: *x\n", "- lr\n", "{}\n", "1: 2\nlr: 1\n"])
def test_a_config_that_has_no_sure_keys_counts_as_a_whole(project: Project, text: str) -> None:
    prepare(project)
    project.write("conf/a.yaml", text)
    assert read(project, "cfg['lr'] if isinstance(cfg, dict) and 'lr' in cfg else 0") == WHOLE


def test_a_config_that_the_run_rewrites_counts_as_a_whole_as_it_was(project: Project) -> None:
    prepare(project)
    body = "a = cfg['lr']\nopen('conf/a.yaml', 'w').write('lr: 9\\n')\nprint(cfg['unread'])"
    assert read(project, body) == WHOLE


def test_code_typed_at_the_command_line_is_not_read_so_the_whole_file_counts(
    project: Project,
) -> None:
    prepare(project)
    code = "import yaml; print(yaml.safe_load(open('conf/a.yaml'))['lr'], file=open('o.txt', 'w'))"
    project.run("python", "-c", code)
    assert touched(project)["conf/a.yaml"] == WHOLE


def test_a_file_that_is_not_named_counts_as_a_whole(project: Project) -> None:
    prepare(project, observe='["conf/*.json", "other/**"]')
    assert read(project, "print(cfg['lr'], type(cfg) is dict)") == WHOLE


def test_globs_that_name_no_config_name_none(project: Project) -> None:
    prepare(project, observe='["../conf/*", "", "/conf/b.yaml", "main.py"]')
    assert read(project, "print(cfg['lr'])") == WHOLE


def test_a_module_and_a_forked_child_of_the_project_are_followed(project: Project) -> None:
    prepare(project)
    project.write("settings.py", LOADS["yaml"])
    project.write("lib/__init__.py", "from settings import cfg\ndepth = cfg['model']['depth']\n")
    project.write(
        "main.py",
        """
        import os
        import lib
        from settings import cfg
        if not os.fork():
            print(cfg["lr"])
            os._exit(0)
        os.wait()
        """,
    )
    project.script("main.py")
    assert touched(project)["conf/a.yaml"] == {"model.depth", "lr"}


# -- the program -----------------------------------------------------------------------------------


def test_the_program_behaves_as_without(project: Project, tmp_path: Path) -> None:
    prepare(project)
    project.write(
        "main.py",
        """
        import copy, io, json, pickle, pprint, sys, tomllib, traceback, warnings
        from pathlib import Path
        import yaml

        warnings.simplefilter("always")
        print(open is io.open, open.__name__, repr(open))
        for text in (open("conf/a.yaml"), Path("conf/a.yaml").open(), open("conf/a.json", "rb")):
            with text as f:
                print(repr(f), f.mode, f.name, getattr(f, "encoding", 0), type(f).__name__)
                print(isinstance(f, io.IOBase), f.readable(), f.writable(), f.closed)
                print(f.read(5), f.tell(), f.readline(), next(f, ""), f.seek(0), f.readlines())
            print(f.closed)
        cfg = yaml.safe_load(open("conf/a.yaml", encoding="utf-8"))
        print(cfg, isinstance(cfg, dict), type(cfg).__name__, type(cfg["model"]))
        print(json.dumps(cfg), json.dumps(cfg, indent=1, sort_keys=True))
        print(yaml.safe_dump(cfg), yaml.dump(cfg))
        print(yaml.dump(cfg, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper)))
        print(type(pickle.loads(pickle.dumps(cfg))) is dict, type(copy.deepcopy(cfg)) is dict)
        print(pickle.loads(pickle.dumps(cfg)) == cfg == copy.copy(cfg) == dict(cfg), cfg | {"a": 1})
        print(copy.copy(cfg)["model"] is cfg["model"], cfg.pop("unread"), cfg.popitem(), len(cfg))
        cfg.update(a=1); cfg |= {"b": 2}; del cfg["a"]; cfg["c"] = 3
        print(list(cfg), sorted(cfg), cfg.get("x"), cfg.setdefault("y", 1), list(reversed(cfg)))
        for wrong in (
            lambda: cfg["nowhere"],
            lambda: cfg[[]],
            lambda: hash(cfg),
            lambda: cfg.nothing,
            lambda: open("conf/a.yaml", encoding="no such"),
            lambda: open("conf/a.yaml", "rb", encoding="utf-8"),
            lambda: open("conf/none.yaml"),
            lambda: open("conf/a.yaml", "q"),
            lambda: json.load(open("conf/a.yaml")),
            lambda: yaml.safe_load(open("conf/a.yaml"), 1),
            lambda: tomllib.load(open("conf/a.toml")),
        ):
            try:
                wrong()
            except Exception as error:
                print(type(error), error)
                print([f.name for f in traceback.extract_tb(error.__traceback__)])
        print(json.load.__module__, json.load.__qualname__)
        """,
    )
    plain = project.call("python", "-X", "dev", "main.py")
    said = project.run("python", "-X", "dev", "main.py")
    assert plain.code == 0, plain.told
    assert (said.code, said.text, said.told) == (plain.code, plain.text, plain.told)
