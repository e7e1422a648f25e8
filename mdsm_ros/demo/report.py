"""The report of a replay: overlays, a contact sheet, a table."""

from __future__ import annotations

import textwrap
from dataclasses import asdict
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from mdsm_ros.dataset.metrics import iou
from mdsm_ros.demo.score import FOUND_IOU, Score
from mdsm_ros.files import write_json, write_text
from mdsm_ros.pictures.files import write_picture
from mdsm_ros.pictures.sheet import tile_size
from mdsm_ros.recordings.exchange import Frame, Replay, Source

TRUTH_COLOR = (0, 220, 60)
TILE_WIDTH, COLUMNS, CAPTION_HEIGHT, FONT_SIZE = 480, 3, 92, 16  # pixels, but COLUMNS


def write_report(folder: Path, source: Source, replay: Replay, score: Score) -> str:
    """Writes ``overlay_NN.png`` (one per instruction), contact_sheet.png, table.md and results.json.

    The overlays are the node's own. On the contact sheet, the ground-truth mask is outlined if it is known.

    Returns:
        The table as text.
    """
    tiles = []
    for index, row in enumerate(score.rows):
        frame = _typical_frame(replay, index)
        if frame is not None:
            overlay = replay.overlays[frame.stamp]
            write_picture(folder / f"overlay_{index + 1:02d}.png", overlay)
            outlined = _outline(overlay, source.truth(frame))
            verdict = _verdict_of_one(frame, source.truth(frame), replay)
            tiles.append(_tile(outlined, f"{index + 1}. {row.instruction}", verdict))
    if tiles:
        write_picture(folder / "contact_sheet.png", _sheet(tiles))
    table = format_table(score)
    write_text(folder / "table.md", table + "\n")
    write_json(folder / "results.json", asdict(score), indent=1)
    return table


def format_table(score: Score) -> str:
    """A Markdown table with one row per instruction, followed by results of the whole replay."""
    lines = [
        "| # | instruction | frames | answers | in view | found | false masks | IoU initial | IoU refined "
        "| latency p50 (s) |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for number, row in enumerate(score.rows, 1):
        in_view = f"{row.in_view}/{row.judged}" if row.judged else "?"
        found = f"{row.found}/{row.in_view}" if row.judged else "?"
        false = f"{row.false_masks}/{row.judged - row.in_view}" if row.judged else "?"
        ious = f"{_figure(row.mean_iou('initial'))} | {_figure(row.mean_iou('refined'))}"
        cells = f"{number} | {row.instruction} | {row.frames} | {row.answers} | {in_view} | {found} | {false} | {ious}"
        lines.append(f"| {cells} | {_figure(row.latency)} |")
    lines += [
        "",
        f"- found: masks whose IoU with the truth is {FOUND_IOU} or more, of the frames that show the target; "
        "false masks: answers that are not empty, of the frames that do not show it",
        f"- {score.answered} of {len(score.rows)} instructions answered; {score.answered_frames} of {score.frames} "
        f"frames answered, the others were replaced by newer ones before the model was free",
        f"- oldest frame when taken {score.age:.3f} s, longest inference {score.inference:.3f} s",
        f"- stamps and frame_ids: {'every mask carries those of its image' if not score.faults else 'see below'}",
    ]
    lines += [f"- FAULT: {fault}" for fault in score.faults]
    return "\n".join(lines)


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _verdict_of_one(frame: Frame, truth: np.ndarray | None, replay: Replay) -> str:
    """The caption of the answer in the image; the table covers all answers to its instruction."""
    masks = [message.mask for message in replay.masks.get("final", []) if message.stamp == frame.stamp]
    mask = masks[-1] if masks else None  # the newest one, as the overlay
    said = "no mask" if mask is None else "in view" if mask.any() else "not in view"
    if truth is None:
        return f"answer: {said}"
    if not truth.any():
        return f"answer: {said}; it is not in view"
    return f"answer: {said}" if mask is None else f"answer: {said}, IoU {iou(mask, truth):.2f}"


def _typical_frame(replay: Replay, index: int) -> Frame | None:
    """Chooses a frame from the middle: near a change of instruction, a frame can be answered for both."""
    stamps = sorted(s for s in replay.overlays if s in replay.frames and replay.frames[s].instruction == index)
    return replay.frames[stamps[len(stamps) // 2]] if stamps else None


def _outline(picture: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    if mask is None:
        return picture
    filled = Image.fromarray(mask.astype(np.uint8) * 255)
    edge = np.asarray(filled.filter(ImageFilter.MaxFilter(5))) != np.asarray(filled)
    return np.where(edge[..., np.newaxis], np.array(TRUTH_COLOR, np.uint8), picture)


def _tile(overlay: np.ndarray, instruction: str, verdict: str) -> Image.Image:
    _, height = tile_size(overlay.shape[1], overlay.shape[0], TILE_WIDTH)
    tile = Image.new("RGB", (TILE_WIDTH, height + CAPTION_HEIGHT), "white")
    tile.paste(Image.fromarray(overlay).resize((TILE_WIDTH, height), Image.Resampling.LANCZOS))
    draw, font = ImageDraw.Draw(tile), ImageFont.load_default(FONT_SIZE)
    text = textwrap.wrap(instruction, width=56, max_lines=3, placeholder=" …")
    draw.multiline_text((8, height + 4), "\n".join(text), fill="black", font=font)
    draw.text((8, height + CAPTION_HEIGHT - FONT_SIZE - 8), verdict, fill=(0, 90, 160), font=font)
    return tile


def _sheet(tiles: list[Image.Image]) -> np.ndarray:
    width, height = tiles[0].size
    rows = -(-len(tiles) // COLUMNS)
    sheet = Image.new("RGB", (width * min(COLUMNS, len(tiles)), height * rows), "white")
    for i, tile in enumerate(tiles):
        sheet.paste(tile, (i % COLUMNS * width, i // COLUMNS * height))
    return np.asarray(sheet)
