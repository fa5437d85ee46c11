"""A network for one command, with another machine in it: real connections, and names for them.

    unshare -rmn python elsewhere.py HOSTS COMMAND…

HOSTS is a file as /etc/hosts is. The other machine is at 198.51.100.7, 198.51.100.8 and
2001:db8::7, and answers HTTP at ports 80 and 8000 to 8009 of each; whoever asks it at port 9000 is
called back there. It can't ask for names at port 53, but something listens there, too.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

HERE = "198.51.100.1"
THERE = ("198.51.100.7", "198.51.100.8", "2001:db8::7")
PORTS = (53, 80, 9000, *range(8000, 8010))
_PAGE = b"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\n1,2\n"


def prefix(hosts: str) -> tuple[str, ...]:
    """Give what stands before a command that is to have this network; skips where it can't."""
    from tests.support.required import missing  # not within: this file is a program there

    for program in ("unshare", "ip", "mount"):
        if shutil.which(program) is None:
            missing("network", f"there is no {program}")
    tried = subprocess.run(
        ["unshare", "-rmn", "ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1"],
        capture_output=True,
        check=False,
    )
    if tried.returncode:
        missing("network", f"no network of one's own: {tried.stderr.decode().strip()}")
    return ("unshare", "-rmn", sys.executable, os.path.abspath(__file__), hosts)


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def answer(line: socket.socket, peer: tuple[str, ...], port: int) -> None:
    """Answer one who connected."""
    with line:
        if port == 9000:
            with socket.create_connection((peer[0], 9000)) as back:
                back.sendall(b"3,4\n")
        else:
            line.recv(65536)
            line.sendall(_PAGE)


def serve(server: socket.socket) -> None:
    while True:
        line, peer = server.accept()
        port = server.getsockname()[1]
        threading.Thread(target=answer, args=(line, peer, port), daemon=True).start()


def be_there() -> None:
    """Be the other machine, until nobody listens any more."""
    sys.stdin.readline()
    ip("link", "set", "lo", "up")
    for address in THERE:
        size = ("/64", "dev", "v1", "nodad") if ":" in address else ("/24", "dev", "v1")
        ip("address", "add", address + size[0], *size[1:])
    ip("link", "set", "v1", "up")
    for port in PORTS:
        server = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
        threading.Thread(target=serve, args=(server,), daemon=True).start()
    print("ready", flush=True)  # noqa: T201 - to the other process
    sys.stdin.read()


def main() -> int:
    if sys.argv[1:] == ["--there"]:
        be_there()
        return 0
    hosts, *command = sys.argv[1:]
    there = subprocess.Popen(
        ["unshare", "-n", sys.executable, __file__, "--there"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert there.stdin is not None
    assert there.stdout is not None
    ip("link", "set", "lo", "up")
    ip("link", "add", "v0", "type", "veth", "peer", "name", "v1", "netns", str(there.pid))
    ip("address", "add", f"{HERE}/24", "dev", "v0")
    ip("address", "add", "2001:db8::1/64", "dev", "v0", "nodad")
    ip("link", "set", "v0", "up")
    there.stdin.write("\n")
    there.stdin.flush()
    assert there.stdout.readline() == "ready\n"
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as resolver:
        # Nobody answers there, and says so at once.
        resolver.write("nameserver 127.0.0.1\n")
        resolver.flush()
        for file, place in ((hosts, "/etc/hosts"), (resolver.name, "/etc/resolv.conf")):
            subprocess.run(["mount", "--bind", file, os.path.realpath(place)], check=True)
    try:
        return subprocess.run(command, check=False).returncode
    finally:
        there.stdin.close()
        there.wait()


if __name__ == "__main__":
    sys.exit(main())
