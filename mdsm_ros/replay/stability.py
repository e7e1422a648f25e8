"""The stability of masks on a recording, with refinement from the initial or from the previous mask."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mdsm_ros.dataset.metrics import format_figure
from mdsm_ros.recordings.bags import Bag
from mdsm_ros.replay.answers import FrameAnswer, answer_frame
from mdsm_ros.replay.frames import FrameReader, choose_topics
from mdsm_ros.replay.summary import Tally

if TYPE_CHECKING:
    from mdsm_ros.segmenter import Segmenter


def stability_table(segmenter: Segmenter, path: Path, num_inference_steps: int | None = None) -> str:
    """A Markdown table of the stability without and with ``warm_start``.

    Args:
        segmenter: Model; without refinement there is one row.
        path: Recording.
        num_inference_steps: Number of refinement steps; None for the model's own.

    Raises:
        BagError, ReplayError: The bag is not readable, or lacks images or instructions.
    """
    lines = [
        f"{segmenter.name} on {segmenter.device}, bag {path.name}",
        "",
        "| refinement starts from | frames | IoU from frame to frame | mIoU with the truth | p50 (ms) |",
        "|---" * 5 + "|",
    ]
    with Bag(path) as bag:
        topics = choose_topics(bag)
        own = segmenter.defaults.updated(num_inference_steps=num_inference_steps)
        starts = {"the initial mask": False, "the mask of the frame before": True}
        for name, warm in (starts if own.num_inference_steps else {"nothing is refined": False}).items():
            settings = replace(own, warm_start=warm)
            tally, answer = Tally(), None
            for frame in FrameReader(bag, topics).frames():
                answer = answer_frame(segmenter, settings, frame, answer)
                tally.add(answer)
            lines.append(_row(name, tally, answer))
    return "\n".join(lines)


def _row(name: str, tally: Tally, last: FrameAnswer | None) -> str:
    final = tally.stages().get(last.stage if last is not None else "", {})
    values = (tally.figures().get("IoU from frame to frame"), final.get("mIoU"))
    milliseconds = 1000 * final.get("p50 seconds", 0.0)
    return f"| {name} | {tally.answered} | {' | '.join(map(format_figure, values))} | {milliseconds:.0f} |"
