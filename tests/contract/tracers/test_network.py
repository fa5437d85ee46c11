"""Each host that a run talked to is a gap by the name that it was looked up by, in any language."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.elsewhere import HERE, prefix
from tests.support.required import missing

from .conftest import Watch, Watched

HOSTS = """\
127.0.0.1 localhost
198.51.100.7 data.example.org mirror.example.org user:secret@data.example.org
198.51.100.8 db.example.net Evil\x1b[31m.example.org
2001:db8::7 six.example.org
"""
NATIVE = pytest.mark.parametrize("watch", ["preload"], indirect=True)


class Far:
    """Runs commands watched, in a network of their own with another machine in it."""

    def __init__(self, watch: Watch, hosts: Path) -> None:
        self.watch = watch
        hosts.write_text(HOSTS)
        self.prefix = prefix(str(hosts))

    def run(self, *command: str, bare: bool = False) -> Watched:
        argv, seen = self.watch.command(*command)
        done = subprocess.run(
            [*self.prefix, *(command if bare else argv)],
            cwd=self.watch.project,
            env=self.watch.environment(),
            capture_output=True,
            check=False,
            timeout=60,
        )
        return self.watch.result(done.returncode, done.stdout, done.stderr, seen)

    def hosts(self, *command: str) -> set[str]:
        """Give the hosts of the gaps of a command, which has to succeed."""
        seen = self.run(*command)
        assert seen.status == 0, seen.err
        return {subject for reason, subject in seen.gaps if reason == "network"}

    def python(self, source: str) -> set[str]:
        self.watch.write("main.py", "import socket\n" + source)
        return self.hosts("python", "main.py")

    def c(self, body: str, *options: str) -> str:
        needs("gcc")
        head = (
            "#define _GNU_SOURCE\n#include <arpa/inet.h>\n#include <errno.h>\n#include <netdb.h>\n"
            "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n"
            "#include <sys/socket.h>\n#include <sys/syscall.h>\n"
        )
        text = head + "int main(int argc, char **argv) {" + body + "}"
        self.watch.write("p.c", text)
        subprocess.run(
            ["gcc", "-w", "-o", "p", "p.c", *options], cwd=self.watch.project, check=True
        )
        return "./p"


@pytest.fixture
def far(watch: Watch, tmp_path: Path) -> Far:
    return Far(watch, tmp_path / "hosts")


def needs(program: str) -> None:
    if shutil.which(program) is None:
        missing("network", f"there is no {program}")


LINE = "socket.create_connection(({!r}, {})).close()\n"


def test_a_python_client_goes_to_a_named_host(far: Far) -> None:
    source = (
        "import http.client\nline = http.client.HTTPConnection('Data.Example.ORG')\n"
        "line.request('GET', '/')\nassert line.getresponse().read() == b'1,2\\n'\n"
    )
    assert far.python(source) == {"data.example.org:80"}


def test_each_host_and_port_is_said_once(far: Far) -> None:
    lines = [("data.example.org", 80), ("db.example.net", 8000), ("db.example.net", 8001)]
    source = "".join(LINE.format(*line) for line in lines * 2)
    assert far.python(source) == {
        "data.example.org:80",
        "db.example.net:8000",
        "db.example.net:8001",
    }


def test_many_ports_of_a_host_are_one(far: Far) -> None:
    source = "".join(LINE.format("db.example.net", port) for port in range(8000, 8010))
    assert far.python(source) == {"db.example.net:*"}


def test_names_that_lead_to_one_address_all_count(far: Far) -> None:
    source = LINE.format("data.example.org", 80) + "socket.getaddrinfo('mirror.example.org', 80)\n"
    assert far.python(source) == {"data.example.org:80", "mirror.example.org:80"}


def test_a_name_that_was_only_looked_up_is_no_gap(far: Far) -> None:
    assert far.python("assert socket.getaddrinfo('data.example.org', 80)\n") == set()


def test_a_host_without_a_name_goes_by_its_address(far: Far) -> None:
    source = LINE.format("198.51.100.7", 80) + LINE.format("2001:db8::7", 80)
    assert far.python(source) == {"198.51.100.7:80", "[2001:db8::7]:80"}


def test_a_name_given_where_an_address_belongs_is_one(far: Far) -> None:
    assert far.python("socket.socket().connect(('data.example.org', 80))\n") == {
        "data.example.org:80"
    }


def test_six_is_as_four(far: Far) -> None:
    assert far.python(LINE.format("six.example.org", 8001)) == {"six.example.org:8001"}


def test_what_is_sent_without_connecting_counts(far: Far) -> None:
    source = "s = socket.socket(type=socket.SOCK_DGRAM)\ns.sendto(b'1', ('198.51.100.8', 8125))\n"
    assert far.python(source) == {"198.51.100.8:8125"}


def test_asking_for_names_is_no_gap(far: Far) -> None:
    source = "s = socket.socket(type=socket.SOCK_DGRAM)\ns.connect(('198.51.100.7', 53))\n"
    assert far.python(source + LINE.format("198.51.100.7", 53)) == set()


def test_this_machines_own_loops_and_sockets_are_no_network(far: Far) -> None:
    source = (
        "a = socket.create_server(('127.0.0.2', 0))\nsocket.create_connection(a.getsockname())\n"
        "b = socket.create_server(('::1', 0), family=socket.AF_INET6)\n"
        "socket.create_connection(b.getsockname()[:2])\n"
        "c = socket.create_server(('localhost', 0))\n"
        "socket.create_connection(('localhost', c.getsockname()[1]))\n"
        "socket.socket().connect(('', c.getsockname()[1]))\n"
        "d = socket.socket(socket.AF_UNIX)\nd.bind('s')\nd.listen()\n"
        "socket.socket(socket.AF_UNIX).connect('s')\n"
    )
    assert far.python(source) == set()


def test_children_are_in_it_too(far: Far) -> None:
    child = f"import socket; {LINE.format('data.example.org', 80).strip()}"
    source = (
        "import os, subprocess, sys\n"
        f"if not os.fork():\n    {LINE.format('db.example.net', 8000).strip()}\n    os._exit(0)\n"
        f"os.wait()\nsubprocess.run([sys.executable, '-c', {child!r}], check=True)\n"
    )
    assert far.python(source) == {"data.example.org:80", "db.example.net:8000"}


def test_a_lookup_is_as_without_us(far: Far) -> None:
    source = (
        "import pickle\n"
        "print(socket.getaddrinfo('data.example.org', 80))\n"
        "print(socket.getaddrinfo(b'localhost', None))\n"
        "print(socket.getaddrinfo(host=None, port='80', type=socket.SOCK_STREAM))\n"
        "for name in ('no.such.example', 'x' * 300, 'a\\0b', 7):\n"
        "    try:\n        socket.getaddrinfo(name, 80)\n"
        "    except Exception as error:\n"
        "        import traceback\n        print(''.join(traceback.format_exception(error)))\n"
        "import _socket\nprint(pickle.loads(pickle.dumps(_socket.getaddrinfo)))\n"
    )
    far.watch.write("main.py", "import re, socket\n" + source)
    bare, seen = far.run("python", "main.py", bare=True), far.run("python", "main.py")
    assert bare.status == 0, bare.err
    assert b"gaierror" in bare.out
    at = b" at 0x"
    assert (seen.status, seen.out.partition(at)[0], seen.err) == (0, bare.out.partition(at)[0], b"")


# -- other languages ------------------------------------------------------------------------------


@NATIVE
def test_curl_goes_to_a_named_host(far: Far) -> None:
    needs("curl")
    url = "http://user:secret@data.example.org:8000/a.csv"
    assert far.hosts("curl", "--silent", "--fail", "-o", "a.csv", url) == {"data.example.org:8000"}


@NATIVE
def test_node_goes_to_a_named_host(far: Far) -> None:
    needs("node")
    far.watch.write(
        "main.js", "require('http').get('http://db.example.net:8000/', r => r.resume())"
    )
    assert far.hosts("node", "main.js") == {"db.example.net:8000"}


@NATIVE
def test_an_address_goes_by_the_name_that_another_program_asked_for(far: Far) -> None:
    needs("curl")
    line = "curl -s http://$(getent hosts data.example.org | cut -d' ' -f1)/"
    assert far.hosts("sh", "-c", line) == {"data.example.org:80"}


CLIENTS = {
    "getaddrinfo": 'struct addrinfo *a; if (getaddrinfo("data.example.org", "80", 0, &a)) return 1;'
    "return connect(socket(a->ai_family, SOCK_STREAM, 0), a->ai_addr, a->ai_addrlen);",
    "gethostbyname": 'struct hostent *h = gethostbyname("data.example.org");'
    "memcpy(&to.sin_addr, h->h_addr_list[0], 4); return connect(s, (void *)&to, sizeof to);",
    "gethostbyname_r": 'struct hostent h, *r; char b[1024]; int e; gethostbyname_r('
    '"data.example.org", &h, b, sizeof b, &r, &e); memcpy(&to.sin_addr, r->h_addr_list[0], 4);'
    "return connect(s, (void *)&to, sizeof to);",
    "a system call": 'gethostbyname("data.example.org");'
    "return syscall(SYS_connect, s, &to, sizeof to);",
    "sendto": 'gethostbyname("data.example.org"); s = socket(AF_INET, SOCK_DGRAM, 0);'
    'return sendto(s, "1", 1, 0, (void *)&to, sizeof to) != 1;',
    "sendmsg": 'gethostbyname("data.example.org"); s = socket(AF_INET, SOCK_DGRAM, 0);'
    "struct msghdr m = {&to, sizeof to}; return sendmsg(s, &m, 0) != 0;",
    "sendmmsg": 'gethostbyname("data.example.org"); s = socket(AF_INET, SOCK_DGRAM, 0);'
    "struct mmsghdr m = {{&to, sizeof to}}; return sendmmsg(s, &m, 1, 0) != 1;",
}  # fmt: skip
START = (
    "struct sockaddr_in to = {AF_INET, htons(80), {inet_addr(\"198.51.100.7\")}};"
    "int s = socket(AF_INET, SOCK_STREAM, 0);"
)  # fmt: skip


@NATIVE
@pytest.mark.parametrize("how", CLIENTS)
def test_a_compiled_client_goes_to_a_named_host(far: Far, how: str) -> None:
    assert far.hosts(far.c(START + CLIENTS[how])) == {"data.example.org:80"}


@NATIVE
def test_a_connection_that_is_refused_is_no_gap(far: Far) -> None:
    body = START + "to.sin_port = htons(9); return !connect(s, (void *)&to, sizeof to);"
    assert far.hosts(far.c(body)) == set()


@NATIVE
def test_what_a_library_call_leaves_behind_stays(far: Far) -> None:
    body = START + (
        "struct addrinfo *a; struct hostent *h; errno = 77;"
        'printf("%d %d ", getaddrinfo("no.such.example", "80", 0, &a) != 0, errno); h_errno = 5;'
        'printf("%d ", h_errno); h = gethostbyname("no.such.example");'
        'printf("%d %d ", h == 0, h_errno); errno = 78; h = gethostbyname("data.example.org");'
        'printf("%s %d ", h->h_name, h->h_length); errno = 0;'
        'printf("%d ", connect(s, (void *)&to, sizeof to)); printf("%d ", errno);'
        'printf("%d ", connect(s, (void *)&to, sizeof to)); printf("%d ", errno);'
        'printf("%d %d ", accept(s, 0, 0), errno); printf("%d %d ", listen(-1, 1), errno);'
        'printf("%d %d ", (int)sendto(s, "1", 1, 0, (void *)16, 16), errno);'
        'printf("%d %d", (int)sendmsg(s, (void *)16, 0), errno);'
    )  # fmt: skip
    program = far.c(body)
    bare, seen = far.run(program, bare=True), far.run(program)
    assert bare.out.count(b" ") > 10, bare
    assert (seen.status, seen.out, seen.err) == (bare.status, bare.out, bare.err)


@NATIVE
def test_a_static_client_goes_to_an_address(far: Far) -> None:
    needs("strace")
    program = far.c(START + "return connect(s, (void *)&to, sizeof to);", "-static")
    assert far.hosts(program) == {"198.51.100.7:80"}


@NATIVE
def test_a_static_client_goes_by_the_name_that_its_shell_asked_for(far: Far) -> None:
    needs("strace")
    program = far.c(START + "return connect(s, (void *)&to, sizeof to);", "-static")
    assert far.hosts("sh", "-c", f"getent hosts data.example.org; {program}; true") == {
        "data.example.org:80"
    }


@NATIVE
@pytest.mark.parametrize("linked", ["-O0", "-static"])
def test_asking_this_machine_for_names_hands_nothing_over(far: Far, linked: str) -> None:
    if linked == "-static":
        needs("strace")
    body = START + "s = socket(AF_INET, SOCK_DGRAM, 0); to.sin_port = htons(argc > 1 ? 54 : 53);"
    body += 'to.sin_addr.s_addr = inet_addr("127.0.0.1");'
    program = far.c(body + "return connect(s, (void *)&to, sizeof to);", linked)
    assert far.run(program).gaps == set()
    assert ("handed-over", "p (a server on this machine)") in far.run(program, "54").gaps


@NATIVE
def test_a_server_of_the_runs_own_is_no_network(far: Far) -> None:
    served = (
        f"a = socket.create_server(('', 8000))\n{LINE.format(HERE, 8000)}"
        f"b = socket.create_server(({HERE!r}, 8001))\n{LINE.format(HERE, 8001)}a.accept()\n"
    )
    assert far.python(served) == set()
    assert far.python(served + LINE.format("198.51.100.7", 8000)) == {"198.51.100.7:8000"}


@NATIVE
def test_another_server_of_this_machine_is_one(far: Far) -> None:
    client = f"import socket; socket.create_connection(({HERE!r}, 8000))"
    far.watch.write("main.py", client)
    argv, seen = far.watch.command("python", "main.py")
    server = (
        f"import socket, subprocess; s = socket.create_server(('', 8000)); subprocess.run({argv})"
    )
    done = subprocess.run(
        [*far.prefix, "python", "-c", server],
        cwd=far.watch.project,
        env=far.watch.environment(),
        check=True,
    )
    assert far.watch.result(done.returncode, b"", b"", seen).gaps == {("network", f"{HERE}:8000")}


@NATIVE
def test_who_calls_us_is_one(far: Far) -> None:
    source = (
        f"s = socket.create_server(('', 9000))\n{LINE.format('data.example.org', 9000)}"
        "assert s.accept()[0].recv(9) == b'3,4\\n'\n"
    )
    assert far.python(source) == {"data.example.org:*"}


@NATIVE
def test_a_hostile_name_is_spelt_out_and_a_password_left_out(far: Far) -> None:
    body = (
        "struct addrinfo *a; for (int i = 1; i < argc; i++) {"
        'if (getaddrinfo(argv[i], "80", 0, &a)) return 1;'
        "connect(socket(a->ai_family, SOCK_STREAM, 0), a->ai_addr, a->ai_addrlen); }"
    )
    program = far.c(body)
    names = ("user:secret@data.example.org", "Evil\x1b[31m.example.org")
    assert far.hosts(program, *names) == {
        "data.example.org:80",
        "evil%1b%5b31m.example.org:80",
    }


@NATIVE
def test_a_program_that_reads_nothing_goes_nowhere_that_counts(far: Far) -> None:
    needs("getent")
    assert far.hosts("getent", "hosts", "data.example.org") == set()
