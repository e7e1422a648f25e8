"""The page as a person uses it, in headless Chromium, and as an attacker would, by plain requests."""

from __future__ import annotations

import http.client
import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from boxes import write_boxes
from web_stand_ins import picture, picture_folder, shelf

pytest.importorskip("gradio", reason="mdsm web needs the extra [web]")

from mdsm_ros.commands.interrupt import INTERRUPTED
from mdsm_ros.commands.web.browsing.browser import Browser
from mdsm_ros.commands.web.labelling.desk import LabelDesk
from mdsm_ros.commands.web.labelling.frames import FolderFrames
from mdsm_ros.commands.web.labelling.session import LabelSession
from mdsm_ros.commands.web.live.link import Link
from mdsm_ros.commands.web.page import build_page, looks
from mdsm_ros.commands.web.server import listen, make_server, private_folder
from mdsm_ros.dataset.format import Dataset
from mdsm_ros.dataset.writer import DatasetWriter

pytestmark = pytest.mark.slow

CHROMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 120_000  # ms; the machine may be busy
SAID = "get the red box"
FORM = "multipart/form-data; boundary=x"
STAGE = {"steps": 2, "images": 2, "learning_rate": 1e-3}
LEARNING = {  # a training that takes seconds
    "preset": "mdsm-tiny",
    "model": {"freeze_clip": True},
    "instructions_per_image": 2,
    "feature_cache": True,
    "freeze_language": True,
    "mixture": {"lab": 1, "rehearsal": 1},
    "stage1": STAGE,
    "stage2": STAGE,
}
SECRET = b"the content of a file outside"


@dataclass(frozen=True)
class Site:
    """A page that is served, and the folders behind it."""

    port: int
    root: Path
    folder: Path

    def request(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content

    def post(self, path: str, content: object) -> tuple[int, bytes]:
        return self.request("POST", path, json.dumps(content).encode(), content_type="application/json")

    def upload(self, content: bytes, name: str) -> str:
        """Uploads a file; returns where it lies."""
        head = f'--x\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
        body = head.encode() + content + b"\r\n--x--\r\n"
        status, answer = self.request("POST", "/gradio_api/upload", body, content_type=FORM)
        assert status == 200, answer
        return str(json.loads(answer)[0])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    root = tmp_path_factory.mktemp("web")
    (root / "secret.png").write_bytes(SECRET)
    with DatasetWriter(root / "data", ["box"]) as writer:
        image = writer.add_image(picture())
        box = writer.add_annotation(image, "box", picture()[..., 0] > 100)
        writer.add_instruction(image, [box], SAID, split="train", source="test", expressions=1, distractors=0)
    session = LabelSession(FolderFrames(picture_folder(root, 7), SAID), root / "labels")
    models = shelf()
    with listen("127.0.0.1", 0) as listening, private_folder() as folder:
        port = listening.getsockname()[1]
        blocks = build_page(
            models, desk=LabelDesk(session, models), browser=Browser(Dataset(root / "data"), models), link=Link()
        )
        server = make_server(blocks, looks(), port=port, host="127.0.0.1", folder=folder)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        yield Site(port, root, folder)
        server.should_exit = True
        thread.join(30)
    session.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    path = next(filter(None, map(shutil.which, CHROMES)), None)
    if path is None:
        pytest.skip(f"needs one of {', '.join(CHROMES)}")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


class Visitor:
    """A new browser window on the page, and everything that went wrong in it."""

    def __init__(self, chromium: Any, site: Site, tab: str, width: int = 1280) -> None:
        self.problems: list[str] = []
        self.context = chromium.new_context(viewport={"width": width, "height": 900})
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.page.on("console", lambda m: self.problems.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("request", lambda request: self._check(request.url, f"http://127.0.0.1:{site.port}/"))
        self.page.goto(f"http://127.0.0.1:{site.port}/")
        self.page.get_by_role("tab", name=tab).click()

    def _check(self, url: str, own: str) -> None:
        if not url.startswith((own, "data:", "blob:")):
            self.problems.append(f"asks {url}")

    def settled(self) -> str:
        """The note on the Label page when nothing goes on any more."""
        self.page.wait_for_function(
            "() => { const note = document.querySelector('.label-desk .note');"
            " return note && !/loading|answers|saving|asking/.test(note.textContent); }"
        )
        return str(self.page.locator(".label-desk .note").inner_text())

    def text(self, selector: str) -> str:
        return str(self.page.locator(selector).inner_text())

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.settled()

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Draws from one place of the frame to another, as fractions of its size."""
        box = self.page.locator(".label-desk .sheet").bounding_box()
        (x, y), (to_x, to_y) = ((box["x"] + box["width"] * u, box["y"] + box["height"] * v) for u, v in (start, end))
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(to_x, to_y, steps=4)
        self.page.mouse.up()

    def leave(self) -> None:
        self.context.close()
        assert self.problems == []


def test_frames_are_labelled_with_keys_and_brush_and_nothing_is_lost(chromium: Any, site: Site) -> None:
    visitor = Visitor(chromium, site, "Label")
    assert visitor.settled() == "model: in view, score 0.80"
    visitor.press("a")  # the model's mask
    visitor.press("n")
    visitor.press("c", "b")
    visitor.drag((0.2, 0.5), (0.8, 0.5))
    visitor.press("e")
    visitor.drag((0.5, 0.2), (0.5, 0.8))
    visitor.press("Enter")
    visitor.page.keyboard.press("i")
    visitor.page.keyboard.type("get the box on the right")
    visitor.press("Enter", "2", "a")
    visitor.press("x", "b")
    visitor.drag((0.1, 0.1), (0.3, 0.1))  # on the sixth frame, and no verdict
    deadline = time.monotonic() + PATIENCE / 1000
    while not (draft := site.root / "labels" / "drafts" / "f.json").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    visitor.leave()

    data = Dataset(site.root / "labels")
    accepted, absent, drawn, chosen = data.instructions
    red = picture()[..., 0] > 127
    assert np.array_equal(data.mask(accepted), red)
    assert absent.annotation_ids == ()
    mask = data.mask(drawn)
    assert mask[24, 16]
    assert mask[24, 48]
    assert not mask[24, 32]  # erased
    assert chosen.text == "get the box on the right"
    assert np.array_equal(data.mask(chosen), red & (np.arange(64) >= 32))

    again = Visitor(chromium, site, "Label")
    assert again.settled() == "a drawing without a verdict, as it was left"
    assert again.text(".label-desk .place").startswith("6 / 7")
    assert again.text(".label-desk .counts") == "3 labelled, 1 not in view, 1 left out, 2 open"
    again.press("ArrowLeft", "ArrowLeft")
    assert again.text(".label-desk .verdict") == "✓ labelled"
    assert again.page.locator(".label-desk .said").input_value() == "get the box on the right"
    again.leave()
    assert draft.exists()


def test_learn_opens_the_page_and_learns_from_its_labels(
    chromium: Any, untrained_weights: Path, tmp_path: Path
) -> None:
    write_boxes(tmp_path / "mix", "train", 8)
    (tmp_path / "lab.yaml").write_text(yaml.safe_dump(LEARNING))
    words = [sys.executable, "-m", "mdsm_ros.commands.main", "learn", str(tmp_path / "mix" / "images")]
    words += ["--instruction", "get the cup", "--mix", str(tmp_path / "mix"), "--model", str(untrained_weights)]
    words += ["--device", "cpu", "--config", str(tmp_path / "lab.yaml"), "--out", str(tmp_path / "out")]
    with subprocess.Popen([*words, "--page", "--port", "0"], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = next(line for line in process.stdout if line.startswith("http"))
            place = Site(int(address.split(" ")[0].rstrip("/").rpartition(":")[2]), tmp_path, tmp_path)
            visitor = Visitor(chromium, place, "Label")
            for frame in range(6):
                visitor.settled()
                visitor.press("b")
                visitor.drag((0.1, 0.2 + 0.1 * frame), (0.6, 0.2 + 0.1 * frame))
                visitor.press("a")
                if frame == 0:  # a second object in the first frame
                    assert visitor.page.locator(".label-desk .said").input_value() == ""
                    visitor.press("i")
                    visitor.page.keyboard.type("get the radio")
                    visitor.press("Enter", "n", "ArrowRight", "ArrowRight")
                else:
                    visitor.press("ArrowRight", "ArrowRight", "ArrowRight")
            assert visitor.text(".label-desk .counts") == "6 labelled, 1 not in view, 0 left out, 25 open"
            visitor.leave()
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(60) in (0, INTERRUPTED)
    assert subprocess.run(words, check=False).returncode == 1  # two steps teach nothing
    data = Dataset(tmp_path / "out" / "labels")
    assert len(data.images) == 6
    assert [i.text for i in data.instructions] == ["get the cup", "get the radio", *["get the cup"] * 5]
    assert (tmp_path / "out" / "report.html").exists()


def test_a_photograph_is_tried_on_a_narrow_screen(chromium: Any, site: Site) -> None:
    visitor = Visitor(chromium, site, "Try", width=420)
    page = visitor.page
    page.locator("#try-photograph input[type=file]").first.set_input_files(site.root / "pictures" / "a.png")
    page.locator("#try-photograph img").wait_for()
    page.get_by_label("instruction").first.fill(SAID)
    page.locator("#try-ask").click()
    page.locator("#try-regions img").wait_for()
    assert "In view" in visitor.text("#try-verdict")
    assert page.locator("#try-refined img").is_visible()
    for tab in ("Try", "Live", "Label", "Browse"):
        page.get_by_role("tab", name=tab).click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 420
    page.locator("#browse-show").click()
    page.locator("#browse-gallery img").first.wait_for()
    assert "1 of 1 instructions" in visitor.text("#browse-summary")
    visitor.leave()


def test_no_file_outside_the_temporary_folder_is_read_through_the_page(site: Site) -> None:
    secret = site.root / "secret.png"
    (site.folder / "link.png").symlink_to(secret)
    for name in (secret, f"{site.folder}/../{secret}", f"{site.folder}/link.png", "setup.py", "/etc/passwd"):
        for path in (f"/gradio_api/file={name}", f"/gradio_api/file/{name}", f"/file={name}", f"/static/{name}"):
            status, content = site.request("GET", path)
            assert status in (403, 404), path
            assert SECRET not in content
    config = json.loads(site.request("GET", "/config")[1])
    names = {block["id"]: block["props"].get("elem_id") for block in config["components"]}
    asked = next(d for d in config["dependencies"] if "try-ask" in [names.get(t[0]) for t in d["targets"]])

    def join(path: str) -> int:
        """Asks about a photograph at a path; the status of the answer."""
        data = [{"path": path, "meta": {"_type": "gradio.FileData"}}, SAID, "reds", 2, 1, 0.5, 0.5, 0]
        return site.post("/gradio_api/queue/join", {"data": data, "fn_index": asked["id"], "session_hash": "visitor"})[
            0
        ]

    picture_outside = site.root / "pictures" / "a.png"
    for path in (str(secret), "../secret.png", f"{site.folder}/link.png", str(picture_outside)):
        assert join(path) == 403, path
    assert join(site.upload(picture_outside.read_bytes(), "a.png")) == 200
    assert b"In view" in site.request("GET", "/gradio_api/queue/data?session_hash=visitor")[1]


def test_nothing_is_written_outside_and_no_other_function_is_called(site: Site) -> None:
    config = json.loads(site.request("GET", "/config")[1])
    desk = next(block["id"] for block in config["components"] if block["props"].get("elem_id") == "label-desk")
    before = {path for path in site.root.rglob("*") if "labels" not in path.parts}

    def call(name: str, data: object) -> tuple[int, bytes]:
        return site.post(
            "/gradio_api/component_server",
            {"session_hash": "attacker", "component_id": desk, "fn_name": name, "data": data},
        )

    for number in ("../../secret", "/etc/passwd", -1, 10**9, None):
        status, content = call("save", {"number": number, "verdict": "absent", "instruction": SAID})
        assert status == 200
        assert "frame number" in json.loads(content)["error"]
    assert call("push_to_hub", {})[0] == 404
    assert call("__init__", {})[0] == 404
    assert {path for path in site.root.rglob("*") if "labels" not in path.parts} == before
    assert (site.root / "secret.png").read_bytes() == SECRET
    assert Path(site.upload(b"hello", "../../evil.png")).resolve().is_relative_to(site.folder.resolve())
    assert site.request("POST", "/gradio_api/upload", b"x" * (41 << 20), content_type=FORM)[0] == 413
