"""What a run took of the system counts: packages by their versions, devices, variables."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from provgraph.collect.tracing.preload.build import library
from tests.scenario.shell import Project, begin
from tests.support.dpkg import Dpkg
from tests.support.required import missing


def real(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        missing("native", f"there is no {program}")
    return os.path.realpath(found)


@pytest.fixture(autouse=True)
def _native() -> None:
    if why := library().why:
        missing("native", f"there is no native library: {why}")


@pytest.fixture
def dpkg(tmp_path: Path) -> Dpkg:
    """Give a database in which the programs and libraries of these stories are."""
    made = Dpkg(tmp_path / "dpkg")
    made.install("coreutils", "9.1-1", [real("sort"), real("cat")])
    made.install("dash", "0.5-1", [real("sh")])
    made.install("never-touched", "1.0-1", ["/usr/bin/never-touched"])
    found = subprocess.run(["ldd", real("sort")], capture_output=True, text=True, check=True)
    libraries = [word for word in found.stdout.split() if word.startswith("/")]
    libc = [one for one in libraries if "/libc.so" in one or "/ld-linux" in one]
    made.install("libc6", "2.36-9", [os.path.realpath(one) for one in libc])
    return made


@pytest.fixture
def project(tmp_path: Path, env: Mapping[str, str], dpkg: Dpkg) -> Project:
    made = begin(tmp_path / "project", {**env, **dpkg.env})
    made.write("in.txt", "b\na\n")
    return made


def affected(project: Project, *asked: str) -> set[str]:
    answer = project.provgraph("impact", *asked, "--format", "json", code=None).json
    assert [gap for gap in answer["gaps"] if gap["grade"] == "blocking"] == [], answer["gaps"]
    return {hit["name"] for hit in answer["affected"]}


def stale(project: Project, *options: str) -> set[str]:
    answer = project.provgraph("status", *options, "--format", "json", code=None).json
    return {row["name"] for state in ("stale", "behind", "missing") for row in answer[state]}


def test_an_upgraded_package_makes_stale_what_its_program_made(
    project: Project, dpkg: Dpkg
) -> None:
    project.run("sh", "-c", "sort in.txt > out.txt")
    assert stale(project) == set()
    dpkg.install("never-touched", "2.0-1")
    assert stale(project) == set()
    dpkg.install("coreutils", "9.2-1")
    assert stale(project) == {"out.txt"}
    project.run("sh", "-c", "sort in.txt > out.txt")
    assert stale(project) == set()
    dpkg.remove("coreutils")
    assert stale(project) == {"out.txt"}


def test_impact_names_packages_as_owners(project: Project) -> None:
    project.run("sort", "-o", "out.txt", "in.txt")
    said = project.provgraph("impact", "env:deb:coreutils").text
    assert "out.txt" in said
    assert "deb:coreutils" in said
    assert affected(project, "--if", "env:deb:coreutils=9.2-1") == {"out.txt"}
    assert affected(project, "--if", "env:deb:coreutils=9.1-1") == set()
    told = project.provgraph("impact", "env:deb:never-touched", code=2).told
    assert "no recorded run touched env:deb:never-touched" in told


def test_the_c_library_is_of_the_platforms_tier(project: Project, dpkg: Dpkg) -> None:
    project.run("sort", "-o", "out.txt", "in.txt")
    assert affected(project, "env:deb:libc6") == {"out.txt"}
    dpkg.install("libc6", "2.37-1")
    assert stale(project) == set()
    assert stale(project, "--platform") == {"out.txt"}


LIBRARY = "int answer(void) { return 42; }\n"
LOADS = """\
#include <dlfcn.h>
#include <stdio.h>
int main(void) {
    int (*answer)(void) = (int (*)(void))dlsym(dlopen("%s", RTLD_NOW), "outer");
    FILE *out = fopen("out.txt", "w");
    fprintf(out, "%%d\\n", answer());
    fclose(out);
    return 0;
}
"""


def compiled(project: Project, name: str, source: str, *options: str) -> Path:
    real("gcc")
    project.write(f"{name}.c", source)
    made = project.root.parent / "built" / name
    made.parent.mkdir(exist_ok=True)
    subprocess.run(["gcc", "-o", made, project.root / f"{name}.c", *options], check=True)
    (project.root / f"{name}.c").unlink()
    return made


def test_what_a_loaded_library_loads_itself_counts(project: Project) -> None:
    inner = compiled(project, "libinner.so", LIBRARY, "-shared", "-fPIC")
    outer = compiled(
        project,
        "libouter.so",
        "int answer(void); int outer(void) { return answer(); }\n",
        *("-shared", "-fPIC", str(inner), f"-Wl,-rpath,{inner.parent}"),
    )
    program = compiled(project, "program", LOADS % outer, "-ldl")
    project.run(str(program))
    assert stale(project) == set()
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-x", "c", "-", "-o", inner],
        input=LIBRARY.replace("42", "43").encode(),
        check=True,
    )
    assert stale(project) == {"out.txt"}


def test_a_library_of_a_package_counts_though_another_one_loaded_it(
    project: Project, dpkg: Dpkg
) -> None:
    """The program loads libpython or libexpat by name alone, as R loads its BLAS."""
    source = LOADS.replace(
        'dlsym(dlopen("%s", RTLD_NOW), "outer")', 'dlopen("libz.so.1", RTLD_NOW)'
    )
    found = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=False)
    lines = [one for one in found.stdout.splitlines() if one.strip().startswith("libz.so.1 ")]
    if not lines:
        missing("native", "there is no libz")
    source = source.replace("int (*answer)(void) = (int (*)(void))", "void *answer = ")
    source = source.replace("answer()", "answer != 0")
    program = compiled(project, "program", source.replace("%%", "%"), "-ldl")
    dpkg.install("zlib1g", "1.2-1", [os.path.realpath(lines[0].rpartition(" ")[2])])
    project.run(str(program))
    assert affected(project, "env:deb:zlib1g") == {"out.txt"}
    dpkg.install("zlib1g", "1.3-1")
    assert stale(project) == {"out.txt"}


def test_a_step_rests_on_its_own_programs_packages_alone(project: Project, dpkg: Dpkg) -> None:
    dpkg.install("mawk", "1.3-1", [real("awk")])
    project.write("all.sh", "sort in.txt > sorted.txt\nawk 1 in.txt > copied.txt\n")
    project.run("sh", "all.sh")
    assert affected(project, "env:deb:mawk") == {"copied.txt"}
    assert affected(project, "env:deb:dash") == {"copied.txt", "sorted.txt"}


def test_what_is_harmless_counts_for_nothing(project: Project, dpkg: Dpkg) -> None:
    dpkg.install("whoami", "1", [real("whoami")])
    project.write("all.sh", "whoami > /dev/null\nsort in.txt > sorted.txt\n")
    project.run("sh", "all.sh")
    project.provgraph("impact", "env:deb:whoami", code=2)


def test_a_file_of_the_system_that_nobody_owns_is_an_input(project: Project, dpkg: Dpkg) -> None:
    owned = "/usr/share/common-licenses/GPL-3"
    if not os.path.exists(owned):
        missing("native", f"there is no {owned}")
    project.run("sort", "-o", "a.txt", owned)
    assert affected(project, owned) == {"a.txt"}
    dpkg.install("base-files", "12.4", [os.path.realpath(owned)])
    project.run("sort", "-o", "b.txt", owned)
    assert affected(project, "env:deb:base-files") == {"b.txt"}
    assert affected(project, owned) == {"a.txt"}


def test_variables_that_native_programs_read(project: Project) -> None:
    program = compiled(
        project,
        "program",
        "#include <stdio.h>\n#include <stdlib.h>\n"
        'int main(void) { fclose(fopen(getenv("MODE") ? "yes" : "out.txt", "w")); }\n',
    )
    project.run(str(program))
    project.run("sort", "-o", "sorted.txt", "in.txt")
    assert affected(project, "env:$MODE") == {"out.txt"}
    assert affected(project, "env:$LC_COLLATE") == {"sorted.txt"}
    project.provgraph("impact", "env:$OTHER", code=2)
    project.run("sh", "-c", "cat in.txt > shell.txt")
    assert affected(project, "env:$MODE") == {"out.txt", "shell.txt"}
    assert stale(project) == set()


def test_a_variable_is_read_before_a_librarys_program_begins(project: Project) -> None:
    early = compiled(
        project,
        "libearly.so",
        "#include <stdlib.h>\nint threads;\n"
        "__attribute__((constructor)) static void begin(void) "
        '{ threads = getenv("THREADS") != 0; }\n',
        *("-shared", "-fPIC"),
    )
    program = compiled(
        project,
        "program",
        "#include <stdio.h>\nextern int threads;\n"
        'int main(void) { return threads + fclose(fopen("out.txt", "w")); }\n',
        *(str(early), f"-Wl,-rpath,{early.parent}"),
    )
    project.run(str(program))
    assert affected(project, "env:$THREADS") == {"out.txt"}


OPENS = """\
#include <fcntl.h>
#include <stdio.h>
int main(void) {
    open("%s", O_RDONLY);
    return fclose(fopen("%s", "w"));
}
"""


def test_a_device_counts_for_those_that_opened_it(project: Project) -> None:
    reader = compiled(project, "reader", OPENS % ("/dev/video99", "seen.txt"))
    project.run(str(reader))
    project.run("sort", "-o", "out.txt", "in.txt")
    assert affected(project, "hardware:video99") == {"seen.txt"}
    assert affected(project, "hardware:cpu") == {"out.txt", "seen.txt"}


def test_a_module_of_node_counts_by_its_version(project: Project) -> None:
    real("node")
    project.write("node_modules/pad/package.json", '{"name": "pad", "version": "1.0.0"}')
    project.write("node_modules/pad/index.js", "module.exports = 1\n")
    project.write("node_modules/other/package.json", '{"name": "other", "version": "1.0.0"}')
    for name in ("pad/package.json", "pad/index.js"):
        os.utime(project.root / "node_modules" / name, (5e8, 5e8))
    project.write("a.js", "require('fs').writeFileSync('out.txt', String(require('pad')))\n")
    project.run("node", "a.js")
    assert affected(project, "env:node:pad") == {"out.txt"}
    assert stale(project) == set()
    project.write("node_modules/other/package.json", '{"name": "other", "version": "2.0.0"}')
    assert stale(project) == set()
    project.write("node_modules/pad/package.json", '{"name": "pad", "version": "1.0.1"}')
    assert stale(project) == {"out.txt"}


def test_a_run_whose_system_nobody_saw_is_a_gap_where_it_is_asked_about(project: Project) -> None:
    project.run("sort", "-o", "out.txt", "in.txt")
    project.write(
        "block.py",
        """\
        import provgraph

        with provgraph.run("block"):
            open("block.txt", "w").write(open("in.txt").read())
        """,
    )
    assert project.call("python", "block.py").code == 0
    answer = project.provgraph("impact", "env:deb:coreutils", "--format", "json").json
    assert {hit["name"] for hit in answer["affected"]} == {"out.txt"}
    unseen = [gap for gap in answer["gaps"] if gap["reason"] == "unversioned"]
    assert [(gap["grade"], gap["subject"]) for gap in unseen] == [("blocking", "block")]
    answer = project.provgraph("impact", "in.txt", "--format", "json").json
    assert "unversioned" not in {gap["reason"] for gap in answer["gaps"]}


def test_a_static_program_under_strace_rests_on_the_packages_that_it_reads(
    project: Project, dpkg: Dpkg
) -> None:
    real("strace")
    data = "/usr/share/common-licenses/GPL-3"
    if not os.path.exists(data):
        missing("native", f"there is no {data}")
    dpkg.install("base-files", "12.4", [os.path.realpath(data)])
    program = compiled(project, "static", OPENS % (data, "out.txt"), "-static")
    project.run(str(program))
    assert affected(project, "env:deb:base-files") == {"out.txt"}
    assert affected(project, "env:$ANYTHING") == {"out.txt"}


def test_a_run_behind_another_one_rests_on_what_that_ran(project: Project, dpkg: Dpkg) -> None:
    project.write("all.sh", "provgraph run -- sort -o out.txt in.txt\n")
    project.run("sh", "all.sh")
    assert affected(project, "env:deb:coreutils") == {"out.txt"}
    assert affected(project, "env:deb:dash") == {"out.txt"}
    dpkg.install("coreutils", "9.2-1")
    assert stale(project) >= {"out.txt"}


def test_a_redo_says_which_packages_are_others_here(project: Project, dpkg: Dpkg) -> None:
    project.run("sort", "-o", "out.txt", "in.txt")
    dpkg.install("coreutils", "9.2-1")
    said = project.provgraph("redo", "--dry-run", code=None)
    assert "deb:coreutils was 9.1-1 and is 9.2-1 here" in said.text + said.told
