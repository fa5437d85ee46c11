"""A client that speaks to an ASGI app without a socket, and so can say what no browser would."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple
from urllib.parse import unquote

from provgraph.explorer.server.guard import App, Keys, Message, Site


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


class Client:
    """Asks an explorer; by default as its own page would."""

    def __init__(self, app: App, site: Site, keys: Keys, host: str = "127.0.0.1") -> None:
        self.app = app
        self.site = site
        self.keys = keys
        self.host = f"{host}:{site.port}"

    @property
    def cookie(self) -> str:
        return f"{self.site.cookie}={self.keys.session}"

    def own(self) -> dict[str, str]:
        """Give the headers of a request of the page."""
        return {"host": self.host, "cookie": self.cookie, "sec-fetch-site": "same-origin"}

    def get(self, address: str, headers: Mapping[str, str | None] | None = None) -> Answer:
        return self.ask("GET", address, headers)

    def post(
        self, address: str, body: object, headers: Mapping[str, str | None] | None = None
    ) -> Answer:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        told: dict[str, str | None] = {
            "origin": f"http://{self.host}",
            "content-type": "application/json",
            "content-length": str(len(data)),
            "x-provgraph-proof": self.keys.proof,
        }
        return self.ask("POST", address, told | dict(headers or {}), data)

    def ask(
        self,
        method: str,
        address: str,
        headers: Mapping[str, str | None] | None = None,
        body: bytes = b"",
        twice: Iterable[tuple[str, str]] = (),
    ) -> Answer:
        """Ask; a header of None is left out, `twice` are headers beside the others."""
        merged = {**self.own(), **(headers or {})}
        pairs = [(k, v) for k, v in merged.items() if v is not None] + list(twice)
        path, _, query = address.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode("utf-8", "surrogateescape"),
            "query_string": query.encode("utf-8", "surrogateescape"),
            "root_path": "",
            "headers": [(k.encode("latin-1"), v.encode("utf-8")) for k, v in pairs],
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", self.site.port),
        }
        # In a thread of its own: Playwright leaves a running loop in that of the tests.
        with ThreadPoolExecutor(max_workers=1) as aside:
            return aside.submit(asyncio.run, self._ask(scope, body)).result()

    async def _ask(self, scope: dict[str, Any], body: bytes) -> Answer:
        said: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            said.append(message)

        await self.app(scope, receive, send)
        start = said[0]
        headers = {k.decode().lower(): v.decode("latin-1") for k, v in start["headers"]}
        return Answer(start["status"], headers, b"".join(m.get("body", b"") for m in said[1:]))
