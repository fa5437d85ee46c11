"""What programs that aren't Python touch is seen, and what couldn't be watched is said."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from provgraph.model.digests import content_digest
from tests.support.required import missing

from .conftest import Watch

pytestmark = pytest.mark.parametrize("watch", ["preload"], indirect=True)


def needs(program: str) -> None:
    if shutil.which(program) is None:
        missing("native", f"there is no {program}")


def compiled(watch: Watch, source: str, *options: str) -> str:
    needs("gcc")
    watch.write("p.c", "#define _GNU_SOURCE\n" + source)
    subprocess.run(["gcc", "-w", "-o", "p", "p.c", *options], cwd=watch.project, check=True)
    (watch.project / "p.c").unlink()
    return "./p"


HEAD = (
    "#include <dirent.h>\n#include <errno.h>\n#include <fcntl.h>\n#include <fts.h>\n"
    "#include <ftw.h>\n#include <glob.h>\n#include <pthread.h>\n#include <signal.h>\n"
    "#include <spawn.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"
    "#include <sys/stat.h>\n#include <sys/wait.h>\n#include <unistd.h>\n"
    "extern char **environ;\n"
)


def c(watch: Watch, body: str, *options: str) -> str:
    return compiled(watch, HEAD + "int main(int argc, char **argv) {" + body + "}", *options)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("cp in.csv out.csv", {("read", "in.csv"), ("write", "out.csv")}),
        ("cat < in.csv > out.csv", {("read", "in.csv"), ("write", "out.csv")}),
        ("cat in.csv | sort | uniq >> out.csv", {("read", "in.csv"), ("append", "out.csv")}),
        ("mv in.csv out.csv", {("rename", "in.csv", "out.csv")}),
        ("rm in.csv", {("remove", "in.csv")}),
        ("ln in.csv out.csv", {("read", "in.csv"), ("write", "out.csv")}),
        ("ln -s in.csv out.csv", {("write", "out.csv")}),
        ("ls d", {("list", "d")}),
        ("echo d/*", {("list", "d")}),
        ("find d -name x", {("list", "d")}),
        ("test -f no", {("absent", "no")}),
        ("cat no", {("absent", "no")}),
        ("test -f in.csv", {("exists", "in.csv")}),
        ("cd d && cat x ../in.csv", {("read", "d/x"), ("read", "in.csv")}),
        ("sed -i s/1/2/ in.csv", {("read", "in.csv")}),
        ("sort -o in.csv in.csv", {("read", "in.csv"), ("update", "in.csv")}),
        ("truncate -s 1 in.csv", {("update", "in.csv")}),
        ("dd if=in.csv of=out.csv status=none", {("read", "in.csv"), ("write", "out.csv")}),
        ("tar cf out.tar in.csv d", {("read", "in.csv"), ("read", "d/x"), ("write", "out.tar")}),
        ("awk 1 in.csv > out.csv", {("read", "in.csv"), ("write", "out.csv")}),
        ("env -i cat in.csv", {("read", "in.csv")}),
        ("perl -e 'system(q(cat in.csv))'", {("read", "in.csv")}),
        ("perl -e 'open F, q(cat in.csv |); print <F>'", {("read", "in.csv")}),
        ("(cat in.csv &) ; wait; sleep 0.2", {("read", "in.csv")}),
    ],
)
def test_a_shells_programs_are_seen(
    watch: Watch, command: str, expected: set[tuple[str, ...]]
) -> None:
    watch.write("in.csv", "1\n")
    watch.write("d/x", "1\n")
    bare = watch.bare("sh", "-c", f"cp -r . ../bare && cd ../bare && {command}")
    seen = watch.run("sh", "-c", command)
    assert (seen.status, seen.out, seen.err) == (bare.returncode, bare.stdout, bare.stderr)
    actions = {one[0] for one in expected}
    assert expected <= seen.seen(*actions)
    assert seen.gaps == set()


def test_what_is_sorted_in_place_was_read_as_it_was(watch: Watch) -> None:
    watch.write("in.csv", "2\n1\n")
    seen = watch.run("sort", "-o", "in.csv", "in.csv")
    assert seen.before("update", "in.csv") == content_digest(b"2\n1\n")


def test_what_one_program_read_another_replaces(watch: Watch) -> None:
    watch.write("in.csv", "2\n1\n")
    seen = watch.run("sh", "-c", "cat in.csv > t; mv t in.csv")
    assert seen.before("remove", "in.csv") == content_digest(b"2\n1\n")


def test_what_python_read_another_program_replaces(watch: Watch) -> None:
    watch.write("in.csv", "old")
    seen = watch.python("import os\nopen('in.csv').read()\nos.system('echo new > in.csv')")
    assert seen.before("write", "in.csv") == content_digest(b"old")
    assert seen.gaps == set()


BODIES: dict[str, tuple[str, set[tuple[str, ...]]]] = {
    "open": ("open(\"in\", O_RDONLY);", {("read", "in")}),
    "openat": ("int d = open(\"d\", O_RDONLY); openat(d, \"x\", O_RDONLY);", {("read", "d/x")}),
    "creat": ("creat(\"out\", 0644);", {("write", "out")}),
    "exclusive": ("open(\"out\", O_CREAT | O_EXCL | O_RDWR, 0644);", {("write", "out")}),
    "exclusive, there": ("open(\"in\", O_CREAT | O_EXCL | O_RDWR, 0644);", {("exists", "in")}),
    "fopen": ("fopen(\"in\", \"r\");", {("read", "in")}),
    "fopen r+": ("fopen(\"in\", \"r+\");", {("update", "in")}),
    "fopen w": ("fopen(\"in\", \"w\");", {("write", "in")}),
    "fopen a": ("fopen(\"in\", \"a\");", {("append", "in")}),
    "freopen": ("freopen(\"in\", \"r\", stdin);", {("read", "in")}),
    "mkstemp": ("char t[] = \"tXXXXXX\"; rename((mkstemp(t), t), \"out\");", {("write", "out")}),
    "stat": ("struct stat s; stat(\"no\", &s); lstat(\"no2\", &s);", {("absent", "no")}),
    "access": ("access(\"no\", R_OK); access(\"in\", R_OK);", {("absent", "no"), ("exists", "in")}),
    "readlink": ("char b[9]; readlink(\"no\", b, 9);", {("absent", "no")}),
    "opendir": ("opendir(\"d\");", {("list", "d")}),
    "fdopendir": ("fdopendir(open(\"d\", O_RDONLY));", {("list", "d")}),
    "scandir": ("struct dirent **l; scandir(\"d\", &l, 0, alphasort);", {("list", "d")}),
    "glob": ("glob_t g; glob(\"d/*\", 0, 0, &g);", {("list", "d")}),
    "glob of folders": ("glob_t g; glob(\"*/x\", 0, 0, &g);", {("list", "."), ("list", "d")}),
    "fts": ("char *a[] = {\"d\", 0}; fts_open(a, FTS_PHYSICAL, 0);", {("list", "d")}),
    "rename": ("rename(\"in\", \"out\");", {("rename", "in", "out")}),
    "a rename that fails": ("rename(\"in\", \"no/out\");", set()),
    "exchange": (
        "renameat2(AT_FDCWD, \"in\", AT_FDCWD, \"d/x\", RENAME_EXCHANGE);",
        {("rename", "in", "d/x"), ("rename", "d/x", "in")},
    ),
    "unlink": ("unlink(\"in\");", {("remove", "in")}),
    "a removal that fails": ("unlink(\"d\"); unlink(\"no\");", set()),
    "truncate": ("truncate(\"in\", 0);", {("update", "in")}),
    "_exit": ("open(\"in\", O_RDONLY); _exit(0);", {("read", "in")}),
    "abort": ("open(\"in\", O_RDONLY); creat(\"out\", 0644); abort();", {("write", "out")}),
    "kill": ("creat(\"out\", 0644); kill(getpid(), 9);", {("write", "out")}),
    "fork": ("if (!fork()) { open(\"in\", O_RDONLY); _exit(0); } wait(0);", {("read", "in")}),
    "vfork": (
        "if (!vfork()) { execl(\"/bin/cat\", \"cat\", \"in\", (char *)0); _exit(1); } wait(0);",
        {("read", "in")},
    ),
    "execle": (
        "char *e[] = {0}; execle(\"/bin/cat\", \"cat\", \"in\", (char *)0, e);",
        {("read", "in")},
    ),
    "execlp": ("execlp(\"cat\", \"cat\", \"in\", (char *)0);", {("read", "in")}),
    "execvpe": (
        "char *a[] = {\"cat\", \"in\", 0}, *e[] = {0}; execvpe(\"cat\", a, e);",
        {("read", "in")},
    ),
    "fexecve": (
        "char *a[] = {\"cat\", \"in\", 0}; fexecve(open(\"/bin/cat\", O_RDONLY), a, environ);",
        {("read", "in")},
    ),
    "posix_spawn": (
        "char *a[] = {\"cat\", \"in\", 0}; posix_spawnp(0, \"cat\", 0, 0, a, environ); wait(0);",
        {("read", "in")},
    ),
    "no environment": ("environ = 0; system(\"cat in\");", {("read", "in")}),
    "clearenv": ("clearenv(); system(\"/bin/cat in\");", {("read", "in")}),
    "popen": ("pclose(popen(\"cat in\", \"r\"));", {("read", "in")}),
    "no descriptors": ("closefrom(0); open(\"in\", O_RDONLY);", {("read", "in")}),
    "a daemon": ("daemon(1, 1); open(\"in\", O_RDONLY);", {("read", "in")}),
    "privileges dropped": ("setgid(65534); setuid(65534); open(\"in\", 0);", {("read", "in")}),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_what_a_compiled_program_does_is_seen(watch: Watch, name: str) -> None:
    body, expected = BODIES[name]
    watch.write("in", "1")
    watch.write("d/x", "1")
    program = c(watch, body)
    seen = watch.run(program)
    actions = {one[0] for one in expected} or {"write", "rename", "remove", "update", "append"}
    found = seen.seen(*actions)
    if name == "mkstemp":
        assert {one[-1] for one in seen.seen("rename")} == {"out"}
    else:
        assert expected <= found
        assert expected or not found
    assert seen.gaps == set()


def test_errno_stays(watch: Watch) -> None:
    program = c(
        watch,
        "errno = 77; fclose(fopen(\"in\", \"r\")); open(\"in\", O_RDONLY); printf(\"%d\", errno);"
        "open(\"no\", O_RDONLY); printf(\" %d\", errno); errno = 77; unlink(\"in\");"
        "printf(\" %d\", errno); printf(\" %d %d\", system(\"exit 3\"), system(0));",
    )  # fmt: skip
    watch.write("in", "")
    assert watch.run(program).out == f"77 2 77 {3 << 8} 1".encode()


BAD = """
static char *edge(void) {
    long page = sysconf(_SC_PAGESIZE);
    char *at = mmap(0, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(at + page, page);
    memset(at, 'x', page);
    return at + page - 3; /* no end, and then nothing */
}
#define TRY(call) errno = 0; result = (long)(call); printf("%s %ld %d\\n", #call, result, errno);
static void all(char *bad) {
    struct stat found;
    char buffer[9], *words[] = {"true", 0}, *worse[] = {"true", bad, 0};
    long result;
    TRY(open(bad, O_RDONLY)) TRY(open(bad, O_RDWR | O_CREAT, 0600)) TRY(openat(AT_FDCWD, bad, 0))
    TRY(creat(bad, 0600)) TRY(fopen(bad, "r")) TRY(stat(bad, &found)) TRY(lstat(bad, &found))
    TRY(fstatat(AT_FDCWD, bad, &found, 0)) TRY(access(bad, R_OK))
    TRY(faccessat(AT_FDCWD, bad, 0, 0))
    TRY(readlink(bad, buffer, 9)) TRY(unlink(bad)) TRY(unlinkat(AT_FDCWD, bad, 0))
    TRY(rename(bad, "y")) TRY(rename("in", bad)) TRY(renameat(AT_FDCWD, bad, AT_FDCWD, "y"))
    TRY(link(bad, "y")) TRY(link("in", bad)) TRY(symlink(bad, "y")) TRY(symlink("in", bad))
    TRY(truncate(bad, 0))
    TRY(connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)bad, 16))
    TRY(execv(bad, words)) TRY(execv("/bin/true", worse)) TRY(execve("/bin/true", words, worse))
}
int main(void) {
    setvbuf(stdout, 0, _IONBF, 0);
    all((char *)16); all(edge()); all((char *)-4096L);
    return 0;
}
"""


def test_a_bad_address_is_refused_as_without_us(watch: Watch) -> None:
    head = HEAD + "#include <sys/mman.h>\n#include <sys/socket.h>\n"
    program = compiled(watch, head + BAD)
    watch.write("in", "1")
    bare = watch.bare(program)
    seen = watch.run(program)
    assert bare.returncode == 0
    assert bare.stdout.count(b" -1 14\n") > 50  # EFAULT
    assert (seen.status, seen.out, seen.err) == (0, bare.stdout, bare.stderr)


@pytest.mark.parametrize("given", [None, "", "/none.so", "theirs"])
def test_the_environment_is_as_it_was(watch: Watch, given: str | None) -> None:
    environ = {} if given is None else {"LD_PRELOAD": given}
    if given == "theirs":
        needs("gcc")
        watch.write("l.c", "int getsid(int pid) { return 4711; }")
        library = str(watch.project / "l.so")
        subprocess.run(["gcc", "-shared", "-o", library, "l.c"], cwd=watch.project, check=True)
        environ = {"LD_PRELOAD": library}
    command = ("sh", "-c", "env | sort | grep -v ^_=; cat /proc/self/comm; id -u")
    # In a child of a shell of its own: the driver is Python, and would print the loader's words.
    bare = watch.bare("env", *(f"{k}={v}" for k, v in environ.items()), *command)
    seen = watch.run("env", *(f"{k}={v}" for k, v in environ.items()), *command)
    assert (seen.status, seen.out, seen.err) == (bare.returncode, bare.stdout, bare.stderr)
    assert seen.gaps == set()


def test_threads_lose_nothing_natively(watch: Watch) -> None:
    program = compiled(
        watch,
        HEAD + "void *f(void *n) { char t[32]; for (long i = (long)n; i < 4000; i += 8) {"
        "sprintf(t, \"t%ld\", i); close(creat(t, 0644)); } return 0; }"
        "int main() { pthread_t t[8]; for (long n = 0; n < 8; n++)"
        "pthread_create(&t[n], 0, f, (void *)n); for (int n = 0; n < 8; n++)"
        "pthread_join(t[n], 0); }",
        "-pthread",
    )  # fmt: skip
    seen = watch.run(program)
    assert seen.seen("write") == {("write", f"t{number}") for number in range(4000)}
    assert seen.gaps == set()


def test_more_than_one_chunk_is_read(watch: Watch) -> None:
    program = c(
        watch,
        "char t[200]; for (int i = 0; i < 60000; i++) {"
        "sprintf(t, \"%0150d\", i % 1000); close(open(t, O_CREAT | O_WRONLY, 0644));}",
    )  # fmt: skip
    seen = watch.run(program)
    assert seen.trace is not None
    assert len(seen.trace.accesses) > 60000
    assert seen.gaps == set()


def test_a_file_limit_harms_nothing(watch: Watch) -> None:
    watch.write("in", "1")
    seen = watch.run("sh", "-c", "ulimit -f 0; cat in; echo $?")
    assert seen.out == b"10\n"
    assert ("read", "in") in seen.seen()


@pytest.mark.parametrize(
    "name",
    # strace sees a listing when names are asked for, which these don't do, and each call alone.
    sorted(
        BODIES.keys()
        - {"opendir", "fdopendir", "fts", "glob of folders", "fexecve", "exclusive, there"}
        - {"exchange"}
    ),
)
def test_what_a_static_program_does_is_seen_by_strace(watch: Watch, name: str) -> None:
    needs("strace")
    body, expected = BODIES[name]
    watch.write("in", "1")
    watch.write("d/x", "1")
    program = c(watch, body, "-static")
    seen = watch.run("sh", "-c", f"{program}; exit $?")
    actions = {one[0] for one in expected} or {"write", "rename", "remove", "update", "append"}
    found = seen.seen(*actions)
    if name == "mkstemp":
        assert {one[-1] for one in seen.seen("rename")} == {"out"}
    elif expected:
        assert expected <= found
    else:
        assert not found
    assert seen.gaps == set()


def test_strace_changes_nothing(watch: Watch) -> None:
    needs("strace")
    watch.write("in", "1")
    program = c(
        watch,
        'printf("%s %d %d\\n", argv[0], getppid() == atoi(argv[1]), getpgrp() == getpid());'
        "fflush(stdout); signal(SIGTERM, SIG_DFL); raise(SIGTERM);",
        "-static",
    )
    command = ("sh", "-c", f"{program} $$; echo $?")
    bare = watch.bare(*command)
    seen = watch.run(*command)
    assert (seen.status, seen.out, seen.err) == (bare.returncode, bare.stdout, bare.stderr)
    first = watch.run(program, "1")
    assert first.status == -15
    assert first.gaps == set()


def test_a_static_program_is_a_gap_without_strace(watch: Watch) -> None:
    program = c(watch, 'fopen("in", "r");', "-static")
    alone = {"PATH": "/none"}
    assert ("untraced", "p") in watch.run(program, env=alone).gaps
    assert ("untraced", "p") in watch.run("/bin/sh", "-c", "./p; true", env=alone).gaps


def test_a_sanitized_program_runs_as_it_would(watch: Watch) -> None:
    program = c(watch, "puts(\"fine\");", "-fsanitize=address")  # fmt: skip
    seen = watch.run("sh", "-c", f"{program}; true")
    assert (seen.status, seen.out, seen.err) == (0, b"fine\n", b"")
    assert ("untraced", "p") in seen.gaps


def test_a_program_that_shuts_itself_in_is_a_gap(watch: Watch) -> None:
    program = compiled(
        watch,
        "#include <sys/prctl.h>\n#include <linux/seccomp.h>\n#include <unistd.h>\n"
        "int main() { prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0);"
        "write(1, \"in\", 2); syscall(60, 0); }",
    )  # fmt: skip
    seen = watch.run(program)
    assert (seen.status, seen.out) == (0, b"in")
    assert ("untraced", "p") in seen.gaps


def test_a_process_that_outlives_the_run_is_a_gap(watch: Watch) -> None:
    watch.write("in", "1")
    seen = watch.run("sh", "-c", "timeout 2 tail -f in > /dev/null 2>&1 & sleep 0.5")
    assert ("read", "in") in seen.seen()
    assert ("log-cut", "tail") in seen.gaps


def test_a_fork_that_outlives_the_run_is_a_gap(watch: Watch) -> None:
    body = "if (fork()) return 0; setsid(); close(0); close(1); close(2); sleep(3);"
    program = c(watch, body)
    assert ("log-cut", "p") in watch.run(program).gaps


@pytest.mark.parametrize("linked", ["-O0", "-static"])
def test_another_root_directory_is_a_gap(watch: Watch, linked: str) -> None:
    if os.getuid():
        pytest.skip("only root may change its root directory")
    program = c(watch, 'chroot("."); open("/in", O_RDONLY);', linked)
    watch.write("in", "1")
    seen = watch.run(program)
    assert ("untraced", "p") in seen.gaps
    assert seen.trace is not None
    assert not any(one.path == b"/in" for one in seen.trace.accesses if linked != "-static")


@pytest.mark.parametrize("linked", ["-O0", "-static"])
def test_files_used_through_shared_memory_with_the_kernel_are_a_gap(
    watch: Watch, linked: str
) -> None:
    """Node's and many servers' way; whether this machine's kernel allows it or not."""
    if linked == "-static":
        needs("strace")
    ring = "char p[512] = {0}; syscall(425, 8, p);"  # io_uring_setup, the same number everywhere
    seen = watch.run(c(watch, ring, linked))
    assert ("io-uring", "p") in seen.gaps


def test_work_that_a_server_does_is_a_gap(watch: Watch, tmp_path: Path) -> None:
    needs("perl")
    source = "use Socket; socket(S, PF_UNIX, SOCK_STREAM, 0); connect(S, sockaddr_un($ARGV[0]));"
    with socket.socket(socket.AF_UNIX) as server, socket.create_server(("127.0.0.1", 0)) as other:
        server.bind(str(tmp_path / "s"))
        server.listen()
        watch.write("main.pl", source)
        seen = watch.run("perl", "main.pl", str(tmp_path / "s"))
        assert ("handed-over", "perl (s)") in seen.gaps
        port = other.getsockname()[1]
        watch.write(
            "main.pl",
            "use Socket; socket(S, PF_INET, SOCK_STREAM, 0);"
            f"connect(S, sockaddr_in({port}, inet_aton('127.0.0.1'))) or die;",
        )
        seen = watch.run("perl", "main.pl")
        assert ("handed-over", "perl (a server on this machine)") in seen.gaps
        seen = watch.python(f"import socket\nsocket.create_connection(('127.0.0.1', {port}))")
        assert seen.gaps == set()


def test_work_that_a_server_does_for_a_static_program_is_a_gap(
    watch: Watch, tmp_path: Path
) -> None:
    needs("strace")
    program = compiled(
        watch,
        "#include <arpa/inet.h>\n#include <string.h>\n#include <stdlib.h>\n#include <sys/un.h>\n"
        "int main(int argc, char **argv) { struct sockaddr_un u = {AF_UNIX};"
        "strcpy(u.sun_path, argv[1]); int s = socket(AF_UNIX, SOCK_STREAM, 0);"
        "connect(s, (void *)&u, sizeof u); struct sockaddr_in i = {AF_INET};"
        'i.sin_port = htons(atoi(argv[2])); inet_aton("127.0.0.1", &i.sin_addr);'
        "return connect(socket(AF_INET, SOCK_STREAM, 0), (void *)&i, sizeof i); }",
        "-static",
    )
    with socket.socket(socket.AF_UNIX) as server, socket.create_server(("127.0.0.1", 0)) as other:
        server.bind(str(tmp_path / "s"))
        server.listen()
        seen = watch.run(program, str(tmp_path / "s"), str(other.getsockname()[1]))
    assert seen.status == 0
    assert {gap for gap in seen.gaps if gap[0] == "handed-over"} == {
        ("handed-over", "p (s)"),
        ("handed-over", "p (a server on this machine)"),
    }


def test_a_program_that_has_others_work_is_a_gap(watch: Watch) -> None:
    shutil.copy("/bin/true", watch.project / "sbatch")
    assert ("handed-over", "sbatch") in watch.run("./sbatch").gaps


def test_another_user_may_not_log_and_that_is_a_gap(watch: Watch) -> None:
    needs("perl")
    if os.getuid():
        pytest.skip("only root can become another user")
    drop = "$> = $< = 65534; exec 'env'"
    seen = watch.run("perl", "-e", drop)
    assert b"LD_PRELOAD" not in seen.out
    assert seen.err == b""
    assert ("untraced", "env") in seen.gaps


@pytest.mark.parametrize("way", ["static", "cgo"])
def test_go_is_seen_by_strace(watch: Watch, way: str) -> None:
    needs("go")
    needs("strace")
    source = {
        "static": (
            'package main\nimport "os"\nfunc main() { os.ReadFile("in"); os.ReadFile("no");\n'
            '  os.WriteFile("t", nil, 0644); os.Rename("t", "out"); os.ReadDir("d") }\n'
        ),
        "cgo": (
            'package main\n// #include <stdlib.h>\nimport "C"\nimport "os"\n'
            'func main() { C.abs(1); os.ReadFile("in"); os.ReadFile("no");\n'
            '  os.WriteFile("t", nil, 0644); os.Rename("t", "out"); os.ReadDir("d") }\n'
        ),
    }[way]
    watch.write("in", "1")
    watch.write("d/x", "1")
    watch.write("go.mod", "module p\n\ngo 1.19\n")
    watch.write("main.go", source)
    environ = os.environ | {"CGO_ENABLED": "1", "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"}
    command = ["go", "build", "-o", "p", "."]
    subprocess.run(command, cwd=watch.project, env=environ, capture_output=True, check=True)
    expected = {("read", "in"), ("absent", "no"), ("rename", "t", "out"), ("list", "d")}
    seen = watch.run("sh", "-c", "./p; true")
    assert expected <= seen.seen()
    assert seen.gaps == set()
    assert ("untraced", "p") in watch.run("/bin/sh", "-c", "./p; true", env={"PATH": "/x"}).gaps


def test_a_nested_run_keeps_its_own_library(watch: Watch) -> None:
    watch.write("in", "1")
    inner, _ = watch.command("cat", "in")
    outer = watch.run(*inner, env={"PYTHONPATH": watch.environment()["PYTHONPATH"]})
    assert outer.status == 0, outer.err
    assert ("read", "in") in outer.seen()
    assert outer.gaps == set()


def test_a_project_with_a_space_in_its_path(watch: Watch, tmp_path: Path) -> None:
    scratch = tmp_path / "a place: here"
    scratch.mkdir()
    watch.scratch = scratch
    watch.write("in", "1")
    seen = watch.run("sh", "-c", "cat in")
    assert ("read", "in") in seen.seen()
    assert seen.gaps == set()
    assert not list(Path("/tmp").glob("provgraph-*/preload.so"))


def test_an_isolated_python_is_seen_reading(watch: Watch) -> None:
    watch.write("helper.py", "X = 1")
    watch.write("main.py", "import helper\nopen('in').read()")
    watch.write("in", "1")
    for _ in range(2):
        seen = watch.run(sys.executable, "-E", "main.py")
        assert {("read", "main.py"), ("read", "helper.py"), ("read", "in")} <= seen.seen("read")
        assert seen.gaps == {("isolated-python", "main.py")}


def test_make_and_a_compiler_are_seen(watch: Watch) -> None:
    needs("make")
    needs("gcc")
    watch.write("Makefile", "p: p.c p.h\n\tgcc -o p p.c\n")
    watch.write("p.h", "#define N 1\n")
    watch.write("p.c", '#include "p.h"\nint main() { return N; }\n')
    seen = watch.run("make")
    assert {("read", "Makefile"), ("read", "p.c"), ("read", "p.h")} <= seen.seen("read")
    assert ("write", "p") in seen.seen()
    assert seen.gaps == set()


def test_node_is_seen(watch: Watch) -> None:
    needs("node")
    watch.write("in", "1")
    watch.write(
        "main.js", "const fs = require('fs');\nfs.writeFileSync('out', fs.readFileSync('in'));\n"
    )
    seen = watch.run("node", "main.js")
    assert {("read", "main.js"), ("read", "in")} <= seen.seen("read")
    assert ("write", "out") in seen.seen()
    assert seen.gaps == set()


def test_java_is_seen(watch: Watch) -> None:
    needs("java")
    watch.write("in", "1")
    watch.write(
        "Main.java",
        "import java.nio.file.*;\npublic class Main {\n"
        "  public static void main(String[] a) throws Exception {\n"
        '    Files.write(Path.of("out"), Files.readAllBytes(Path.of("in")));\n  }\n}\n',
    )
    seen = watch.run("java", "Main.java")
    assert seen.status == 0, seen.err
    assert {("read", "Main.java"), ("read", "in")} <= seen.seen("read")
    assert ("write", "out") in seen.seen()
    assert seen.gaps == set()


def test_a_library_that_reads_natively_is_seen(watch: Watch) -> None:
    watch.write("in", "1")
    needs("gcc")
    watch.write("r.c", '#include <stdio.h>\nvoid take(void) { fclose(fopen("in", "r")); }\n')
    subprocess.run(["gcc", "-shared", "-o", "r.so", "r.c"], cwd=watch.project, check=True)
    watch.write("h5py.py", "import ctypes\nctypes.CDLL('./r.so').take()\n")
    seen = watch.python("import h5py")
    assert {("read", "in"), ("read", "r.so")} <= seen.seen()
    assert seen.gaps == set()


def test_a_database_is_seen_from_python_and_from_outside(watch: Watch) -> None:
    source = "import sqlite3\nc = sqlite3.connect('d.db')\nc.execute('create table t (x)')\n"
    assert ("write", "d.db") in watch.python(source).seen()
