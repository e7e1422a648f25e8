"""Runs the demo from one end to the other; returns exit codes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mdsm_ros.demo import BUNDLED_BAG, BUNDLED_PHOTOGRAPHS
from mdsm_ros.demo.photographs import answer_question, read_questions, write_sheet
from mdsm_ros.demo.report import write_report
from mdsm_ros.demo.score import score_replay
from mdsm_ros.demo.video import VideoSource
from mdsm_ros.recordings.exchange import Source
from mdsm_ros.recordings.playback import RecordingSource
from mdsm_ros.ros.node_process import NodeProcess
from mdsm_ros.segmenter import Segmenter

START_TIMEOUT = 300.0  # s; a cold machine takes a while to import torch
LAST_ANSWER_TIMEOUT = 20.0  # s


@dataclass(frozen=True)
class DemoOptions:
    """Options of the demo.

    Attributes:
        out: Folder to write.
        model: Name, folder or hub id of the model.
        device: "auto", "cpu", "cuda" or "cuda:N".
        num_inference_steps: Number of refinement steps; None for the model's own.
        rate: Speed of the replay.
    """

    out: Path
    model: str = "mdsm-small"
    device: str = "auto"
    num_inference_steps: int | None = None
    rate: float = 1.0


def run_bag(bag: Path | None, options: DemoOptions) -> int:
    """Replays a recording, by default the bundled one; returns 1 if the node failed."""
    return _run(RecordingSource(bag or BUNDLED_BAG), options)


def run_video(video: Path, instructions: Sequence[str], options: DemoOptions) -> int:
    """Replays a video as a camera; returns 1 if the node failed."""
    return _run(VideoSource(video, instructions), options)


def run_photographs(options: DemoOptions, segmenter: Segmenter) -> int:
    """Answers the questions about the bundled photographs, without the node; returns 0 for any answers."""
    answers = []
    settings = segmenter.defaults.updated(num_inference_steps=options.num_inference_steps)
    print("\nphotographs:")
    for number, question in enumerate(read_questions(BUNDLED_PHOTOGRAPHS), 1):
        answers.append(answer_question(segmenter, question, settings))
        print(f"{number}. {question.instruction} {answers[-1].verdict}", flush=True)
    sheet = options.out / "photographs.png"
    write_sheet(sheet, answers)
    print(f"\npictures: {sheet}, credits in {BUNDLED_PHOTOGRAPHS / 'CREDITS.md'}")
    return 0


def _run(source: Source, options: DemoOptions) -> int:
    from mdsm_ros.ros.players.demo_player import DemoPlayer

    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")  # not the business of other machines
    options.out.mkdir(parents=True, exist_ok=True)
    with NodeProcess(options.out / "node.log", _parameters(source, options), _remappings(source)) as node:
        with DemoPlayer(source) as player:
            print(f"waiting for the node ({options.out / 'node.log'})", flush=True)
            player.wait_until_ready(node.check, START_TIMEOUT)
            player.play(node.check, options.rate)
            player.wait_for_last_answer(node.check, LAST_ANSWER_TIMEOUT)
        replay = player.replay()
    score = score_replay(source, replay)
    print(write_report(options.out, source, replay, score))
    print(f"\npictures: {options.out / 'contact_sheet.png'} and {options.out / 'overlay_*.png'}")
    return 1 if score.faults else 0


def _is_compressed(source: Source) -> bool:
    return source.topics[source.image_topic].endswith("CompressedImage")


def _parameters(source: Source, options: DemoOptions) -> dict[str, object]:
    parameters: dict[str, object] = {
        "model": options.model,
        "device": options.device,
        "image_transport": "compressed" if _is_compressed(source) else "raw",
        "image_reliability": "reliable",
    }
    if options.num_inference_steps is not None:
        parameters["num_inference_steps"] = options.num_inference_steps
    return parameters


def _remappings(source: Source) -> dict[str, str]:
    image = "image/compressed" if _is_compressed(source) else "image"
    return {image: source.image_topic, "instruction": source.instruction_topic}
