"""Serve the explorer until Ctrl-C: on loopback, or at an address that was named."""

from __future__ import annotations

import os
import socket
import tempfile
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlencode

import uvicorn

from provgraph.errors import CannotAnswer, UsageError
from provgraph.explorer import plainly
from provgraph.explorer.interface import Subject
from provgraph.explorer.server.app import Desk, app_of
from provgraph.explorer.server.guard import ENTER, MOST_HEADERS, Keys, Site, bracketed, is_loopback

PORT = 7411
WILDCARDS = ("", "0.0.0.0", "::", "*")  # noqa: S104 - refused below


def serve(
    subject: Subject,
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    asked: dict[str, str] | None = None,
    open_browser: bool = True,
    say: Callable[[str], None],
    hide: Callable[[str], str] = str,
) -> None:
    """Serve until interrupted; `asked` is the question to begin with.

    Without a port, `PORT` or, where that is taken, a free one. Raises UsageError for a wildcard
    address, CannotAnswer where it can't listen.
    """
    if host in WILDCARDS:
        raise UsageError(
            "the explorer listens at one address",
            hint="name it with --host, or reach this machine with: ssh -L 7411:127.0.0.1:7411",
        )
    listening = _listen(host, port)
    site = Site.at(host, listening.getsockname()[1])
    keys, desk = Keys(), Desk(subject, hide=hide)
    server = uvicorn.Server(
        uvicorn.Config(
            app_of(desk, site, keys),
            access_log=False,
            h11_max_incomplete_event_size=MOST_HEADERS,
            http="h11",
            lifespan="off",
            limit_concurrency=128,
            log_level="error",
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=1,
            timeout_keep_alive=15,
            ws="none",
        )
    )
    words = urlencode({"token": keys.token, **(asked or {})})
    address = f"http://{bracketed(host)}:{site.port}{ENTER}?{words}"
    say(f"the explorer is at {address}")
    if not is_loopback(host):
        say("what it sends isn't encrypted; on a network that isn't yours, use ssh -L instead")
    say("Ctrl-C ends it")
    desk.warm()
    door = _door(address) if open_browser else None
    try:
        if door is not None:
            webbrowser.open(door.as_uri())
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listening])
    finally:
        if door is not None:
            door.unlink(missing_ok=True)
        listening.close()
        desk.close()


def _listen(host: str, port: int | None) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named, asyncio has what is sent to its connections sent at once. Else each
    # answer's second packet waits 40 ms, until the first's receipt was confirmed.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    tries = [PORT, 0] if port is None else [port]
    for number in tries:
        try:
            listening.bind((host, number))
        except OSError as error:
            if number != tries[-1]:
                continue
            listening.close()
            raise CannotAnswer(
                f"can't listen at {bracketed(host)}:{number}: {error.strerror or error}",
                hint="choose another with --port, or none for a free one",
            ) from error
        except OverflowError:
            listening.close()
            raise UsageError(f"{number} is no port", hint="1 to 65535") from None
        break
    # Who comes before the server has begun waits instead of being turned away.
    listening.listen(128)
    return listening


def _door(address: str) -> Path | None:
    """Write a page that leads to the address: a command's words are seen by all who log in here."""
    with suppress(OSError):
        descriptor, name = tempfile.mkstemp(prefix="provgraph-", suffix=".html")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(plainly.leading_on(address))
        return Path(name)
    return None
