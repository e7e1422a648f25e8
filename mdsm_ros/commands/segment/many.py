"""Answers many images, videos and cameras; one that fails does not stop the others."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from mdsm_ros.commands.segment.answers import sentence_of
from mdsm_ros.commands.segment.inputs import Input, Kind
from mdsm_ros.commands.segment.videos import Camera, OverlayVideo, VideoFile
from mdsm_ros.commands.segment.work import Work, write_mask
from mdsm_ros.errors import AnswerError, ImageError
from mdsm_ros.files import to_json
from mdsm_ros.pictures.files import read_picture

SOME_FAILED = 1  # exit code


@dataclass(frozen=True)
class Outputs:
    """Where answers go.

    Attributes:
        overlays: Folder of the overlays.
        masks: Folder of the masks; None: not written.
        json: Whether answers are printed as lines of JSON.
    """

    overlays: Path
    masks: Path | None
    json: bool


def answer_all(
    work: Work, inputs: Sequence[Input], outputs: Outputs, *, every: int = 1, most: int | None = None
) -> int:
    """Answers the inputs one after the other; returns the exit code.

    Args:
        work: Instruction and model.
        inputs: Images, videos and cameras.
        outputs: Where answers go.
        every: Number of frames of a video or camera of which one is answered.
        most: Most frames to answer of each video or camera; None: all.

    Raises:
        ImageError: The only input cannot be read, or its outputs cannot be written.
        AnswerError: The answer about the only input is not finite.
    """
    failed = 0
    alone = len(inputs) == 1
    with tqdm(total=len(inputs), desc="segment", unit="input", disable=True if alone else None) as bar:
        for one in inputs:
            try:
                if one.kind is Kind.IMAGE:
                    _answer_image(work, one, outputs)
                else:
                    _answer_video(work, one, outputs, every, most)
            except (AnswerError, ImageError) as error:
                if alone:
                    raise
                failed += 1
                _report(work, one, error, outputs)
            bar.update()
    if failed:
        print(f"{failed} of {len(inputs)} inputs failed", file=sys.stderr)
    return SOME_FAILED if failed else 0


def _answer_image(work: Work, one: Input, outputs: Outputs) -> None:
    overlay = outputs.overlays / f"{one.stem}_overlay.jpg"
    mask = None if outputs.masks is None else outputs.masks / f"{one.stem}_mask.png"
    summary = work.answer_image(one.source, read_picture(Path(one.source)), overlay, mask)
    _print(to_json(summary) if outputs.json else f"{one.source}: {sentence_of(summary)}")


def _answer_video(work: Work, one: Input, outputs: Outputs, every: int, most: int | None) -> None:
    is_camera = one.kind is Kind.CAMERA
    with closing(Camera(one.index, every) if is_camera else VideoFile(one.source, every)) as video:
        if is_camera:
            print(f"{one.source}: Ctrl-C ends", file=sys.stderr)
        path = outputs.overlays / f"{one.stem}_overlay.mp4"
        tally = _Tally()
        total = min((number for number in (video.total, most) if number is not None), default=None)
        try:
            with (
                OverlayVideo(path, video.rate if is_camera else video.rate / every) as film,
                tqdm(total=total, desc=one.stem, unit="frame", leave=False, disable=None) as bar,
            ):
                for shot in video.shots():
                    summary, drawn, answer = work.answer(shot.image)
                    film.add(drawn, shot.seconds)
                    if outputs.masks is not None:
                        write_mask(outputs.masks / f"{one.stem}_mask" / f"{shot.number:06d}.png", answer)
                    tally.add(summary)
                    if outputs.json:
                        place = {"source": one.source, "frame": shot.number, "seconds": round(shot.seconds, 3)}
                        _print(to_json(place | summary | {"overlay": str(path)}))
                    bar.update()
                    if tally.frames == most:
                        break
        finally:  # a camera is ended by Ctrl-C
            if tally.frames and not outputs.json:
                _print(f"{one.source}: {tally.sentence()}; overlay: {path}")


@dataclass
class _Tally:
    """The answers about the frames of a video, counted: a camera has no end."""

    frames: int = 0
    present: int = 0
    seconds: float = 0.0
    device: str = ""

    def add(self, summary: Mapping[str, Any]) -> None:
        self.frames += 1
        self.present += summary["present"]
        self.seconds += summary["timings"]["total"]
        self.device = summary["device"]

    def sentence(self) -> str:
        return (
            f"in view in {self.present} of {self.frames} frames, {self.seconds / self.frames:.2f} s a frame on "
            f"{self.device}"
        )


def _report(work: Work, one: Input, error: Exception, outputs: Outputs) -> None:
    tqdm.write(f"error: {error}", file=sys.stderr)
    if outputs.json:
        _print(to_json({"source": one.source, "instruction": work.instruction, "error": str(error)}))


def _print(line: str) -> None:
    """Prints a line above the progress bar, at once: another program may read the answers."""
    tqdm.write(line, file=sys.stdout)
    sys.stdout.flush()
