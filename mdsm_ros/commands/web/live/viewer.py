"""The state of a running node for the *Live* page, as text and HTML. Uses neither gradio nor ROS."""

from __future__ import annotations

import html
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.commands.web.pictures import fit, jpeg_url

SIDE = 640  # pixels of a live image
STALE = 5.0  # s without a status after which a node counts as silent


class Seen(Protocol):
    """The interface of :class:`mdsm_ros.ros.players.node_watcher.View`."""

    @property
    def status(self) -> dict[str, Any] | None:
        """The newest status."""
        ...

    @property
    def age(self) -> float | None:
        """Age of the newest status in seconds."""
        ...

    @property
    def fault(self) -> str | None:
        """The reason why the camera's image cannot be shown."""
        ...


def picture_html(image: NDArray[np.uint8] | None, what: str) -> str:
    """Returns a live image, or a line that reports that none has arrived; no image file is written."""
    if image is None:
        return f'<div class="live-none">no {html.escape(what)} yet</div>'
    return f'<img class="live-picture" alt="{html.escape(what)}" src="{jpeg_url(fit(image, SIDE))}">'


def status_text(view: Seen) -> str:
    """Returns the newest status in words, as Markdown."""
    status = view.status
    if status is None:
        return "The node has not answered yet." + (f" {escaped(view.fault)}" if view.fault else "")
    lines = [f"**instruction**: {escaped(status.get('instruction'))}"]
    if status.get("error"):
        lines.append(f"**error**: {escaped(status['error'])}")
    else:
        found = "in view" if status.get("present") else "not in view"
        lines.append(f"**{found}**, score {escaped(status.get('score'))}, {escaped(status.get('stage'))} mask")
        timings = status.get("timings")
        total = timings.get("total") if isinstance(timings, dict) else None
        lines.append(f"computed in {escaped(total)} s, {escaped(status.get('latency'))} s after the image")
    if view.age is not None and view.age > STALE:
        lines.append(f"silent for {view.age:.0f} s")
    if view.fault:
        lines.append(escaped(view.fault))
    return "\n\n".join(lines)


def escaped(value: object) -> str:
    """Escapes text from outside so that Markdown shows it literally, without tags, links and emphasis."""
    text = html.escape(str(value))
    return "".join(f"\\{character}" if character in "\\`*_[]{}()#+!|~>" else character for character in text)
