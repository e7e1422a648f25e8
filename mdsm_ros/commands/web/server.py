"""The server of the page: its socket, temporary folder and shutdown."""

from __future__ import annotations

import ipaddress
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from mdsm_ros.commands.web.gate import Gate
from mdsm_ros.commands.web.pictures import MAX_UPLOAD
from mdsm_ros.errors import CommandError

if TYPE_CHECKING:
    import uvicorn

LOCAL = ("127.0.0.1", "localhost", "::1")
PREFIX = "mdsm-web-"


def listen(host: str, port: int) -> socket.socket:
    """Opens a socket that listens on a port of this machine.

    Args:
        host: Address of a network interface, or its name.
        port: Port; 0 chooses a free one.

    Raises:
        CommandError: Another program uses the port, or this machine does not have the address.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        found = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise CommandError(f"--host is {host!r}, expected an address of this machine: {error}") from error
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind(address)
        found.listen()
    except OSError as error:
        found.close()
        reason = f"--port is {port}, expected a free port of {host!r}: {error.strerror}"
        raise CommandError(f"{reason}; --port 0 takes any") from error
    return found


def is_local(host: str) -> bool:
    """Whether only programs on this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in LOCAL


def address_of(listening: socket.socket) -> str:
    """Returns the address to type into a browser."""
    host, port = listening.getsockname()[:2]
    if ipaddress.ip_address(host).is_unspecified:
        host = socket.gethostname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def private_folder() -> Iterator[Path]:
    """Makes gradio store uploads in a new folder that only this user can read, and removes it at the end.

    Also switches off gradio's telemetry. Enter it before gradio is imported.
    """
    folder = tempfile.mkdtemp(prefix=PREFIX)
    changes = {
        "GRADIO_TEMP_DIR": folder,
        "GRADIO_ANALYTICS_ENABLED": "False",
        "GRADIO_RUN_HISTORY": "False",
        "GRADIO_MCP_SERVER": "False",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def make_server(blocks: Any, looks: dict[str, Any], *, port: int, host: str, folder: Path) -> uvicorn.Server:
    """Builds the server of a page; its ``run(sockets=[...])`` ends with Ctrl-C or SIGTERM.

    Args:
        blocks: The page, gradio's Blocks.
        looks: Theme and styles, as gradio's ``mount_gradio_app`` takes them.
        port: Port of the server.
        host: Address as given by the user.
        folder: Folder of :func:`private_folder`.
    """
    import gradio
    import uvicorn
    from fastapi import FastAPI

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    gradio.mount_gradio_app(
        app,
        blocks,
        path="/",
        server_name=host,
        server_port=port,
        max_file_size=MAX_UPLOAD,
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        pwa=False,
        **looks,
    )
    hosts = {*LOCAL, host.strip("[]").lower()} if is_local(host) else None
    config = uvicorn.Config(Gate(app, folder, hosts), log_level="warning", timeout_graceful_shutdown=0, ws="none")
    server = uvicorn.Server(config)
    logging.getLogger("uvicorn.error").addFilter(lambda record: not server.should_exit)  # open pages are cut off then
    return server


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """Makes SIGTERM leave the block like Ctrl-C, so that open resources are closed. Main thread only."""
    before = signal.signal(signal.SIGTERM, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def warn_of_others(host: str) -> None:
    """Warns on stderr if other machines can use the page."""
    if not is_local(host):
        print(
            f"warning: --host is {host}: everybody who reaches this machine can use the page without a password",
            file=sys.stderr,
        )
