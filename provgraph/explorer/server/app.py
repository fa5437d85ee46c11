"""The app: a closed list of addresses, each one question or one file.

Everything but notes and pins is read-only.

All questions are asked in one thread, one after the other: a store has one connection.
"""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from provgraph.analysis.showing import run_id
from provgraph.errors import (
    CannotAnswer,
    LedgerError,
    ProvgraphError,
    SelectorError,
    StoreError,
    UsageError,
)
from provgraph.explorer import plainly
from provgraph.explorer.assets import Asset, assets
from provgraph.explorer.exports import export, formats_of
from provgraph.explorer.home import home
from provgraph.explorer.interface import Subject
from provgraph.explorer.narrowing import chosen
from provgraph.explorer.preview import MOST_BYTES, image_type, preview_of
from provgraph.explorer.recalling import Latest, Recalling
from provgraph.explorer.server.guard import ENTER, MOST_BODY, App, Guard, Keys, Site, same
from provgraph.explorer.views import Answered, ask
from provgraph.model.answers import to_json
from provgraph.render.looks import looks
from provgraph.render.text_parts import when

# Files and ledger are looked at again when a question comes this long after the last look.
FRESH = 2.0
PATIENCE = 60.0
MOST_KEPT = 24
MOST_WAITING = 32
LONGEST_NOTE = 4_000
# A sparkline of more runs than this shows no more.
MOST_HISTORY = 200


class Desk:
    """Answers questions about one subject, one at a time, and keeps the last answers.

    `hide` takes the machine's paths out of an error's words.
    """

    def __init__(
        self, subject: Subject, *, hide: Callable[[str], str] = str, patience: float = PATIENCE
    ) -> None:
        self._recalling = Recalling(subject)
        self.subject = self._recalling.as_subject()
        self.hide = hide
        self._patience = patience
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="questions")
        self._kept = Latest[Answered](MOST_KEPT)
        self._waiting = 0
        self._home: dict[str, Any] | None = None
        self._stamp = ""

    async def do(self, work: Callable[[], Any]) -> Any:
        """Do something in the thread of the questions; raises TimeoutError, Busy."""
        if self._waiting >= MOST_WAITING:
            raise Busy
        self._waiting += 1
        future = asyncio.get_running_loop().run_in_executor(self._thread, work)
        future.add_done_callback(self._done)
        return await asyncio.wait_for(asyncio.shield(future), self._patience)

    def _done(self, future: asyncio.Future[Any]) -> None:
        self._waiting -= 1
        if not future.cancelled():
            future.exception()  # taken note of, where nobody waits for it any more

    def look(self) -> str:
        """Look at the ledger and the files, and forget answers that no longer hold."""
        stamp = self.subject.hold(for_seconds=FRESH)
        if stamp != self._stamp:
            self._kept.clear()
            self._recalling.forget()
            self._home = None
            self._stamp = stamp
        return stamp

    def answer(self, question: str, asked: Mapping[str, str]) -> tuple[str, Answered]:
        """Answer a question, from what is kept where it still holds."""
        stamp = self.look()
        key = (question, *(f"{k}={v}" for k, v in sorted(asked.items()) if k in ASKED))
        return stamp, self._kept.get(key, lambda: ask(self.subject, question, asked))

    def home(self) -> tuple[str, dict[str, Any]]:
        """Give what is shown before any question, from what is kept where it still holds."""
        stamp = self.look()
        if self._home is None:
            self._home = home(self.subject)
        return stamp, self._home

    def warm(self) -> None:
        """Begin to look, before anybody asks: a browser takes a while to come."""
        self._thread.submit(self.home)  # should it fail, who asks is told
        self._thread.submit(self.subject.search, "-")
        # What is there now stays: looking through it again and again would delay answers.
        self._thread.submit(gc.collect)
        self._thread.submit(gc.freeze)

    def close(self) -> None:
        """Let go of the thread; what it is doing is left to end."""
        self._thread.shutdown(wait=False, cancel_futures=True)


class Busy(Exception):
    """So many questions wait that another would wait too long."""


# What of an address belongs to the question; the rest is how it is shown.
ASKED = frozenset(
    "of to because before after all step status since until touching making open unfold".split()
)


def app_of(desk: Desk, site: Site, keys: Keys) -> App:
    """Build the app, guarded."""
    routes = [
        Route(ENTER, _enter(site, keys)),
        Route("/", _page),
        Route("/plain", _answering(desk, _plain)),
        Route("/api/state", _answering(desk, _state(keys))),
        Route("/api/home", _answering(desk, _home)),
        Route("/api/search", _answering(desk, _search)),
        Route("/api/show", _answering(desk, _show)),
        Route("/api/view", _answering(desk, _view)),
        Route("/api/rows", _answering(desk, _rows)),
        Route("/api/history", _answering(desk, _history)),
        Route("/api/preview", _answering(desk, _preview)),
        Route("/api/image", _answering(desk, _image)),
        Route("/api/export", _answering(desk, _export)),
        Route("/api/note", _answering(desk, _note), methods=["POST"]),
        Route("/api/pin", _answering(desk, _pin), methods=["POST"]),
        *(Route(f"/{name}", _file(asset)) for name, asset in assets().items()),
    ]
    app = Starlette(routes=routes)
    app.router.redirect_slashes = False
    return Guard(app, site, keys)


# -- what isn't a question -------------------------------------------------------------------


def _enter(site: Site, keys: Keys) -> Any:
    async def enter(request: Request) -> Response:
        """Exchange the token for a cookie, and lead on from here.

        By a page, not a redirect: a strict cookie isn't sent along where another site's page, or
        a file, began the redirect.
        """
        if not same(request.query_params.get("token", ""), keys.token):
            return PlainTextResponse("This key fits another explorer, or none.\n", 403)
        rest = [(k, v) for k, v in request.query_params.multi_items() if k != "token"]
        response = Response(
            plainly.leading_on("/?" + urlencode(rest) if rest else "/"),
            media_type="text/html; charset=utf-8",
        )
        response.set_cookie(site.cookie, keys.session, httponly=True, samesite="strict", path="/")
        return response

    return enter


async def _page(_request: Request) -> Response:
    asset = assets()["index.html"]
    return Response(asset.body, media_type=asset.type)


def _file(asset: Asset) -> Any:
    async def file(request: Request) -> Response:
        """Give a file of the page; the browser keeps it and asks whether it still holds."""
        tag = f'"{asset.tag}"'
        headers = {"etag": tag, "cache-control": "no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(asset.body, media_type=asset.type, headers=headers)

    return file


# -- answering -------------------------------------------------------------------------------

Answering = Callable[[Desk, Mapping[str, str], Any], Response | tuple[str, Any]]


def _answering(desk: Desk, work: Answering) -> Any:
    async def answer(request: Request) -> Response:
        """Answer, or say why not in the words of the command line."""
        asked = dict(request.query_params.items())
        try:
            body = await _body(request) if request.method == "POST" else None
            done = await desk.do(lambda: work(desk, asked, body))
        except ProvgraphError as error:
            return _refusal(desk, error, plain=request.url.path == "/plain")
        except TimeoutError:
            return _json({"error": "this takes too long", "hint": "ask about less"}, 503)
        except Busy:
            return _json({"error": "too many questions wait", "hint": "try again soon"}, 503)
        except OSError:
            return _json({"error": "a file can't be read or written", "hint": ""}, 500)
        if isinstance(done, Response):
            return done
        stamp, value = done
        tag = f'W/"{stamp}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"etag": tag, "cache-control": "no-cache"})
        return _json(value, headers={"etag": tag, "cache-control": "no-cache"})

    return answer


async def _body(request: Request) -> Any:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BODY:
            raise UsageError("that is too much")
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise UsageError("a change is told as a JSON object") from None
    if not isinstance(told, dict) or not all(isinstance(value, str) for value in told.values()):
        raise UsageError("a change is told as a JSON object of texts")
    return told


def _refusal(desk: Desk, error: ProvgraphError, *, plain: bool) -> Response:
    status = 422
    if isinstance(error, UsageError):
        status = 404 if isinstance(error, SelectorError) else 400
    elif isinstance(error, (LedgerError, StoreError)):
        status = 500
    nearest = list(getattr(error, "nearest", ()))
    said = {"error": desk.hide(error.message), "hint": desk.hide(error.hint), "nearest": nearest}
    if plain:
        page = plainly.sorry(str(said["error"]), str(said["hint"]), nearest)
        return Response(page, status, media_type="text/html; charset=utf-8")
    return _json(said, status)


def _json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    body = json.dumps(value, ensure_ascii=True, separators=(",", ":"), default=_plain_value)
    return Response(body, status, media_type="application/json", headers=headers)


def _plain_value(value: Any) -> Any:
    plain = to_json(value)
    return str(value) if plain is value else plain


def _state(keys: Keys) -> Answering:
    def state(desk: Desk, _asked: Mapping[str, str], _body: Any) -> tuple[str, Any]:
        """Say what was last seen, what the page needs to change things, and how things look."""
        stamp = desk.look()
        return stamp, {
            "stamp": stamp,
            "title": desk.subject.title,
            "proof": keys.proof,
            "looks": looks(),
        }

    return state


def _home(desk: Desk, _asked: Mapping[str, str], _body: Any) -> tuple[str, Any]:
    return desk.home()


def _search(desk: Desk, asked: Mapping[str, str], _body: Any) -> tuple[str, Any]:
    stamp = desk.look()
    return stamp, {"found": desk.subject.search(asked.get("text", "")[:200])}


def _show(desk: Desk, asked: Mapping[str, str], _body: Any) -> tuple[str, Any]:
    stamp = desk.look()
    if not asked.get("of"):
        raise UsageError("show what?", hint="a name, in of=")
    shown = plainly.shown_view(desk.subject.show(asked["of"]))
    return stamp, shown | {"selector": desk.subject.told_by(asked["of"])}


def _view(desk: Desk, asked: Mapping[str, str], _body: Any) -> tuple[str, Any]:
    question = asked.get("q", "")
    stamp, answered = desk.answer(question, asked)
    return stamp, answered.view(question, asked) | {"formats": formats_of(answered)}


def _rows(desk: Desk, asked: Mapping[str, str], _body: Any) -> tuple[str, Any]:
    stamp, answered = desk.answer(asked.get("q", ""), asked)
    return stamp, answered.table.page(
        find=asked.get("find", "")[:200],
        stack=asked.get("stack", "")[:64],
        sort=asked.get("sort", "")[:64],
        by=chosen(asked),
        offset=_number(asked, "offset", 0),
        limit=_number(asked, "limit", 100),
    )


def _history(desk: Desk, asked: Mapping[str, str], _body: Any) -> tuple[str, Any]:
    """Give how the metrics of a run's step went, over its newest runs, oldest first."""
    stamp = desk.look()
    log = desk.subject.log(step=asked.get("step", "")[:400] or None, limit=MOST_HISTORY)
    points: dict[str, list[list[Any]]] = {}
    for run in reversed(log.runs):
        for name, value in run.metrics.items():
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                points.setdefault(name, []).append([run_id(run.id), when(run.started), value])
    return stamp, {"runs": log.totals["runs"], "metrics": points}


def _preview(desk: Desk, asked: Mapping[str, str], _body: Any) -> tuple[str, Any]:
    stamp = desk.look()
    try:
        found = desk.subject.content(asked.get("of", ""), most=MOST_BYTES)
    except CannotAnswer as error:
        return stamp, {"type": "none", "words": error.message}
    return stamp, preview_of(found.name, found.data, found.where)


def _image(desk: Desk, asked: Mapping[str, str], _body: Any) -> Response:
    """Give an image to be shown as one: opened by itself it can do nothing either."""
    desk.look()
    found = desk.subject.content(asked.get("of", ""), most=MOST_BYTES)
    kind = image_type(found.name, found.data)
    if not kind:
        raise CannotAnswer(f"{found.name} is no image that a browser shows")
    policy = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return Response(found.data, media_type=kind, headers={"content-security-policy": policy})


def _export(desk: Desk, asked: Mapping[str, str], _body: Any) -> Response:
    question = asked.get("q", "")
    _, answered = desk.answer(question, asked)
    text, made = export(desk.subject, answered, asked, asked.get("as", ""))
    disposition = f'attachment; filename="provgraph-{question}.{made.ending}"'
    return Response(
        text.encode("utf-8", "surrogateescape"),
        media_type=made.type,
        headers={"content-disposition": disposition},
    )


def _plain(desk: Desk, asked: Mapping[str, str], _body: Any) -> Response:
    stamp = desk.look()
    question = asked.get("q", "")
    if not question:
        page = plainly.home_page(desk.home()[1])
    elif question == "show":
        page = plainly.show_page(desk.subject.show(asked.get("of", "")))
    else:
        answered = desk.answer(question, asked)[1]
        page = plainly.view_page(
            answered.view(question, asked)
            | {"table": answered.table.page(offset=_number(asked, "offset", 0))},
            asked,
        )
    return Response(page, media_type="text/html; charset=utf-8", headers={"etag": f'W/"{stamp}"'})


def _number(asked: Mapping[str, str], name: str, default: int) -> int:
    text = asked.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else default


# -- changes ---------------------------------------------------------------------------------


def _told(body: Any, *names: str) -> list[str]:
    if sorted(body) != sorted(names):
        raise UsageError("a change tells " + " and ".join(names))
    return [body[name] for name in names]


def _note(desk: Desk, _asked: Mapping[str, str], body: Any) -> Response:
    of, text = _told(body, "of", "text")
    if not text.strip() or len(text) > LONGEST_NOTE:
        raise UsageError(f"a note has 1 to {LONGEST_NOTE:,} characters")
    desk.subject.note(of, text)
    return _json({"done": True}, 201)


def _pin(desk: Desk, _asked: Mapping[str, str], body: Any) -> Response:
    of, how = _told(body, "of", "as")
    desk.subject.pin(of, as_=how)
    return _json({"done": True}, 201)
