"""What passes the gate between a browser and the page, and which sockets listen. No gradio."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mdsm_ros.commands import main
from mdsm_ros.commands.web import pictures
from mdsm_ros.commands.web.gate import Gate
from mdsm_ros.commands.web.server import address_of, is_local, listen, private_folder
from mdsm_ros.errors import CommandError, ImageError

HOSTS = ("127.0.0.1", "localhost")


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the body of the request."""
    body = (await receive())["body"] if scope["method"] == "POST" else b""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def ask(
    folder: Path, path: str, body: bytes | None = None, *, hosts: Any = HOSTS, **headers: str
) -> tuple[int, bytes, dict[str, str]]:
    """Status, body and headers of the answer."""
    sent: list[MutableMapping[str, Any]] = []
    chunks = [] if body is None else [body[i : i + 100] for i in range(0, len(body), 100)] or [b""]

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": chunks.pop(0), "more_body": bool(chunks)}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    named = {"host": "127.0.0.1:7860"} | headers
    scope = {
        "type": "http",
        "method": "GET" if body is None else "POST",
        "path": path,
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in named.items()],
    }
    asyncio.run(Gate(echo, folder, hosts, 1000)(scope, receive, send))
    head = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], sent[1]["body"], head


@pytest.mark.parametrize("path", ["/", "/assets/index.js", "/gradio_api/queue/data", "/gradio_api/heartbeat/x1"])
def test_the_page_itself_passes_and_may_load_nothing_from_elsewhere(tmp_path: Path, path: str) -> None:
    status, _, head = ask(tmp_path, path)
    assert status == 200
    assert "default-src 'self'" in head["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/docs",
        "/login",
        "/monitoring",
        "/gradio_api/proxy=http://10.0.0.1/",
        "/gradio_api/vibe-edit",
        "/gradio_api/run-history/connect",
        "/gradio_api/dev/reload",
        "/gradio_api/run/predict",
        "/gradio_api/call/predict",
        "/gradio_api/stream/1/2/3/playlist-file",
        "/gradio_api/custom_component/1/client/component/../../../etc/passwd",
        "/assets/../../../../etc/passwd",
        "/gradio_api/file=https://example.org/x.png",
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file=../../etc/passwd",
        "/gradio_api/file=setup.py",
        "/gradio_api/file/etc/passwd",
    ],
)
def test_what_the_page_does_not_need_is_closed(tmp_path: Path, path: str) -> None:
    assert ask(tmp_path, path)[0] == 404


def test_only_files_of_the_temporary_folder_are_served(tmp_path: Path) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    (folder / "photo.png").touch()
    secret = tmp_path / "secret.png"
    secret.touch()
    (folder / "link.png").symlink_to(secret)
    (folder / "folder").symlink_to(tmp_path)
    assert ask(folder, f"/gradio_api/file={folder}/photo.png")[0] == 200
    for name in (secret, folder / ".." / "secret.png", folder / "link.png", folder / "folder" / "secret.png"):
        assert ask(folder, f"/gradio_api/file={name}")[0] == 404
    assert ask(folder, f"/gradio_api/file={folder}/photo.png\0")[0] == 404


def test_other_sites_cannot_use_the_page(tmp_path: Path) -> None:
    assert ask(tmp_path, "/", host="evil.example:7860")[0] == 421  # DNS that was rebound to this machine
    assert ask(tmp_path, "/gradio_api/queue/join", b"{}", origin="https://evil.example")[0] == 403
    assert ask(tmp_path, "/gradio_api/queue/join", b"{}", origin="null")[0] == 403
    assert ask(tmp_path, "/gradio_api/queue/join", b"{}", origin="http://127.0.0.1:7860")[0] == 200
    assert ask(tmp_path, "/", host="robot.local:7860", hosts=None)[0] == 200  # with --host 0.0.0.0


def test_a_request_that_is_too_large_is_refused_whatever_its_head_says(tmp_path: Path) -> None:
    assert ask(tmp_path, "/gradio_api/upload", b"x" * 1000)[:2] == (200, b"x" * 1000)
    assert ask(tmp_path, "/gradio_api/upload", b"x" * 1001)[0] == 413
    assert ask(tmp_path, "/gradio_api/upload", b"x", content_length="1001")[0] == 413
    assert ask(tmp_path, "/gradio_api/upload", b"x", content_length="-1")[0] == 413


def test_only_uploads_are_taken_as_input(tmp_path: Path) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    (folder / "photo.png").touch()
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    path = "/gradio_api/queue/join"

    def join(name: object) -> int:
        content = {"data": [{"deeper": [{"path": name}]}, "look at http://example.org"]}
        return ask(folder, path, json.dumps(content).encode())[0]

    assert join(str(folder / "photo.png")) == 200
    assert join(None) == 200
    for name in ("http://10.0.0.1/x.png", " HTTPS:/x", str(tmp_path / "secret.png"), "setup.py", "/etc/passwd", 7):
        assert join(name) == 403, name
    for name in ("link.png", "../secret.png", "photo.png\0"):
        assert join(f"{folder}/{name}") == 403, name
    assert ask(folder, path, b"no JSON")[0] == 403
    assert ask(folder, "/gradio_api/component_server", b"no JSON")[0] == 403


def test_a_port_in_use_is_told() -> None:
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        assert address_of(first) == f"http://127.0.0.1:{port}"
        with pytest.raises(CommandError, match=f"--port is {port}, expected a free port of '127.0.0.1'"):
            listen("127.0.0.1", port)
    with pytest.raises(CommandError, match="expected an address of this machine"):
        listen("no such host.invalid", 0)


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("10.0.0.1", False), ("pc", False)],
)
def test_what_counts_as_this_machine(host: str, local: bool) -> None:
    assert is_local(host) is local


def test_uploads_lie_in_a_folder_that_only_the_user_reads_and_that_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", "before")
    with private_folder() as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "photo.png").touch()
    assert not folder.exists()


@pytest.mark.slow
def test_without_the_command_nothing_listens_and_wrong_options_open_no_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("gradio", reason="needs the extra [web]")

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", never)
    assert main.main(["web", "--label", str(tmp_path)]) == 2
    assert "--label and --out belong together" in capsys.readouterr().err
    assert main.main(["web", "--model", "no-such-model"]) == 2


def test_uploads_are_limited_in_bytes_and_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "photo.png"
    Image.new("RGB", (2000, 10), "red").save(path)
    assert pictures.read_upload(str(path)).shape == (8, pictures.PAGE_SIDE, 3)
    monkeypatch.setattr(pictures, "MAX_UPLOAD", path.stat().st_size - 1)
    with pytest.raises(ImageError, match="bytes, expected at most"):
        pictures.read_upload(str(path))
    monkeypatch.undo()
    header = bytearray(path.read_bytes())
    header[16:24] = (100_000).to_bytes(4, "big") * 2  # what the header says counts, before anything is decoded
    path.write_bytes(header)
    with pytest.raises(ImageError, match=r"'photo\.png'") as error:
        pictures.read_upload(str(path))
    assert str(tmp_path) not in str(error.value)
    path.write_text("<svg/>")
    with pytest.raises(ImageError, match="cannot be read"):
        pictures.read_upload(str(path))


def test_masks_of_a_browser_are_bright_and_opaque_pixels() -> None:
    from web_stand_ins import mask_url

    mask = np.zeros((3, 5), bool)
    mask[1, 2:4] = True
    assert np.array_equal(pictures.mask_of_url(mask_url(mask), (5, 3)), mask)
