"""A server that speaks as much of the Hugging Face hub's API as downloads and uploads need, for the repositories in a
folder."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

COMMIT = "89abcdef0123456789abcdef0123456789abcdef"


class Hub(ThreadingHTTPServer):
    """Serves repositories, kept as ROOT/OWNER/NAME/FILE; safetensors files are LFS files there.

    Attributes:
        gated: hub ids that nobody has access to.
        down: whether every answer is an error of the server.
        damaged: names of files that arrive with a wrong byte.
        breaks: by a file's name, how many of its transfers break off in the middle.
        requests: method, path and range of every request.
        token: what may write; any other token is refused with 403, none with 401.
        private: hub ids of the repositories that were created as private ones.
        uploads: files that were uploaded, by their SHA-256.
        messages: messages of all commits.
    """

    daemon_threads = True

    def __init__(self, root: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root = root
        self.gated: set[str] = set()
        self.down = False
        self.damaged: set[str] = set()
        self.breaks: dict[str, int] = {}
        self.requests: list[tuple[str, str, str | None]] = []
        self.token = "hf_writes"
        self.private: set[str] = set()
        self.uploads: dict[str, bytes] = {}
        self.messages: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def serve(root: Path) -> Iterator[Hub]:
    """Runs a hub in a thread."""
    with Hub(root) as hub:
        thread = Thread(target=hub.serve_forever, args=(0.05,))
        thread.start()
        yield hub
        hub.shutdown()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        content = self._body()
        self.server.uploads[_sha256(content)] = content
        self._send_json({})

    def do_POST(self) -> None:
        body, path = self._body(), self.path.partition("?")[0]
        self.server.requests.append((self.command, path, None))
        given = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if self.server.down:
            self._refuse(503, "Unavailable")
        elif path == "/api/validate-yaml":
            self._send_json({"errors": [], "warnings": []})
        elif given != self.server.token:
            self._refuse(403 if given else 401, "")
        elif path == "/api/repos/create":
            self._create(json.loads(body))
        elif path.endswith("/info/lfs/objects/batch"):
            self._send_json({"objects": [self._upload_of(wanted) for wanted in json.loads(body)["objects"]]})
        elif "/preupload/" in path:
            files = [{"path": file["path"], **_mode_of(file["path"])} for file in json.loads(body)["files"]]
            self._send_json({"files": files})
        else:
            self._commit("/".join(path.split("/")[3:5]), [json.loads(line) for line in body.splitlines()])

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _create(self, wanted: dict[str, Any]) -> None:
        repository = f"{wanted['organization']}/{wanted['name']}"
        url = f"{self.server.url}/{repository}"
        if (self.server.root / repository).is_dir():
            self._send_json({"error": "You already created this model repo", "url": url}, 409)
            return
        (self.server.root / repository).mkdir(parents=True)
        if wanted.get("private") or wanted.get("visibility") == "private":
            self.server.private.add(repository)
        self._send_json({"url": url})

    def _upload_of(self, wanted: dict[str, Any]) -> dict[str, Any]:
        href = f"{self.server.url}/lfs/{wanted['oid']}"
        return {**wanted, "actions": {"upload": {"href": href, "header": {}}}}

    def _commit(self, repository: str, lines: list[dict[str, Any]]) -> None:
        for line in lines:
            value = line["value"]
            if line["key"] == "header":
                self.server.messages.append(value["summary"])
                continue
            file = self.server.root / repository / value["path"]
            if line["key"] == "deletedFile":
                file.unlink()
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            is_large = line["key"] == "lfsFile"
            file.write_bytes(self.server.uploads[value["oid"]] if is_large else base64.b64decode(value["content"]))
        url = f"{self.server.url}/{repository}/commit/{COMMIT}"
        self._send_json({"commitUrl": url, "commitOid": COMMIT, "hookOutput": ""})

    def _answer(self) -> None:
        path = self.path.partition("?")[0]
        self.server.requests.append((self.command, path, self.headers.get("Range")))
        api = path.startswith("/api/models/")
        parts = path.removeprefix("/api/models").strip("/").split("/")
        repository = "/".join(parts[:2])
        folder = self.server.root / repository
        if self.server.down:
            self._refuse(503, "Unavailable")
        elif not folder.is_dir():
            self._refuse(404, "RepoNotFound")
        elif repository in self.server.gated and not api:
            self._refuse(403, "GatedRepo")
        elif api and parts[2] == "tree":
            self._send_json([_describe(file, folder) for file in sorted(folder.rglob("*")) if file.is_file()])
        elif api:
            self._send_json({"id": repository, "sha": COMMIT, "siblings": []})
        else:
            self._send_file(folder / "/".join(parts[4:]))

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send_json(self, values: Any, status: int = 200) -> None:
        body = json.dumps(values).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _send_file(self, file: Path) -> None:
        content = file.read_bytes()
        digest = _sha256(content) if file.suffix == ".safetensors" else _git_hash(content)
        if file.name in self.server.damaged:
            content = content[:-1] + bytes([content[-1] ^ 1])
        first = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").rstrip("-"))
        self.send_response(206 if first else 200)
        self.send_header("ETag", f'"{digest}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(content) - first))
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if self.command == "HEAD":
            return
        if self.server.breaks.get(file.name, 0):
            self.server.breaks[file.name] -= 1
            self.wfile.write(content[first : (first + len(content)) // 2])
            self.close_connection = True
        else:
            self.wfile.write(content[first:])


def _mode_of(name: str) -> dict[str, Any]:
    return {"uploadMode": "lfs" if name.endswith(".safetensors") else "regular", "shouldIgnore": False}


def _describe(file: Path, folder: Path) -> dict[str, Any]:
    content = file.read_bytes()
    name = file.relative_to(folder).as_posix()
    values: dict[str, Any] = {"type": "file", "path": name, "size": len(content), "oid": _git_hash(content)}
    if file.suffix == ".safetensors":
        values["lfs"] = {"oid": _sha256(content), "size": len(content), "pointerSize": 134}
    return values


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _git_hash(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
