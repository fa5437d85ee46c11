"""Attacks on the explorer's server: each is refused, answers nothing, and changes nothing."""

from __future__ import annotations

import json
from urllib.parse import quote, urlencode

import pytest

from provgraph.project import Project
from tests.fakes.client import Answer, Client
from tests.unit.explorer.conftest import CYPHER, KEYS, MARKUP, PORT

EVIL = ["evil.example", "evil.example:80", f"evil.example:{PORT}", f"127.0.0.1.evil.example:{PORT}"]
HOSTS = [
    *EVIL,
    *(f"{name}:{PORT}" for name in (
        "localhost.evil.example", "evil-localhost", "localhost.", "127.0.0.1.", "127.1", "127.0.1",
        "0", "0.0.0.0", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "127.0.0.2",
        "127.000.000.001", "[::]", "[::ffff:127.0.0.1]", "[0:0:0:0:0:0:0:1]", "[::1%25lo]",
        "[::1%lo]", "::1", "user@127.0.0.1", "evil.example@127.0.0.1", "127.0.0.1@evil.example",
        "127.0.0.1#", "127.0.0.1/", "127.0.0.1\\", "127.0.0.1,evil.example", "127.0.0.1 evil",
        "xn--localhst-9za", "localhöst", "１２７.0.0.1", "localhost%00", "*", "localhost\t",
        "broadcasthost", "ip6-localhost", "localhost.localdomain", "host.docker.internal",
        "rebind.127.0.0.1.nip.example", "169.254.169.254", "10.0.0.1", "192.168.0.1",
    )),
    "", " ", "127.0.0.1", "localhost", "[::1]", "127.0.0.1:", "127.0.0.1:80", "127.0.0.1:0",
    f"127.0.0.1:{PORT + 1}", f"127.0.0.1:0{PORT}", f"127.0.0.1:{PORT} ", f" 127.0.0.1:{PORT}",
    f"127.0.0.1:{PORT}.", f"127.0.0.1:+{PORT}", f"127.0.0.1:{PORT}:{PORT}",
    f"127.0.0.1:{PORT}\r\nx: y", f"http://127.0.0.1:{PORT}", f"//127.0.0.1:{PORT}",
]  # fmt: skip
ORIGINS = [
    "null", "", "http://", "file://", "file:///", "https://127.0.0.1", "http://127.0.0.1",
    f"https://127.0.0.1:{PORT}", f"http://127.0.0.1:{PORT + 1}", f"http://127.0.0.1:{PORT}/",
    f"http://127.0.0.1:{PORT}.evil.example", f"http://evil.example:{PORT}", "http://evil.example",
    f"http://localhost:{PORT}", f"http://[::1]:{PORT}", f"//127.0.0.1:{PORT}",
    f"127.0.0.1:{PORT}", f"ws://127.0.0.1:{PORT}", f"http://user@127.0.0.1:{PORT}",
    f"http://127.0.0.1:{PORT}@evil.example", f"http://127.0.0.1:{PORT}#", f"http://127.0.0.1:{PORT}?",
    f"http://127.0.0.1:{PORT} http://evil.example", f"http://127.0.0.1:{PORT},http://evil.example",
    "chrome-extension://abcdef", "moz-extension://abcdef", "app://provgraph", "data:",
    "about:blank", "blob:null/1", "javascript://x", f"http://127.1:{PORT}", f"http://2130706433:{PORT}",
    f"http://xn--127-0-0-1:{PORT}", f"\thttp://127.0.0.1:{PORT}", "http://127.0.0.1:7411\x00",
]  # fmt: skip
FETCHES = [
    ("cross-site", "cors"), ("cross-site", "no-cors"), ("cross-site", "websocket"),
    ("cross-site", "same-origin"), ("cross-site", None), ("same-site", "cors"),
    ("same-site", "no-cors"), ("same-site", None), ("same-site", "websocket"), ("", None),
    ("unknown", None), ("SAME-ORIGIN", None), ("same-origin, cross-site", None),
]  # fmt: skip
NAMES = [
    "etc/passwd", "../etc/passwd", "../../etc/passwd", "..", ".", "./", "...", "....//", "..;/",
    "secret.txt", "../secret.txt", "../../outside.txt", "provgraph.toml", ".provgraph",
    ".git/config",
    "app.py", "index.html/..", "app.css/", "app.css/../secret.txt", "main.js/../../secret.txt",
    "static/app.css", "page/app.css", "__init__.py", "api", "api/", "api/view/", "api/..", "admin",
    "proc/self/environ", "C:/Windows/win.ini", "c:\\windows\\win.ini", "~root", "~/.ssh/id_rsa",
]  # fmt: skip


def encodings(name: str) -> list[str]:
    """Write a path as it is, encoded, doubly, with backslashes, overlong, behind a slash more."""
    once = quote(name, safe="")
    return [
        f"/{name}", f"/{once}", f"/{quote(once, safe='')}", f"/{name}".replace("/", "\\"),
        f"/{name}".replace("/", "%5c"), f"/{name}".replace(".", "%2e"),
        f"/{name}".replace(".", "%252e"), f"/{name}".replace("..", "%c0%ae%c0%ae"),
        f"//{name}", f"/{name}%00.css", f"/app.css/{once}", f"/api/view/{once}",
    ]  # fmt: skip


PATHS = sorted({path for name in NAMES for path in encodings(name)} - {"/", "/.", "/./"})
TOKENS = [
    "", "x", "null", "undefined", "true", "0", "*", "%00", "token", "[]", "{}", "é", "😀",
    "a" * 43, "A" * 8000, "' OR 1=1 --", "../..", "\x00", " ",
]  # fmt: skip


def never_served(answer: Answer) -> None:
    """See that nothing of the machine, and nothing recorded, is in an answer."""
    assert answer.status >= 400
    assert b"not to be served" not in answer.body
    assert b"root:" not in answer.body
    assert b"provgraph/" not in answer.body
    assert "set-cookie" not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "script-src 'self'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("host", HOSTS)
def test_called_by_another_name(client: Client, host: str) -> None:
    answer = client.get("/api/home", {"host": host})
    never_served(answer)
    assert answer.status == 421


def test_called_by_no_name_or_two(client: Client) -> None:
    assert client.get("/api/home", {"host": None}).status == 421
    answer = client.ask("GET", "/api/home", twice=[("host", "evil.example")])
    never_served(answer)
    assert answer.status == 400


@pytest.mark.parametrize("origin", ORIGINS)
def test_another_origin(client: Client, origin: str) -> None:
    never_served(client.get("/api/home", {"origin": origin}))
    never_served(client.post("/api/note", {"of": "x", "text": "y"}, {"origin": origin}))


@pytest.mark.parametrize(("site", "mode"), FETCHES)
def test_fetched_by_another_page(client: Client, site: str, mode: str | None) -> None:
    never_served(client.get("/api/home", {"sec-fetch-site": site, "sec-fetch-mode": mode}))
    never_served(client.get("/main.js", {"sec-fetch-site": site, "sec-fetch-mode": mode}))


@pytest.mark.parametrize("path", PATHS)
def test_paths_lead_nowhere(client: Client, path: str) -> None:
    never_served(client.get(path))


@pytest.mark.parametrize("token", TOKENS)
def test_no_entry_without_the_token(client: Client, token: str) -> None:
    never_served(client.get("/enter?" + urlencode({"token": token}), {"cookie": None}))
    cookie = f"{client.site.cookie}={quote(token)}"
    never_served(client.get("/api/home", {"cookie": cookie}))


def test_no_secret_opens_another_door(client: Client) -> None:
    keys = client.keys
    for wrong in (keys.token[:-1], keys.token + "x", keys.token.swapcase(), keys.session):
        never_served(client.get("/enter?" + urlencode({"token": wrong}), {"cookie": None}))
    for wrong in (keys.session[:-1], keys.session + "x", keys.token, keys.proof):
        never_served(client.get("/api/home", {"cookie": f"{client.site.cookie}={wrong}"}))
    for name in ("provgraph-7412", "provgraph", "PROVGRAPH-7411", "__Host-provgraph-7411"):
        never_served(client.get("/api/home", {"cookie": f"{name}={keys.session}"}))
    never_served(client.get(f"/api/home?token={keys.token}", {"cookie": None}))
    never_served(client.get("/api/home", {"cookie": None, "authorization": keys.session}))
    tampered = client.ask("GET", "/api/home", twice=[("cookie", client.cookie)])
    assert tampered.status == 400


@pytest.mark.parametrize("where", ["//evil.example/", "https://evil.example/", "/\\evil.example"])
def test_the_door_leads_only_home(client: Client, where: str) -> None:
    for key in ("to", "next", "url", "redirect", "q", "of"):
        asked = urlencode({"token": client.keys.token, key: where})
        answer = client.get(f"/enter?{asked}", {"cookie": None})
        assert answer.status == 200
        assert f'content="0;url=/?{key}=' in answer.text
        assert "location" not in answer.headers


@pytest.mark.parametrize("method", "PUT DELETE PATCH OPTIONS TRACE CONNECT PROPFIND get x".split())
@pytest.mark.parametrize("path", ["/", "/api/home", "/api/note", "/enter", "/app.css"])
def test_only_known_methods(client: Client, path: str, method: str) -> None:
    answer = client.ask(method, path)
    never_served(answer)
    assert answer.status == 405


READ_ONLY = [
    "/", "/api/home", "/api/view", "/api/rows", "/api/export", "/api/preview", "/api/image",
    "/api/history", "/app.css", "/plain",
]  # fmt: skip


@pytest.mark.parametrize("path", READ_ONLY)
def test_what_is_read_takes_no_changes(client: Client, path: str) -> None:
    assert client.post(path, {"of": "x"}).status == 405


HUGE = [
    ("/api/view?of=" + "a" * 9_000, {}, 414),
    ("/api/view?" + "&".join(f"a{n}=1" for n in range(2_000)), {}, 414),
    ("/" + "a" * 300, {}, 414),
    ("/api/home", {"x": "y" * 20_000}, 431),
    ("/api/home", {"cookie": "a=" + "b" * 20_000}, 431),
    ("/api/home", {"content-length": "1"}, 413),
    ("/api/home", {"content-length": "-1"}, 400),
    ("/api/home", {"content-length": "1e9"}, 400),
    ("/api/home", {"content-length": "9" * 30}, 400),
    ("/api/home", {"content-length": "٣"}, 400),
    ("/api/home", {"transfer-encoding": "chunked"}, 411),
]


@pytest.mark.parametrize(("address", "headers", "status"), HUGE)
def test_too_much(client: Client, address: str, headers: dict[str, str], status: int) -> None:
    assert client.get(address, headers).status == status


QUESTIONS = ("focus", "impact", "why", "explain", "diff", "log")


def hostile_question(question: str, payload: str) -> str:
    asked = {"q": question, "of": payload, "to": payload, "before": payload, "after": payload}
    return urlencode(asked | {"step": payload, "open": payload, "unfold": payload})


@pytest.mark.parametrize("payload", MARKUP)
@pytest.mark.parametrize("question", QUESTIONS)
def test_markup_stays_text(client: Client, question: str, payload: str) -> None:
    asked = hostile_question(question, payload)
    answer = client.get(f"/api/view?{asked}")
    assert answer.headers["content-type"] == "application/json"
    assert answer.body.isascii()
    page = client.get(f"/plain?{asked}")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for tag in ("<script", "<img", "<svg", "<iframe", "<style", "<base", "<!--", "onmouseover='"):
        assert tag not in page.text.lower()
    assert "\u202e" not in page.text


@pytest.mark.parametrize("payload", [*CYPHER, *KEYS])
@pytest.mark.parametrize("question", QUESTIONS)
def test_queries_in_names_change_nothing(
    client: Client, hostile: Project, question: str, payload: str
) -> None:
    before = hostile.graph_status()
    for head in ("", "kind:", "run:", "gen:", "env:", "hardware:", "x@", "data#"):
        answer = client.get(f"/api/view?{hostile_question(question, head + payload)}")
        assert answer.status in (200, 400, 404, 422)
    assert client.get("/api/search?" + urlencode({"text": payload})).status == 200
    assert hostile.graph_status() == before


@pytest.mark.parametrize("number", ["-1", "1e9", "NaN", "0x10", "9" * 40, "", "١", "1;2", " 1"])
def test_numbers_that_are_none(client: Client, number: str) -> None:
    asked = urlencode({"q": "log", "offset": number, "limit": number, "sort": number})
    answer = client.get(f"/api/rows?{asked}")
    assert answer.status == 200
    assert len(answer.json["rows"]) <= 1_000


PATH_SELECTORS = [
    "../outside.txt", "/etc/passwd", "./../../outside.txt", "secret.txt/../../outside.txt",
    "//etc/passwd", "/proc/self/environ", "~/.ssh/id_rsa", "file:///etc/passwd",
    "\\..\\outside.txt",
    "./%2e%2e/outside.txt", "/dev/zero", "/dev/stdin",
]  # fmt: skip


@pytest.mark.parametrize("selector", PATH_SELECTORS)
@pytest.mark.parametrize(
    "address",
    [
        "/api/view?q=impact&",
        "/api/show?",
        "/plain?q=focus&",
        "/api/preview?",
        "/api/image?",
        "/api/export?as=csv&q=impact&",
    ],
)
def test_selectors_reach_no_file_outside(client: Client, address: str, selector: str) -> None:
    answer = client.get(address + urlencode({"of": selector}))
    assert answer.status in (400, 404)
    assert b"not to be served" not in answer.body
    assert b"root:" not in answer.body


def test_a_file_in_the_project_is_named_not_served(client: Client, hostile: Project) -> None:
    for address in ("/api/view?q=impact&of=secret.txt", "/plain?q=impact&of=secret.txt"):
        body = client.get(address).body
        assert b"not to be served" not in body
        assert str(hostile.root).encode() not in body


FORGED: list[tuple[str, object, dict[str, str | None]]] = [
    ("no proof", {}, {"x-provgraph-proof": None}),
    ("an empty proof", {}, {"x-provgraph-proof": ""}),
    ("another proof", {}, {"x-provgraph-proof": "a" * 43}),
    ("no origin", {}, {"origin": None}),
    ("no cookie", {}, {"cookie": None}),
    ("a form", {}, {"content-type": "application/x-www-form-urlencoded"}),
    ("a form with files", {}, {"content-type": "multipart/form-data; boundary=x"}),
    ("plain text", {}, {"content-type": "text/plain"}),
    ("no type", {}, {"content-type": None}),
    ("another type", {}, {"content-type": "application/json-patch+json"}),
    ("no JSON", b"of=x&text=y", {}),
    ("half a JSON", b'{"of": "x"', {}),
    ("a list", b'["x", "y"]', {}),
    ("a text", b'"x"', {}),
    ("nothing", b"", {}),
    ("deep", b"[" * 30_000 + b"]" * 30_000, {}),
    ("no UTF-8", b'{"of": "\xff", "text": "y"}', {}),
    ("NaN", b'{"of": NaN, "text": "y"}', {}),
    ("a number", b'{"of": 1, "text": "y"}', {}),
    ("an object inside", b'{"of": {"$ne": ""}, "text": "y"}', {}),
    ("one key too many", {"of": "data", "text": "y", "__proto__": "z"}, {}),
    ("one key too few", {"text": "y"}, {}),
    ("an unknown thing", {"of": "nothing", "text": "y"}, {}),
    ("an empty note", {"of": "data/0/" + MARKUP[0], "text": "  "}, {}),
    ("a long note", {"of": "data/0/" + MARKUP[0], "text": "y" * 5_000}, {}),
    ("a huge body", {"of": "x", "text": "y" * 70_000}, {}),
    ("a lie about the length", {"of": "x", "text": "y" * 70_000}, {"content-length": "10"}),
    ("in pieces", {}, {"transfer-encoding": "chunked", "content-length": None}),
]


@pytest.mark.parametrize(("body", "headers"), [c[1:] for c in FORGED], ids=[c[0] for c in FORGED])
@pytest.mark.parametrize("address", ["/api/note", "/api/pin"])
def test_no_change_is_forged(
    client: Client,
    hostile: Project,
    address: str,
    body: object,
    headers: dict[str, str | None],
) -> None:
    before = hostile.ledger.names()
    valid = {"of": "data/0/" + MARKUP[0], "text": "a note"}
    answer = client.post(address, body if body != {} else valid, headers)
    assert answer.status in (400, 403, 404, 411, 413, 415)
    assert hostile.ledger.names() == before


def test_a_failure_says_nothing_about_the_machine(
    client: Client, hostile: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_words: object, **_options: object) -> None:
        raise OSError(13, "Permission denied", str(hostile.root / "secret.txt"))

    monkeypatch.setattr(hostile, "status", fails)
    answer = client.get("/api/view?q=status")
    assert answer.status == 500
    assert str(hostile.root) not in answer.text
    assert json.loads(answer.body)["error"] == "a file can't be read or written"
