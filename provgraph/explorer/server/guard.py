"""Who may ask: checks on every request before anything is answered, and headers on every answer.

Against: pages elsewhere that reach a local server (DNS rebinding, cross-site requests, another
server's page on this machine), whoever else is logged in here (the token), and requests made to
cost much. Cookies don't tell ports apart, so the site is checked by its whole origin as well.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MOST_QUERY = 8_192
MOST_PATH = 256
MOST_HEADERS = 16_384
MOST_BODY = 65_536
ENTER = "/enter"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; manifest-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)


@dataclass(frozen=True)
class Keys:
    """The secrets of one server: the token of its address, the cookie's value, the page's proof.

    The token opens the page once and again while the server runs; the proof goes with each POST.
    """

    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    session: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    proof: str = field(default_factory=lambda: secrets.token_urlsafe(32))


@dataclass(frozen=True)
class Site:
    """Where the server is: every `host:port` that a browser may call it by."""

    hosts: frozenset[str]
    port: int

    @classmethod
    def at(cls, host: str, port: int) -> Site:
        """Give the site of a server that listens at a host: loopback has three names."""
        names = {bracketed(host)}
        if is_loopback(host):
            names = {"127.0.0.1", "localhost", "[::1]"}
        hosts = {f"{name}:{port}" for name in names}
        return cls(frozenset(hosts | (names if port == 80 else set())), port)

    @property
    def cookie(self) -> str:
        """Name the cookie by the port, so that two explorers don't overwrite each other's."""
        return f"provgraph-{self.port}"


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine for itself alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def bracketed(host: str) -> str:
    """Write a host as in a URL."""
    return f"[{host}]" if ":" in host else host.lower()


class Guard:
    """Wraps an app: refuses what isn't allowed, and adds the headers to what is answered."""

    def __init__(self, app: App, site: Site, keys: Keys) -> None:
        self._app = app
        self._site = site
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            return
        refused = self._refused(scope)
        if refused is not None:
            await _say(_guarded(send), *refused, head=scope["method"] == "HEAD")
            return
        await self._app(scope, receive, _guarded(send))

    def _refused(self, scope: Scope) -> tuple[int, str] | None:
        """Give the status and the words of a refusal, or None."""
        headers = _headers(scope)
        if headers is None:
            return 400, "a header is there twice"
        return (
            self._elsewhere(headers)
            or self._malformed(scope, headers)
            or self._stranger(scope, headers)
        )

    def _elsewhere(self, headers: dict[str, str]) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if host.lower() not in self._site.hosts:
            return 421, "this server is not called that"
        origin = headers.get("origin")
        if origin is not None and origin.lower() != f"http://{host.lower()}":
            return 403, "that came from another site"
        if headers.get("sec-fetch-site", "none") in ("same-origin", "none"):
            return None
        # Another page may lead here (an address clicked in a chat), but not fetch from here.
        if headers.get("sec-fetch-mode") == "navigate" and origin is None:
            return None
        return 403, "that came from another site"

    def _malformed(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
        raw = scope.get("raw_path") or scope["path"].encode("utf-8", "replace")
        if len(raw) > MOST_PATH or len(scope.get("query_string", b"")) > MOST_QUERY:
            return 414, "the address is too long"
        if sum(len(name) + len(value) for name, value in scope["headers"]) > MOST_HEADERS:
            return 431, "too many headers"
        if any(byte in raw for byte in (b"%", b"\\", b"//", b"..", b";")) or not raw.isascii():
            return 404, "there is no such page"
        if scope["method"] not in ("GET", "HEAD", "POST"):
            return 405, "only GET, HEAD and POST"
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdecimal() or len(length) > 12:
            return 400, "the length is no number"
        if int(length) > (MOST_BODY if scope["method"] == "POST" else 0):
            return 413, "that is too much"
        if "transfer-encoding" in headers:
            return 411, "say how long the body is"
        return None

    def _stranger(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
        if scope["path"] == ENTER:
            return None if scope["method"] in ("GET", "HEAD") else (405, "only GET")
        try:
            cookies = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return 400, "the cookie can't be read"
        shown = cookies.get(self._site.cookie)
        if shown is None or not same(shown.value, self._keys.session):
            return 403, "Open the address that `provgraph explore` printed: it holds the key."
        if scope["method"] == "POST":
            if headers.get("origin") is None:
                return 403, "a change has to come from the page"
            if not same(headers.get("x-provgraph-proof", ""), self._keys.proof):
                return 403, "a change has to come from the page"
            if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
                return 415, "a change is told as JSON"
        return None


def same(given: str, kept: str) -> bool:
    """Compare with a secret, taking as long whatever is given."""
    return secrets.compare_digest(given.encode("utf-8", "replace"), kept.encode())


def _headers(scope: Scope) -> dict[str, str] | None:
    """Give the headers, or None where one that decides something is there twice."""
    out: dict[str, str] = {}
    for name, value in scope["headers"]:
        key = name.decode("latin-1").lower()
        if key in out and key in ONCE:
            return None
        out[key] = value.decode("latin-1")
    return out


ONCE = frozenset(
    "host origin cookie content-length content-type transfer-encoding sec-fetch-site "
    "sec-fetch-mode x-provgraph-proof".split()
)


def _guarded(send: Send) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", []))
            there = {name.lower() for name, _ in headers}
            headers += [pair for pair in HEADERS if pair[0] not in there]
            if b"cache-control" not in there:
                headers.append((b"cache-control", b"no-store"))
            message = {**message, "headers": headers}
        await send(message)

    return guarded


async def _say(send: Send, status: int, words: str, *, head: bool = False) -> None:
    body = f"{words}\n".encode()
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (b"content-type", b"text/plain; charset=utf-8"),
                (b"content-length", str(len(body)).encode()),
                (b"connection", b"close"),
            ],
        }
    )
    await send({"type": "http.response.body", "body": b"" if head else body})
