"""``mdsm replay``: a recording in, figures, a page and a recording with masks out."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from tqdm import tqdm

from mdsm_ros.dataset.metrics import figures_table
from mdsm_ros.errors import ReplayError
from mdsm_ros.extras import require
from mdsm_ros.files import write_json
from mdsm_ros.pictures.overlay import draw_mask, draw_outline
from mdsm_ros.pictures.page import Page, Picture, library_versions, write_page
from mdsm_ros.recordings.bags import Bag
from mdsm_ros.recordings.node_log import read_heard
from mdsm_ros.replay.answers import FrameAnswer, cut_half_a_line, read_answers, write_answers
from mdsm_ros.replay.frames import FrameReader, ReplayFrame, Topics, choose_topics
from mdsm_ros.replay.labels import Labels
from mdsm_ros.replay.live import HEARD, judge, play, write_live
from mdsm_ros.replay.output_bag import write_output_bag
from mdsm_ros.replay.summary import summarize_replay
from mdsm_ros.segmenter import Segmenter

SETTINGS, ANSWERS, METRICS, REPORT, OUTPUT_BAG = "replay.json", "frames.jsonl", "metrics.json", "report.html", "bag"
T = TypeVar("T")
MOST_INSTRUCTIONS = 60  # in the gallery


def run_replay(args: argparse.Namespace, segmenter: Segmenter) -> int:
    """Runs or continues a replay; returns the exit code.

    Raises:
        BagError, ReplayError: the recording cannot be used, or the output folder holds something else.
    """
    out: Path = args.out
    with Bag(args.bag, salvage=True) as bag:
        reader = frame_reader(bag, args)
        topics, labels = reader.topics, reader.labels
        settings = {
            "bag": str(args.bag.resolve()),
            "image": topics.image,
            "instruction": args.instruction or topics.instruction,
            "truth": topics.truth if labels is None else labels.name,
            "model": segmenter.name,
            "device": segmenter.device,
            "refinement steps": segmenter.num_inference_steps,
            "present_threshold": segmenter.present_threshold,
            "mask_threshold": segmenter.mask_threshold,
            "live": f"at rate {args.rate:g}" if args.live else "no",
        }
        _claim(out, settings)
        if args.live:
            _answer_live(args, bag, reader, segmenter)
        else:
            _answer_all(out, bag, reader, segmenter)
        summary = summarize_replay(read_answers(out / ANSWERS))
        faults = {**reader.faults, **{f"images unanswered: {why}": n for why, n in summary.pop("unanswered").items()}}
        versions = library_versions()
        write_json(out / METRICS, {**summary, "faults": faults, "settings": settings, "versions": versions})
        write_page(out / REPORT, _page(out, reader, summary, faults, settings | versions))
        if not args.no_bag:
            _write_bag(out, bag, topics)
    print(_text(summary, faults))
    print(f"\n{out / REPORT}", file=sys.stderr)
    return 0


def frame_reader(bag: Bag, args: argparse.Namespace) -> FrameReader:
    """The frames of a recording as the options of ``mdsm replay`` want them.

    Raises:
        BagError, ReplayError: a topic is missing or has another type, or the labels cannot be used.
    """
    topics = choose_topics(
        bag,
        image=args.image,
        instruction=args.instruction_topic,
        truth=args.truth,
        said=args.instruction is not None,
    )
    if args.labels is None:
        return FrameReader(bag, topics, args.instruction)
    return FrameReader(bag, replace(topics, truth=None), args.instruction, Labels(args.labels))


def _answer_all(out: Path, bag: Bag, reader: FrameReader, segmenter: Segmenter) -> None:
    """Answers what is not answered yet."""
    done = sum(1 for _ in read_answers(out / ANSWERS))
    frames = (frame for frame in reader.frames(lambda number: number >= done) if frame.number >= done)
    total = bag.count(reader.topics.image)
    with tqdm(total=total, initial=done, desc="answering", unit="image", disable=None) as progress:
        for _ in write_answers(out / ANSWERS, segmenter, frames):
            progress.update()


def _answer_live(args: argparse.Namespace, bag: Bag, reader: FrameReader, segmenter: Segmenter) -> None:
    """Plays the recording into the node, always from its beginning: a robot's camera does not wait either."""
    require("rclpy", purpose="mdsm replay --live")
    if reader.topics.instruction is None:
        raise ReplayError("--live takes the instructions of the recording, not --instruction")
    if (args.out / HEARD).exists():
        print("a live run always begins anew; what an earlier one has left here is removed", file=sys.stderr)
    for name in (ANSWERS, METRICS, REPORT):  # of an earlier run; nothing of it may stand beside this one's
        (args.out / name).unlink(missing_ok=True)
    shutil.rmtree(args.out / OUTPUT_BAG, ignore_errors=True)
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")  # not the business of other machines
    parameters = {
        "model": segmenter.name,
        "device": segmenter.device,
        "acceleration": "none",
        "num_inference_steps": segmenter.num_inference_steps,
    }
    segmenter.close()  # the node has its own
    play(bag, reader.topics, parameters, args.out, args.rate)
    write_live(args.out / ANSWERS, judge(read_heard(args.out / HEARD), reader.frames()))


def _claim(out: Path, settings: dict[str, Any]) -> None:
    """Makes the folder ours, or finds that it is.

    Raises:
        ReplayError: it holds a replay with other settings.
    """
    out.mkdir(parents=True, exist_ok=True)
    path = out / SETTINGS
    if path.exists():
        before = json.loads(path.read_text(encoding="utf-8"))
        for name, value in settings.items():
            if before.get(name) != value:
                raise ReplayError(
                    f"{out} holds a replay whose {name} is {before.get(name)!r}, not {value!r}; choose another --out"
                )
    write_json(path, settings)
    cut_half_a_line(out / ANSWERS)


def _write_bag(out: Path, bag: Bag, topics: Topics) -> None:
    partial = out / "partial" / OUTPUT_BAG
    for folder in (partial, out / OUTPUT_BAG):
        shutil.rmtree(folder, ignore_errors=True)
    partial.parent.mkdir(exist_ok=True)
    with tqdm(total=bag.count(topics.image), desc="writing the bag", unit="image", disable=None) as progress:
        write_output_bag(partial, bag, topics.image, read_answers(out / ANSWERS), progress.update)
    partial.rename(out / OUTPUT_BAG)
    partial.parent.rmdir()


def _page(
    out: Path, reader: FrameReader, summary: dict[str, Any], faults: dict[str, int], facts: dict[str, Any]
) -> Page:
    latencies: list[float] = []
    timeline: dict[str, list[float | None]] = {"score": [], "IoU with the truth": [], "IoU from frame to frame": []}
    for answer in read_answers(out / ANSWERS):
        if answer.fault is None:
            latencies.append(1000 * answer.seconds[answer.stage])
        values = (None if answer.fault else answer.score, answer.iou(answer.stage), answer.steady)
        for line, value in zip(timeline.values(), values, strict=True):
            line.append(value)
    chosen = choose_pictures(read_answers(out / ANSWERS))
    frames = replace(reader, faults=Counter()).frames(lambda number: number in chosen)
    return Page(
        title=f"{facts['model']} on {reader.bag.path.name}",
        tables={
            "recording": {reader.bag.path.name: summary["all"]},
            "masks": summary["stages"],
            "instruction": summary["instructions"],
        },
        faults=faults,
        latencies=latencies,
        timeline={name: line for name, line in timeline.items() if any(value is not None for value in line)},
        pictures=_pictures(frames, read_answers(out / ANSWERS), chosen),
        facts=facts,
    )


def choose_pictures(answers: Iterable[FrameAnswer]) -> set[int]:
    """Numbers of the frames to show: best, middling and worst of each instruction, and what refinement spoiled."""
    by_instruction: dict[str, list[tuple[float, float, int]]] = defaultdict(list)
    for answer in answers:
        if answer.fault is None:
            found = answer.iou(answer.stage)
            quality = answer.score if found is None else found
            by_instruction[answer.instruction].append((quality, change_of(answer) or 0.0, answer.number))
    chosen: set[int] = set()
    for candidates in spread(list(by_instruction.values())):
        ranked = sorted(candidates)
        chosen |= {ranked[i][2] for i in (0, len(ranked) // 2, -1)}
        chosen.add(min(candidates, key=lambda candidate: candidate[1])[2])
    return chosen


def spread(instructions: Sequence[T]) -> Sequence[T]:
    """At most :data:`MOST_INSTRUCTIONS`, from the whole recording."""
    return instructions[:: -(-len(instructions) // MOST_INSTRUCTIONS) or 1]


def change_of(answer: FrameAnswer) -> float | None:
    """By how much refinement changed the IoU; None where that is not known."""
    before, after = answer.iou("initial"), answer.iou("refined")
    return None if before is None or after is None else after - before


def _pictures(frames: Iterator[ReplayFrame], answers: Iterator[FrameAnswer], chosen: set[int]) -> Iterator[Picture]:
    for frame, answer in zip(frames, answers, strict=False):  # a killed run may have answered less
        if frame.number in chosen and frame.image is not None:
            canvas = np.array(frame.image)
            draw_mask(canvas, answer.mask(answer.stage))
            if frame.truth is not None:
                draw_outline(canvas, frame.truth)
            found, change = answer.iou(answer.stage), change_of(answer)
            words = [
                f"image {frame.number}",
                "in view" if answer.present else "not in view",
                f"score {answer.score:.2f}",
            ]
            words += [] if found is None else [f"IoU {found:.2f}"]
            words += [] if change is None else [f"refinement {change:+.2f}"]
            yield Picture(canvas, f"{answer.instruction} ({', '.join(words)})", found, change, answer.score)


def _text(summary: dict[str, Any], faults: dict[str, int]) -> str:
    tables = [figures_table("masks", summary["stages"]), figures_table("recording", {"all": summary["all"]})]
    return "\n\n".join([*tables, *(f"{name}: {count}" for name, count in faults.items())])
