"""Neo4j as a server: refused, foreign, killed in the middle, and twenty who push at once."""

import random
import socket
import socketserver
import ssl
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from provgraph.errors import StoreAway, StoreError, TransportError, UsageError
from provgraph.graph import LocalGraph
from provgraph.graph.neo4j import Connection, Neo4jGraph, connection
from provgraph.graph.neo4j.place import Credentials, Place, credentials_for, place_of
from provgraph.graph.neo4j.remote import Neo4jRemote
from provgraph.ledger.ledger import Ledger
from provgraph.ledger.transport import pull, push
from provgraph.model.records import NoteRecord
from tests.contract.stores.making import add, graph_of, moment, product, run, use
from tests.support.neo4j.fixtures import PrivateNeo4j, driver_of
from tests.support.neo4j.server import Neo4j

ROOT = Path(__file__).parents[3]
PASSWORD = "eight-letters"


def ledger_at(place: Path, project: str = "p") -> Ledger:
    place.mkdir(parents=True)
    return Ledger.open(place, project)


def fill(ledger: Ledger, clone: int, runs: int) -> None:
    """Record runs that read what runs of other clones wrote, with notes."""
    for number in range(runs):
        place = 100 * number + clone
        record = run(
            place,
            f"step{place % 7}",
            [use(f"in{number}", "1"), use("shared", "2", "01R0001", maker_step="step1")],
            [product(f"out{clone}-{number % 3}", str(number))],
        )
        ledger.append(record)
        text = ledger.put_private("note", {"text": f"note {clone}"})
        ledger.append(
            NoteRecord(project="p", at=moment(number), subject=record.run, private={"note": text})
        )
    ledger.append(run(1, "step1", [use("raw", "0")], [product("shared", "2")]))


def graph_at(server: Neo4j, *, beside: bool = False) -> Neo4jGraph:
    return Neo4jGraph(Connection(server.url, beside=beside), folder="p", project="p")


def local_graph(*ledgers: Ledger) -> LocalGraph:
    """Give the graph that a rebuild from all these ledgers' records gives."""
    store = LocalGraph(":memory:")
    for ledger in ledgers:
        for name, record in ledger.read_many(sorted(ledger.names())):
            assert not isinstance(record, Exception)
            store.add([(name, record, ledger.private_fields(record))])
    return store


def same_graph(one: LocalGraph, other: Neo4jGraph) -> None:
    left, right = graph_of(one), graph_of(other)
    for part, rows in left.items():
        assert rows - right[part] == set(), f"only from the ledgers: {part}"
        assert right[part] - rows == set(), f"only at the server: {part}"


# -- being let in -------------------------------------------------------------------------------


def test_passwords_are_asked_for_and_checked(
    private_neo4j: PrivateNeo4j, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = private_neo4j(password=PASSWORD)
    for name in ("NEO4J_USERNAME", "NEO4J_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(StoreError, match="wants a password") as refused:
        Connection(server.url).prepare()
    assert "NEO4J_PASSWORD" in refused.value.hint
    monkeypatch.setenv("NEO4J_PASSWORD", "wrong-password")
    with pytest.raises(StoreError, match="refused the user or the password") as refused:
        Connection(server.url).prepare()
    assert not isinstance(refused.value, StoreAway)
    assert "wrong-password" not in refused.value.message + refused.value.hint
    monkeypatch.setenv("NEO4J_PASSWORD", PASSWORD)
    Connection(server.url).prepare()
    with pytest.raises(StoreError, match="has no database 'nix'"):
        Connection(server.url + "/nix").prepare()


def test_credentials_come_from_the_environment_or_a_keyring() -> None:
    place = Place("bolt://h:7687", user="ada")
    assert credentials_for(place, {"NEO4J_PASSWORD": "x"}) == Credentials("ada", "x")
    assert credentials_for(Place("bolt://h:7687"), {"NEO4J_PASSWORD": "x", "NEO4J_USERNAME": "b"})
    assert credentials_for(place, {}) is None
    assert "x" not in repr(Credentials("ada", "x"))


def test_a_keyring_is_asked_where_there_is_one(tmp_path: Path) -> None:
    """The package `keyring` isn't needed; a small one stands in for it, in a process of its own."""
    (tmp_path / "keyring").mkdir()
    (tmp_path / "keyring" / "__init__.py").write_text(
        "def get_password(service, user):\n    return f'{service}/{user}'\n"
    )
    (tmp_path / "keyring" / "errors.py").write_text(
        "class KeyringError(Exception): ...\nclass NoKeyringError(KeyringError): ...\n"
    )
    code = """
        from provgraph.graph.neo4j.place import credentials_for, place_of
        print(credentials_for(place_of("neo4j+s://ada@h.example/db"), {}).password)
    """
    said = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={"PYTHONPATH": f"{tmp_path}:{ROOT}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == "provgraph neo4j+s://h.example:7687/ada"


def test_places_are_taken_apart() -> None:
    assert place_of("bolt://h") == Place("bolt://h:7687")
    assert place_of("neo4j+s://ada%40x@[::1]:99/d%20b") == Place(
        "neo4j+s://[::1]:99", database="d b", user="ada@x"
    )
    assert place_of("neo4j://h?policy=eu").server == "neo4j://h:7687?policy=eu"
    for wrong in ("bolt://", "http://h", "bolt://h:port", "h", "bolt://a:b@h"):
        with pytest.raises(UsageError):
            place_of(wrong)


def test_an_old_server_is_refused(neo4j: Neo4j, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "OLDEST", (99, 0))
    with pytest.raises(StoreError, match=r"is Neo4j 5\.26.*needs 99\.0 or newer"):
        Connection(neo4j.url).prepare()


def test_nobody_there_is_away() -> None:
    with pytest.raises(StoreAway, match="can't be reached"):
        Connection("bolt://127.0.0.1:1").prepare()


def test_a_database_of_somebody_else_is_refused_unless_told(private_neo4j: PrivateNeo4j) -> None:
    server = private_neo4j().access
    with driver_of(server) as driver:
        driver.execute_query("CREATE (:Run {id: 'theirs'}), (:Dataset {name: 'theirs'})")
    with pytest.raises(StoreError, match="holds 2 nodes that aren't provgraph's") as refused:
        Connection(server.url).prepare()
    assert "--beside" in refused.value.hint
    graph = graph_at(server, beside=True)
    add(graph, run(1, "a", [use("x", "1")], [product("y", "2")]))
    assert len(graph.list_runs()) == 1
    graph.clear()
    with driver_of(server) as driver:
        theirs = "MATCH (n) WHERE n.id = 'theirs' OR n.name = 'theirs' RETURN count(n)"
        assert driver.execute_query(theirs)[0][0][0] == 2
    Connection(server.url).prepare()  # from now on it is known


def test_a_graph_of_a_newer_provgraph_is_refused(neo4j: Neo4j) -> None:
    graph = graph_at(neo4j)
    graph.connection.prepare()
    with driver_of(neo4j) as driver:
        driver.execute_query("MATCH (l:LedgerLayout) SET l.layout = 99")
        try:
            with pytest.raises(StoreError, match="newer provgraph"):
                Connection(neo4j.url).prepare()
        finally:
            driver.execute_query("MATCH (l:LedgerLayout) SET l.layout = 1")


def test_a_constraint_violated_by_hand_is_said(neo4j: Neo4j) -> None:
    graph = graph_at(neo4j)
    add(graph, run(1, "a"))
    with driver_of(neo4j) as driver:
        driver.execute_query("CREATE (:Run {id: '01R0002'})")
    with pytest.raises(StoreError, match="changed by hand") as said:
        add(graph, run(2, "b"))
    assert "graph rebuild" in said.value.hint
    assert len(graph.known()) == 1


# -- as a transport -----------------------------------------------------------------------------


def test_pushing_and_pulling_is_union(neo4j: Neo4j, tmp_path: Path) -> None:
    alice, bob = ledger_at(tmp_path / "alice"), ledger_at(tmp_path / "bob")
    fill(alice, 1, 3)
    fill(bob, 2, 3)
    big = alice.put_object(random.Random(1).randbytes(3_500_000))
    graph = graph_at(neo4j)
    assert push(alice, Neo4jRemote(graph, alice, pushing=True)).sent > 0
    assert push(alice, Neo4jRemote(graph, alice, pushing=True)).sent == 0
    push(bob, Neo4jRemote(graph, bob, pushing=True))
    for ledger in (alice, bob):
        pull(ledger, Neo4jRemote(graph, ledger, pushing=False))
    assert alice.names() == bob.names() == graph.known()
    assert bob.get_object(big) == alice.get_object(big)
    assert graph.kept("objects", big[3:]) == alice.get_object(big)
    same_graph(local_graph(alice), graph)


def test_folders_of_other_projects_are_left_alone(neo4j: Neo4j, tmp_path: Path) -> None:
    alice, other = ledger_at(tmp_path / "alice"), ledger_at(tmp_path / "other", "q")
    fill(alice, 1, 2)
    other.append(run(5, "x", project="q"))
    graph, theirs = graph_at(neo4j), Neo4jGraph(Connection(neo4j.url), folder="q", project="q")
    push(alice, Neo4jRemote(graph, alice, pushing=True))
    push(other, Neo4jRemote(theirs, other, pushing=True))
    pull(other, Neo4jRemote(theirs, other, pushing=False))
    assert len(other.names()) == len(theirs.known()) == 1
    assert [r.project for r in theirs.list_runs()] == ["q"]
    theirs.clear()
    same_graph(local_graph(alice), graph)


def test_bytes_changed_at_the_server_are_not_taken(neo4j: Neo4j, tmp_path: Path) -> None:
    alice, bob = ledger_at(tmp_path / "alice"), ledger_at(tmp_path / "bob")
    fill(alice, 1, 2)
    graph = graph_at(neo4j)
    push(alice, Neo4jRemote(graph, alice, pushing=True))
    with driver_of(neo4j) as driver:
        driver.execute_query(
            "MATCH (m:LedgerMember {kind: 'records'}) WITH m LIMIT 1"
            " MATCH (o:LedgerMember {kind: 'private'}) WITH m, o LIMIT 1 SET m.body = o.body"
        )
    done = pull(bob, Neo4jRemote(graph, bob, pushing=False))
    assert len(bob.names()) == len(alice.names()) - 1
    assert any("damaged" in note for note in done.notes)


PUSH = """
    import sys
    from pathlib import Path
    from provgraph.graph.neo4j import Connection, Neo4jGraph
    from provgraph.graph.neo4j.remote import Neo4jRemote
    from provgraph.ledger.ledger import Ledger
    from provgraph.ledger.transport import push
    ledger = Ledger.open(Path(sys.argv[1]), "p")
    graph = Neo4jGraph(Connection(sys.argv[2]), folder="p", project="p")
    push(ledger, Neo4jRemote(graph, ledger, pushing=True))
"""


def pushing(ledger: Ledger, url: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PUSH), str(ledger.place), url],
        cwd=ROOT,
        stderr=subprocess.PIPE,
    )


def test_twenty_who_push_at_once_lose_and_double_nothing(
    private_neo4j: PrivateNeo4j, tmp_path: Path
) -> None:
    """Into a database that nobody has used yet, so they lay it out at once, too."""
    neo4j = private_neo4j().access
    ledgers = [ledger_at(tmp_path / f"clone{number}") for number in range(20)]
    for number, ledger in enumerate(ledgers):
        fill(ledger, number + 2, 5)
    processes = [pushing(ledger, neo4j.url) for ledger in ledgers]
    for process in processes:
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors.decode()
    graph = graph_at(neo4j)
    assert graph.known() == set().union(*(ledger.names() for ledger in ledgers))
    same_graph(local_graph(*ledgers), graph)


def test_a_server_killed_while_pushing_is_pushed_to_again(
    private_neo4j: PrivateNeo4j, tmp_path: Path
) -> None:
    server = private_neo4j()
    ledger = ledger_at(tmp_path / "ledger")
    fill(ledger, 2, 300)
    ledger.put_object(random.Random(2).randbytes(5_000_000))
    chance = random.Random(3)
    interrupted = 0
    for _ in range(3):
        process = pushing(ledger, server.url)
        time.sleep(chance.uniform(0.8, 2.0))
        server.kill()
        _, errors = process.communicate(timeout=200)
        interrupted += process.returncode != 0
        assert process.returncode == 0 or b"StoreAway" in errors or b"can't be reached" in errors
        server.start()
    graph = graph_at(server.access)
    push(ledger, Neo4jRemote(graph, ledger, pushing=True))
    assert graph.known() == ledger.names()
    same_graph(local_graph(ledger), graph)
    assert interrupted


def test_a_pusher_killed_leaves_whole_records(neo4j: Neo4j, tmp_path: Path) -> None:
    ledger = ledger_at(tmp_path / "ledger")
    fill(ledger, 2, 200)
    chance = random.Random(4)
    for _ in range(4):
        process = pushing(ledger, neo4j.url)
        time.sleep(chance.uniform(0.4, 1.5))
        process.kill()
        process.communicate(timeout=60)
    graph = graph_at(neo4j)
    push(ledger, Neo4jRemote(graph, ledger, pushing=True))
    assert graph.known() == ledger.names()
    same_graph(local_graph(ledger), graph)


def test_a_server_away_is_said_as_a_transport_says(tmp_path: Path, neo4j: Neo4j) -> None:
    ledger = ledger_at(tmp_path / "ledger")
    fill(ledger, 2, 1)
    graph = graph_at(neo4j)
    graph.connection.prepare()
    graph.close()
    gone = Neo4jGraph(Connection("bolt://127.0.0.1:1"), folder="p")
    with pytest.raises(TransportError, match=r"stopped: .*can't be reached"):
        push(ledger, Neo4jRemote(gone, ledger, pushing=True))


# -- the same graph as locally -------------------------------------------------------------------


def test_inferred_edges_are_for_analysts_alone(neo4j: Neo4j) -> None:
    graph = graph_at(neo4j)
    add(
        graph,
        run(1, "a", [], [product("x", "1")]),
        run(2, "b", [use("copy", "1")], [product("y", "2")]),
    )
    x, copy = (graph.at_names([name])[0].key for name in ("x", "copy"))
    before = graph_of(graph)
    after = graph.writes()
    assert graph.infer([(copy, x, "copy")], after=after)
    assert not graph.infer([(copy, x, "copy")], after=after)
    assert graph_of(graph) == before
    with driver_of(neo4j) as driver:
        found = driver.execute_query(
            "MATCH (y {name: 'y'})-[:USES|DEPENDS_ON*]->(x:Artefact {name: 'x'})"
            " RETURN count(DISTINCT x)"
        )
    assert found[0][0][0] == 1
    assert graph.infer([], after=graph.writes())
    assert graph.reach([copy], backwards=True).key == []


# -- schemes ------------------------------------------------------------------------------------


def test_routing_is_the_drivers_own(neo4j: Neo4j) -> None:
    """`neo4j://` asks the server for its members and uses them, with our bookmarks."""
    graph = graph_at(replace(neo4j, url=neo4j.url.replace("bolt://", "neo4j://")))
    add(graph, run(1, "a", [use("x", "1")], [product("y", "2")]))
    assert [row.id for row in graph.list_runs()] == ["01R0001"]
    graph.close()


def test_tls_is_used_and_certificates_are_checked(neo4j: Neo4j, tmp_path: Path) -> None:
    """In front of the plain server stands one that speaks TLS with a certificate of its own."""
    with tls_before(neo4j.url, tmp_path) as port:
        graph = Neo4jGraph(Connection(f"bolt+ssc://127.0.0.1:{port}"), folder="p", project="p")
        add(graph, run(1, "a"))
        assert len(graph.known()) == 1
        graph.close()
        with pytest.raises(StoreAway):
            Connection(f"bolt+s://127.0.0.1:{port}").prepare()


@contextmanager
def tls_before(url: str, folder: Path) -> Iterator[int]:
    """Pass what comes by TLS on to a plain server; gives the port."""
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", "/CN=127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"),
        ],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    target = ("127.0.0.1", int(url.rpartition(":")[2]))

    class Forward(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with (
                suppress(OSError),
                socket.create_connection(target) as plain,
                context.wrap_socket(self.request, server_side=True) as safe,
            ):
                back = threading.Thread(target=passed_on, args=(plain, safe), daemon=True)
                back.start()
                passed_on(safe, plain)
                back.join(5)

    class Front(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Front(("127.0.0.1", 0), Forward) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def passed_on(source: socket.socket, target: socket.socket) -> None:
    """Copy bytes until one side ends."""
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
