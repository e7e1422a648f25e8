"""Filters requests between a browser and the page: a small ASGI layer around gradio's server. Standard library only.

Gradio has routes that the page does not use; some of them fetch addresses from other machines. The gate closes them. A
request may name uploaded files as its input. Gradio does not check the paths of these files in a mounted page such as
this one, so the gate does. Pages of other sites cannot use this one (``Origin``, ``Host``), and headers forbid the
browser to load anything from elsewhere.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY = 40 << 20  # bytes of a request: an upload, or a drawn mask
API = "/gradio_api/"
FILE = f"{API}file="
OPEN = ("/", "/config", "/theme.css", "/favicon.ico", "/manifest.json", "/robots.txt")
OPEN_BELOW = ("/assets/", "/static/", "/pwa_icon")
OPEN_API = ("info", "startup-events", "theme.css", "reset", "cancel", "upload", "upload_progress", "component_server")
OPEN_API_BELOW = ("heartbeat/", "queue/", "file=")
TEXTS = ("queue/join", "reset", "cancel", "component_server")  # JSON that may name files
HEADERS = {
    "content-security-policy": (
        "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; object-src 'none'; base-uri 'self'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "permissions-policy": "camera=(self), microphone=(), geolocation=()",
}


class Gate:
    """Passes the requests of the page itself, and answers all others with an error.

    Args:
        app: Server behind it.
        folder: Temporary folder of the page, the only one whose files are served.
        hosts: Host names that a browser may use for this machine; None: any.
        max_body: Largest size of a request in bytes.
    """

    def __init__(self, app: App, folder: Path, hosts: Collection[str] | None, max_body: int = MAX_BODY) -> None:
        self._app = app
        self._folder = folder.resolve()
        self._hosts = hosts
        self._max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection, as defined by ASGI."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            with suppress(asyncio.CancelledError):  # a browser is still connected when the server ends
                await self._serve(scope, receive, send)
        else:  # the page opens no web sockets
            await send({"type": "websocket.close", "code": 1008})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            return await _refuse(send, *refusal)
        body = await _read_body(receive, self._max_body) if scope["method"] == "POST" else b""
        if body is None:
            return await _refuse(send, 413, f"request is larger than {self._max_body} bytes")
        if not self._names_uploads_only(scope["path"], body):
            return await _refuse(send, 403, "only files that were uploaded to this page can be used")
        again = _Again(body, receive) if scope["method"] == "POST" else receive
        return await self._app(scope, again, _with_headers(send))

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
        """Returns status and text for a request that its head shows to be forbidden; None if it passes."""
        host = headers.get("host", "")
        if self._hosts is not None and (urlsplit(f"//{host}").hostname or "") not in self._hosts:
            return 421, "this machine is not called by that name"
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return 403, "other pages may not use this one"
        if not is_open(scope["path"]) or not self._may_be_read(scope["path"]):
            return 404, "not found"
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._max_body:
            return 413, f"request is larger than {self._max_body} bytes"
        return None

    def _may_be_read(self, path: str) -> bool:
        """Whether a path requests no file, or one in the page's temporary folder; links are followed."""
        name = path.removeprefix(FILE)
        return name == path or self._is_inside(name)

    def _names_uploads_only(self, path: str, body: bytes) -> bool:
        """Whether a request names only uploaded files as its input, and no addresses of other machines."""
        if not path.removeprefix(API).startswith(TEXTS):
            return True
        try:
            waiting: list[object] = [json.loads(body) if body else None]
        except (ValueError, RecursionError):
            return False  # not a request of the page
        while waiting:
            value = waiting.pop()
            if isinstance(value, dict):
                name = value.get("path")
                if name is not None and not (isinstance(name, str) and self._is_inside(name)):
                    return False
                waiting.extend(value.values())
            elif isinstance(value, list):
                waiting.extend(value)
        return True

    def _is_inside(self, name: str) -> bool:
        try:
            return Path(name).resolve().is_relative_to(self._folder)
        except (OSError, RuntimeError, ValueError):  # circular links, a null character
            return False


def is_open(path: str) -> bool:
    """Whether the page uses this path of gradio's server."""
    if ".." in path.split("/"):
        return False
    if path.startswith(API):
        rest = path.removeprefix(API).rstrip("/")
        return rest in OPEN_API or rest.startswith(OPEN_API_BELOW)
    return path in OPEN or path.startswith(OPEN_BELOW)


async def _read_body(receive: Receive, limit: int) -> bytes | None:
    """Reads the body of a request; None if it is too large."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return bytes(body)
        body += message.get("body", b"")
        if len(body) > limit:
            return None
        if not message.get("more_body", False):
            return bytes(body)


class _Again:
    """Replays a body that was read already, then passes on later messages."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
            message["headers"] = [*message.get("headers", []), *own]
        await send(message)

    return sending


async def _refuse(send: Send, status: int, text: str) -> None:
    head = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": text.encode()})
