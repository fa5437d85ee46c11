"""A real Neo4j, found in this order: NEO4J_URL, Docker, a server started from Maven artefacts.

    with a_neo4j() as server:
        ...  # server.url, server.user, server.password

Raises `NoNeo4j` with the reason where none can be had.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VERSION = "5.26.12"
IMAGE = "neo4j:5.26-community"
JAVA = 17
HEAP = "1g"
HERE = Path(__file__).parent
POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>provgraph.tests</groupId>
  <artifactId>neo4j</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.neo4j</groupId><artifactId>neo4j</artifactId><version>@VERSION@</version>
    </dependency>
    <dependency>
      <groupId>org.neo4j.app</groupId><artifactId>neo4j-server</artifactId>
      <version>@VERSION@</version>
    </dependency>
  </dependencies>
</project>
"""


class NoNeo4j(Exception):
    """There is none, and none can be started; says why."""


@dataclass(frozen=True, slots=True)
class Neo4j:
    """Where a server is, and who may ask it; no user: anyone."""

    url: str
    user: str = ""
    password: str = ""

    @property
    def environment(self) -> dict[str, str]:
        """Give the variables that tell a child process of it."""
        found = {"PROVGRAPH_GRAPH": self.url}
        if self.user:
            found |= {"NEO4J_USERNAME": self.user, "NEO4J_PASSWORD": self.password}
        return found


@contextmanager
def a_neo4j() -> Iterator[Neo4j]:
    """Give a server for as long as it is needed."""
    url = os.environ.get("NEO4J_URL")
    if url:
        user = os.environ.get("NEO4J_USERNAME", "neo4j")
        yield Neo4j(url, user, os.environ.get("NEO4J_PASSWORD", ""))
    elif _docker_answers():
        with _in_docker() as found:
            yield found
    else:
        with tempfile.TemporaryDirectory(prefix="provgraph-neo4j-") as folder:
            server = Server(Path(folder))
            server.start()
            try:
                yield Neo4j(server.url)
            finally:
                server.stop()


class Server:
    """A server of one's own, from Maven artefacts; it can be stopped, killed and started again."""

    def __init__(self, folder: Path, *, password: str = "", version: str = VERSION) -> None:
        self.folder = folder
        self.password = password
        self._libraries = libraries(version)
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Give its URL; the port stays when it is started again."""
        return f"bolt://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [
            *("java", f"-Xmx{HEAP}", "-XX:+UseSerialGC", "-cp", f"{self._libraries}/*"),
            *(str(HERE / "Server.java"), str(self.folder), str(self._port)),
            *([self.password] if self.password else []),
        ]
        log = self.folder / "server.log"
        self.folder.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
            )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(b"READY "):
                self._port = int(line.rpartition(b":")[2])
                return
        raise NoNeo4j(f"Neo4j did not start:\n{log.read_text(errors='replace')[-2000:]}")

    def stop(self) -> None:
        """Let it end in good order."""
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait(timeout=60)
            self._forget()

    def kill(self) -> None:
        """Let it end at once, as when the power goes."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(timeout=60)
            self._forget()

    def freeze(self) -> None:
        """Let it stop answering without ending."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _forget(self) -> None:
        assert self._process is not None
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None and not stream.closed:
                stream.close()
        self._process = None


def libraries(version: str = VERSION) -> Path:
    """Give the folder of Neo4j's jars, resolved by Maven once (116 MB) and kept in the cache."""
    for program in ("java", "mvn"):
        if shutil.which(program) is None:
            raise NoNeo4j(f"there is no NEO4J_URL, no Docker, and no `{program}` to start one")
    if _java_version() < JAVA:
        raise NoNeo4j(f"Neo4j needs Java {JAVA} or newer")
    base = Path(os.environ.get("PROVGRAPH_TEST_CACHE") or Path.home() / ".cache/provgraph-tests")
    folder = base / f"neo4j-{version}"
    base.mkdir(parents=True, exist_ok=True)
    with (base / f"neo4j-{version}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the processes of one test run come here at once
        if not (folder / "whole").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            _resolve(folder, version)
            (folder / "whole").touch()
    return folder


def _resolve(folder: Path, version: str) -> None:
    with tempfile.TemporaryDirectory() as project:
        (Path(project) / "pom.xml").write_text(POM.replace("@VERSION@", version))
        done = subprocess.run(
            [
                *("mvn", "--quiet", "--batch-mode", "dependency:copy-dependencies"),
                *("-DincludeScope=runtime", f"-DoutputDirectory={folder}"),
            ],
            cwd=project,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise NoNeo4j(f"Maven could not resolve Neo4j {version}:\n{done.stdout[-2000:]}")


def _java_version() -> int:
    said = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False)
    words = said.stderr.split('"')
    return int(words[1].split(".")[0]) if len(words) > 1 else 0


def _docker_answers() -> bool:
    if shutil.which("docker") is None:
        return False
    try:
        done = subprocess.run(
            ["docker", "info"], capture_output=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


@contextmanager
def _in_docker() -> Iterator[Neo4j]:
    try:
        from testcontainers.neo4j import Neo4jContainer
    except ImportError as error:
        raise NoNeo4j(f"Docker is here, but testcontainers isn't: {error}") from error
    container: Any = Neo4jContainer(IMAGE)
    with container:
        yield Neo4j(container.get_connection_url(), container.username, container.password)
