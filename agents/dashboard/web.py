"""The page and what it asks for, over HTTP. Owner of aiohttp's server side.

The rules of the door: reading is free, changing needs `Access`, a JSON body and, where
the browser tells one, our own origin; the page may load nothing but what is ours.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from agents.dashboard.access import SESSION, Access
from agents.dashboard.hub import Hub
from bus.codec import decode, encode
from bus.errors import PayloadError
from bus.messages.peers import PeerTerms

STATIC: Final = Path(__file__).parent / "static"
VENDOR: Final = Path(__file__).parent / "node_modules"
# Keys: names of the page's; values: where npm has put them.
VENDORED: Final = {
    "uPlot.esm.js": "uplot/dist",
    "uPlot.min.css": "uplot/dist",
    "nacl-fast.min.js": "tweetnacl",
    "qrcode.mjs": "qrcode-generator/dist",
}
BODY_BYTES: Final = 4096
BODY_S: Final = 10.0  # until it has come
PAGES: Final = 128  # streams at once
STREAM_LIMIT_S: Final = 20.0  # a page that takes nothing for so long is let go
SERIES_S: Final = 5.0  # for so long series are not made anew

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
# agent, verb, exit -> what went wrong
Ask = Callable[[str, str, str], Awaitable[str]]
# entry, name, public key -> what went wrong, what the client has to know
AddPeer = Callable[[str, str, str], Awaitable[tuple[str, PeerTerms | None]]]


@dataclass(slots=True)
class Site:
    """What the handlers need.

    Attributes:
        ask: Puts a request onto the bus.
        add_peer: The same, for a client; its private key stays in the browser.
        body_s: How long the body of a request may take.
    """

    hub: Hub
    access: Access
    ask: Ask
    add_peer: AddPeer
    body_s: float = BODY_S
    _series: tuple[float, bytes] = (-SERIES_S, b"")
    _pages: int = 0

    def app(self) -> web.Application:
        """The application; every path that there is."""
        app = web.Application(middlewares=[_safe], client_max_size=BODY_BYTES)
        app.router.add_get("/", _index)
        app.router.add_get("/static/{name}", _static)
        app.router.add_get("/vendor/{name}", _vendor)
        app.router.add_get("/api/stream", self._stream)
        app.router.add_get("/api/series", self._all_series)
        app.router.add_get("/api/me", self._me)
        app.router.add_post("/api/login", self._log_in)
        app.router.add_post("/api/logout", self._log_out)
        app.router.add_post("/api/request", self._request)
        app.router.add_post("/api/peer", self._peer)
        return app

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        if self._pages >= PAGES:
            raise web.HTTPServiceUnavailable(text="too many pages are open")
        response = web.StreamResponse(
            headers={
                **HEADERS,
                "Content-Type": "text/event-stream",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
            }
        )
        await response.prepare(request)
        self._pages += 1
        try:
            frames = self.hub.frames(request.headers.get("Last-Event-ID", ""))
            async for frame in frames:
                async with asyncio.timeout(STREAM_LIMIT_S):
                    await response.write(frame)
        except (ConnectionResetError, TimeoutError):
            pass  # the page is gone, or as good as
        finally:
            self._pages -= 1
        return response

    async def _all_series(self, request: web.Request) -> web.Response:
        """Every exit's measurements over an hour and a day."""
        del request
        made_s, body = self._series
        if time.monotonic() - made_s >= SERIES_S:
            tracks = self.hub.picture.tracks
            body = encode(
                {
                    name: {"hour": track.hour.columns(), "day": track.day.columns()}
                    for name, track in sorted(tracks.items())
                }
            )
            self._series = (time.monotonic(), body)
        return web.Response(body=body, content_type="application/json")

    async def _me(self, request: web.Request) -> web.Response:
        return web.json_response(
            {"may_act": self._may_act(request), "login": self.access.token is not None}
        )

    async def _log_in(self, request: web.Request) -> web.Response:
        said = await self._body(request)
        session = self.access.log_in(_text(said, "token"))
        if session is None:
            raise web.HTTPForbidden(text="This is not the token, or try later.")
        return web.json_response({"may_act": True, "session": session})

    async def _log_out(self, request: web.Request) -> web.Response:
        await self._body(request)
        self.access.log_out(request.headers.get(SESSION, ""))
        return web.json_response({"may_act": False})

    async def _request(self, request: web.Request) -> web.Response:
        said = await self._wish(request)
        agent, verb, exit_ = (_text(said, key) for key in ("agent", "verb", "exit"))
        error = await self.ask(agent, verb, exit_)
        return web.json_response({"ok": not error, "error": error})

    async def _peer(self, request: web.Request) -> web.Response:
        said = await self._wish(request)
        entry, name, key = (_text(said, one) for one in ("entry", "name", "public_key"))
        error, terms = await self.add_peer(entry, name, key)
        answer = {"ok": not error, "error": error, "peer": terms}
        return web.Response(body=encode(answer), content_type="application/json")

    async def _wish(self, request: web.Request) -> dict[str, Any]:
        """What somebody wants who may."""
        said = await self._body(request)
        if not self._may_act(request):
            raise web.HTTPForbidden(text="Log in first.")
        return said

    async def _body(self, request: web.Request) -> dict[str, Any]:
        """The JSON object that was sent, by our own page as far as the browser tells.

        A foreign page can send neither this content type nor our header.
        """
        origin = request.headers.get("Origin")
        if origin is not None and origin.partition("://")[2] != request.host:
            text = "Another page may not do this; a proxy has to pass Host on."
            raise web.HTTPForbidden(text=text)
        if request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType(text="Only JSON is understood.")
        try:
            async with asyncio.timeout(self.body_s):
                raw = await request.read()
            # JSON is UTF-8 (RFC 8259, 8.1), whatever charset is said.
            return decode(dict[str, Any], raw)
        except TimeoutError as error:
            raise web.HTTPRequestTimeout(text="The request did not end.") from error
        except (PayloadError, web.RequestPayloadError) as error:
            raise web.HTTPBadRequest(text="This is no JSON object.") from error

    def _may_act(self, request: web.Request) -> bool:
        session, peer = request.headers.get(SESSION, ""), request.remote or ""
        return self.access.may_act(session, peer, request.headers)


@web.middleware
async def _safe(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every answer bears the headers, also those that refuse."""
    try:
        response = await handler(request)
    except web.HTTPException as refusal:
        refusal.headers.update(HEADERS)
        raise
    if not response.prepared:
        response.headers.update(HEADERS)
    return response


def _text(said: dict[str, Any], key: str) -> str:
    value = said.get(key, "")
    if not isinstance(value, str):
        raise web.HTTPBadRequest(text=f"{key} is not text.")
    return value


async def _index(request: web.Request) -> web.StreamResponse:
    del request
    return _file(STATIC, "index.html")


async def _static(request: web.Request) -> web.StreamResponse:
    return _file(STATIC, request.match_info["name"])


async def _vendor(request: web.Request) -> web.StreamResponse:
    name = request.match_info["name"]
    if name not in VENDORED:
        raise web.HTTPNotFound
    return _file(VENDOR / VENDORED[name], name)


def _file(folder: Path, name: str) -> web.FileResponse:
    """A file of this folder itself, never of one above or below."""
    known = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if name not in known:
        raise web.HTTPNotFound
    return web.FileResponse(folder / name, headers={"Cache-Control": "no-cache"})
