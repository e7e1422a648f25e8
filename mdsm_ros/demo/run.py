"""Runs the demo from one end to the other; returns exit codes."""

from __future__ import annotations

import argparse
import os

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


def run_bag(args: argparse.Namespace) -> int:
    """Replays ``args.bag``, by default the bundled one; 1 if the node did not do its part."""
    return _run(RecordingSource(args.bag or BUNDLED_BAG), args)


def run_video(args: argparse.Namespace) -> int:
    """Replays ``args.video`` as a camera; 1 if the node did not do its part."""
    return _run(VideoSource(args.video, args.instruction), args)


def run_photographs(args: argparse.Namespace, segmenter: Segmenter) -> int:
    """Answers the questions about the bundled photographs, without the node; 0 whatever the answers are."""
    answers = []
    print("\nphotographs:")
    for number, question in enumerate(read_questions(BUNDLED_PHOTOGRAPHS), 1):
        answers.append(answer_question(segmenter, question, num_inference_steps=args.steps))
        print(f"{number}. {question.instruction} {answers[-1].verdict}", flush=True)
    sheet = args.out / "photographs.png"
    write_sheet(sheet, answers)
    print(f"\npictures: {sheet}, credits in {BUNDLED_PHOTOGRAPHS / 'CREDITS.md'}")
    return 0


def _run(source: Source, args: argparse.Namespace) -> int:
    from mdsm_ros.ros.players.demo_player import DemoPlayer

    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")  # not the business of other machines
    args.out.mkdir(parents=True, exist_ok=True)
    with NodeProcess(args.out / "node.log", _parameters(source, args), _remappings(source)) as node:
        with DemoPlayer(source) as player:
            print(f"waiting for the node ({args.out / 'node.log'})", flush=True)
            player.wait_until_ready(node.check, START_TIMEOUT)
            player.play(node.check, args.rate)
            player.wait_for_last_answer(node.check, LAST_ANSWER_TIMEOUT)
        replay = player.replay()
    score = score_replay(source, replay)
    print(write_report(args.out, source, replay, score))
    print(f"\npictures: {args.out / 'contact_sheet.png'} and {args.out / 'overlay_*.png'}")
    return 1 if score.faults else 0


def _is_compressed(source: Source) -> bool:
    return source.topics[source.image_topic].endswith("CompressedImage")


def _parameters(source: Source, args: argparse.Namespace) -> dict[str, object]:
    parameters: dict[str, object] = {
        "model": args.model,
        "device": args.device,
        "image_transport": "compressed" if _is_compressed(source) else "raw",
        "image_reliability": "reliable",
    }
    if args.steps is not None:
        parameters["num_inference_steps"] = args.steps
    return parameters


def _remappings(source: Source) -> dict[str, str]:
    image = "image/compressed" if _is_compressed(source) else "image"
    return {image: source.image_topic, "instruction": source.instruction_topic}
