"""``report.html``: one file that a browser opens without a network."""

from __future__ import annotations

import base64
import html
import io
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mdsm_ros.dataset.metrics import Figures, format_figure
from mdsm_ros.files import write_text
from mdsm_ros.pictures.sheet import tile_size

TEMPLATE = Path(__file__).with_name("page.html")
PICTURE_WIDTH, QUALITY = 360, 80
CARD = 260  # smallest width in pixels, in the browser
CHART = (900, 140)  # pixels
BINS = 40
SHORT = 24  # longest name of a row, in letters, without a column of its own width
ORDERS = {
    "": "as recorded",
    "iou,1": "worst IoU first",
    "iou,-1": "best IoU first",
    "change,1": "largest loss by refinement first",
    "change,-1": "largest gain by refinement first",
    "score,1": "lowest score first",
}
LEGEND = "The mask is pink; the ground truth is outlined in green."
LIBRARIES = ("mdsm_ros", "torch", "transformers", "diffusers", "timm", "numpy")


@dataclass(frozen=True)
class Picture:
    """A card of the gallery.

    Attributes:
        rgb: Image with the mask drawn, uint8 (H, W, 3); or several such images side by side.
        caption: Caption for people.
        iou: IoU of the final mask; None without ground truth or without a target in view.
        change: Change of the IoU by refinement, or by another model; None likewise.
        score: Score of the answer.
    """

    rgb: NDArray[np.uint8]
    caption: str
    iou: float | None
    change: float | None
    score: float


@dataclass(frozen=True)
class Page:
    """The content of the page; empty parts are left out.

    Attributes:
        title: Title of the page.
        tables: Rows of metrics by name, for each table by the head of its first column.
        faults: Faults with their counts; None leaves the section out.
        latencies: Milliseconds until the final answer.
        timeline: Lines to draw over the answers, values 0 to 1 or None, by name.
        pictures: Images of the gallery; read once, one by one, because those of a long recording would fill the memory.
        facts: Configuration and versions.
        orders: Orders of the gallery: descriptions by sort key, "iou", "change" or "score" with ",1" for rising and
            ",-1" for falling; "" is the order of ``pictures``.
        legend: Legend of the gallery.
        across: Number of images side by side on each card.
    """

    title: str
    tables: Mapping[str, Mapping[str, Figures]]
    faults: Mapping[str, int] | None
    latencies: Sequence[float]
    timeline: Mapping[str, Sequence[float | None]]
    pictures: Iterable[Picture]
    facts: Mapping[str, Any]
    orders: Mapping[str, str] = field(default_factory=lambda: ORDERS)
    legend: str = LEGEND
    across: int = 1


def library_versions() -> dict[str, str]:
    """The versions of the software that computed the metrics."""

    def of(name: str) -> str:
        try:
            return version(name)
        except PackageNotFoundError:
            return "(not installed)"

    return {name: of(name) for name in LIBRARIES} | {"python": platform.python_version()}


def write_page(path: Path, page: Page) -> None:
    """Writes the page as one file with its images, styles and the script for sorting."""
    sections = {
        "Summary": "\n".join(_table(corner, rows) for corner, rows in page.tables.items() if rows),
        "What went wrong": _faults(page.faults),
        "Latency": _histogram(page.latencies),
        "Timeline": _timeline(page.timeline),
        "Gallery": _gallery(page),
        "Configuration": _list(page.facts),
    }
    text = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=html.escape(page.title),
        sections="\n".join(f"<h2>{name}</h2>\n{content}" for name, content in sections.items() if content),
        card=CARD * page.across,
    )
    write_text(path, text)


def _table(corner: str, rows: Mapping[str, Figures]) -> str:
    columns = list(dict.fromkeys(name for figures in rows.values() for name in figures))
    head = "".join(f"<th>{html.escape(name)}</th>" for name in (corner, *columns))
    body = "\n".join(
        f"<tr><th>{html.escape(name)}</th>{''.join(f'<td>{format_figure(figures.get(c))}</td>' for c in columns)}</tr>"
        for name, figures in rows.items()
    )
    kind = ' class="sentences"' if max(map(len, rows)) > SHORT else ""
    return f'<div class="scroll"><table{kind}><tr>{head}</tr>\n{body}</table></div>'


def _faults(faults: Mapping[str, int] | None) -> str:
    return "" if faults is None else _list(faults) or "<p>None.</p>"


def _list(values: Mapping[str, Any]) -> str:
    rows = "".join(f"<tr><th>{html.escape(str(k))}</th><td>{html.escape(str(v))}</td></tr>" for k, v in values.items())
    return f"<table>{rows}</table>" if rows else ""


def _histogram(values: Sequence[float]) -> str:
    if not values:
        return ""
    width, height = CHART
    counts, edges = np.histogram(values, BINS)
    step = width / BINS
    bars = "".join(
        f'<rect x="{i * step:.1f}" y="{height - height * n / counts.max():.1f}" width="{step - 1:.1f}" '
        f'height="{height * n / counts.max():.1f}"><title>{edges[i]:.0f} to {edges[i + 1]:.0f} ms: {n}</title></rect>'
        for i, n in enumerate(counts)
    )
    return f"{_chart(bars)}<p>{edges[0]:.0f} ms to {edges[-1]:.0f} ms until the final answer</p>"


def _timeline(lines: Mapping[str, Sequence[float | None]]) -> str:
    charts = [
        f'<p class="name">{html.escape(name)}</p>{_line(f"line{number}", values)}'
        for number, (name, values) in enumerate(lines.items())
    ]
    if not charts:
        return ""
    longest = max(map(len, lines.values()))
    return "\n".join([*charts, f"<p>0 to 1, from the first to the last of {longest}</p>"])


def _line(kind: str, values: Sequence[float | None]) -> str:
    width, height = CHART
    step = width / max(1, len(values) - 1)
    drawn = []
    for known, part in groupby(enumerate(values), key=lambda point: point[1] is not None):
        if known:  # nothing is drawn over frames without a value
            path = " ".join(f"{i * step:.1f},{height * (1 - value):.1f}" for i, value in part if value is not None)
            drawn.append(f'<polyline points="{path}"/>')
    return _chart("".join(drawn), f"low {kind}")


def _chart(content: str, kind: str = "") -> str:
    width, height = CHART
    return f'<svg class="{kind}" viewBox="0 0 {width} {height}" preserveAspectRatio="none" role="img">{content}</svg>'


def _gallery(page: Page) -> str:
    cards = [_card(picture, PICTURE_WIDTH * page.across) for picture in page.pictures]
    if not cards:
        return ""
    options = "".join(f'<option value="{key}">{html.escape(words)}</option>' for key, words in page.orders.items())
    order = f'<label>Order: <select id="order">{options}</select></label>'
    gallery = "\n".join(cards)
    return f'<p>{order} {html.escape(page.legend)}</p>\n<div id="gallery">\n{gallery}\n</div>'


def _card(picture: Picture, width: int) -> str:
    image = Image.fromarray(picture.rgb)
    image = image.resize(tile_size(*image.size, width))
    buffer = io.BytesIO()
    image.save(buffer, "jpeg", quality=QUALITY)
    source = base64.b64encode(buffer.getvalue()).decode()
    keys = {"iou": picture.iou, "change": picture.change, "score": picture.score}
    data = " ".join(f'data-{name}="{"" if value is None else f"{value:.4f}"}"' for name, value in keys.items())
    caption = html.escape(picture.caption)
    return (
        f'<figure {data}><img src="data:image/jpeg;base64,{source}" alt=""><figcaption>{caption}</figcaption></figure>'
    )
