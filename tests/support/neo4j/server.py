"""A real Neo4j, found in this order: NEO4J_URL, Docker, a server started from Maven artefacts.

    with a_neo4j() as server:
        ...  # server.url, server.user, server.password, server.database

Raises `NoNeo4j` with the reason where none can be had. Needs nothing but the standard library, so
benchmarks and notebooks use it too; `python -m tests.support.neo4j` starts one from a shell.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

VERSION = "5.26.12"
IMAGE = "neo4j:5.26-community"
JAVA = 17
OPTIONS = ("-Xmx1g", "-XX:+UseSerialGC")
# Tests ask little of one server, so they would pay for optimising and hardly use it.
BRIEFLY = "-XX:TieredStopAtLevel=1"
PATIENCE = 120.0  # s for a server to start, or to end, on a busy machine
PROGRAM = Path(__file__).with_name("Server.java")
# Taken when this is imported, for tests give themselves another home.
CACHE = Path(os.environ.get("PROVGRAPH_TEST_CACHE") or Path.home() / ".cache/provgraph-tests")
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
    """Where a server is, and who may ask it; no user: anyone; no database: the server's default."""

    url: str
    user: str = ""
    password: str = ""
    database: str = ""

    @property
    def environment(self) -> dict[str, str]:
        """Give the variables that tell a child process of it."""
        found = {"PROVGRAPH_GRAPH": f"{self.url}/{self.database}" if self.database else self.url}
        if self.user:
            found |= {"NEO4J_USERNAME": self.user, "NEO4J_PASSWORD": self.password}
        return found


@contextmanager
def a_neo4j(*, optimised: bool = False) -> Iterator[Neo4j]:
    """Give a server for as long as it is needed; `optimised`, for measurements."""
    url = os.environ.get("NEO4J_URL")
    if url:
        yield Neo4j(
            url,
            os.environ.get("NEO4J_USERNAME", "neo4j"),
            os.environ.get("NEO4J_PASSWORD", ""),
            os.environ.get("NEO4J_DATABASE", ""),
        )
    elif _docker_answers():
        with _in_docker() as found:
            yield found
    else:
        with (
            tempfile.TemporaryDirectory(prefix="provgraph-neo4j-") as folder,
            Server(Path(folder), optimised=optimised) as server,
        ):
            yield server.access


class Server:
    """A server of one's own, from Maven artefacts; it can be stopped, killed and started again.

    Port and data stay. Without a password anyone may log in; it has 8 characters or more.
    """

    def __init__(
        self,
        folder: Path,
        *,
        password: str = "",
        optimised: bool = False,
        version: str = VERSION,
    ) -> None:
        self.folder = folder
        self.password = password
        java, *rest = prepare(version)
        self._start_with = [java, *rest] if optimised else [java, BRIEFLY, *rest]
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Give its URL."""
        return f"bolt://127.0.0.1:{self._port}"

    @property
    def access(self) -> Neo4j:
        """Give its URL, and who may ask it."""
        return Neo4j(self.url, "neo4j" if self.password else "", self.password)

    def start(self) -> None:
        """Start it, and wait until it answers. Raises `NoNeo4j` when it doesn't."""
        assert self._process is None
        self.folder.mkdir(parents=True, exist_ok=True)
        arguments = [str(self.folder), str(self._port), *filter(None, [self.password])]
        log = self.folder / "server.log"
        with log.open("ab") as errors:
            self._process = process = subprocess.Popen(
                [*self._start_with, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        assert process.stdout is not None
        alarm = threading.Timer(PATIENCE, process.kill)
        alarm.start()
        try:
            for line in process.stdout:
                if line.startswith(b"READY "):
                    self._port = int(line.rpartition(b":")[2])
                    return
        finally:
            alarm.cancel()
        self.kill()
        raise NoNeo4j(f"Neo4j did not start:\n{log.read_text(errors='replace')[-2000:]}")

    def stop(self) -> None:
        """Let it end in good order."""
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            try:
                self._process.wait(timeout=PATIENCE)
            finally:
                self.kill()

    def kill(self) -> None:
        """Let it end at once, as when the power goes."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                if stream is not None:
                    stream.close()
            self._process = None

    def freeze(self) -> None:
        """Let it stop answering without ending."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()


def prepare(version: str = VERSION) -> list[str]:
    """Give the command that a server is started with; what it needs is made once and kept.

    That is Neo4j's jars, resolved by Maven (116 MB), `Server.java`, compiled, and an archive of
    the classes that a start loads (75 MB), which takes a start from 10 s to 4 s.
    """
    java = _java()
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"neo4j-{version}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the processes of one test run come here at once
        libraries = CACHE / f"neo4j-{version}"
        _once(libraries, lambda folder: _resolve(folder, version))
        digest = hashlib.sha256(f"{version}\n{java}\n".encode() + PROGRAM.read_bytes())
        own = CACHE / f"server-{digest.hexdigest()[:16]}"
        command = [
            *("java", *OPTIONS, f"-XX:SharedArchiveFile={own / 'server.jsa'}"),
            *("-cp", f"{own / 'server.jar'}:{libraries}/*", "Server"),
        ]
        _once(own, lambda _: _compile(own, libraries, command))
    return command


def _once(folder: Path, fill: Callable[[Path], None]) -> None:
    whole = folder / "whole"
    if not whole.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        fill(folder)
        whole.touch()


def _resolve(folder: Path, version: str) -> None:
    if shutil.which("mvn") is None:
        raise NoNeo4j("there is no NEO4J_URL, no Docker, and no `mvn` to fetch Neo4j with")
    with tempfile.TemporaryDirectory() as project:
        (Path(project) / "pom.xml").write_text(POM.replace("@VERSION@", version))
        _run(
            *("mvn", "--quiet", "--batch-mode", f"--file={project}/pom.xml"),
            *("dependency:copy-dependencies", "-DincludeScope=runtime"),
            f"-DoutputDirectory={folder}",
            problem=f"Maven could not resolve Neo4j {version}",
        )


def _compile(own: Path, libraries: Path, command: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        _run(
            *("javac", "-cp", f"{libraries}/*", "-d", folder, str(PROGRAM)),
            problem=f"{PROGRAM.name} could not be compiled",
        )
        # A jar, for classes in a folder can't be archived.
        with zipfile.ZipFile(own / "server.jar", "w") as jar:
            for compiled in Path(folder).glob("*.class"):
                jar.write(compiled, compiled.name)
    with tempfile.TemporaryDirectory() as folder:
        archiving = [
            word.replace("-XX:SharedArchiveFile=", "-XX:ArchiveClassesAtExit=") for word in command
        ]
        _run(*archiving, folder, "0", problem="Neo4j did not start")


def _run(*command: str, problem: str) -> None:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NoNeo4j(f"{problem}:\n{(done.stdout + done.stderr)[-2000:]}")


def _java() -> str:
    for program in ("java", "javac"):
        if shutil.which(program) is None:
            raise NoNeo4j(f"there is no NEO4J_URL, no Docker, and no `{program}` to start one with")
    done = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'^\w+ version "(\d+).*', done.stderr, re.MULTILINE | re.DOTALL)
    if found is None or int(found[1]) < JAVA:
        raise NoNeo4j(f"Neo4j needs Java {JAVA} or newer, and here is\n{done.stderr}")
    return found[0]


def _docker_answers() -> bool:
    try:
        done = subprocess.run(["docker", "info"], capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


@contextmanager
def _in_docker() -> Iterator[Neo4j]:
    try:
        from docker.errors import DockerException
        from testcontainers.community.neo4j import Neo4jContainer
    except ImportError as error:
        raise NoNeo4j(f"Docker is here, but testcontainers isn't: {error}") from error
    with ExitStack() as stack:
        try:
            container = stack.enter_context(Neo4jContainer(IMAGE))
        except (DockerException, TimeoutError) as error:
            raise NoNeo4j(f"Docker could not start {IMAGE}: {error}") from error
        yield Neo4j(container.get_connection_url(), container.username, container.password)
