"""``mdsm replay``: evaluates a recording, and writes metrics, a report and a recording with masks."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from mdsm_ros.checkpoints.video_models import load_video_model
from mdsm_ros.dataset.metrics import Figures, figures_table
from mdsm_ros.errors import ReplayError, StorageError
from mdsm_ros.extras import require
from mdsm_ros.files import content_mark, public_name, short_hash, write_json
from mdsm_ros.inference.settings import InferenceSettings
from mdsm_ros.inference.tracking.choice import make_tracker
from mdsm_ros.pictures.overlay import draw_mask, draw_outline
from mdsm_ros.pictures.page import Page, Picture, library_versions, write_page
from mdsm_ros.recordings.bags import Bag
from mdsm_ros.recordings.node_log import read_heard
from mdsm_ros.replay.answers import FrameAnswer, cut_half_a_line, last_answer, read_answers, write_answers
from mdsm_ros.replay.frames import FrameReader, ReplayFrame, Topics, choose_topics
from mdsm_ros.replay.labels import Labels
from mdsm_ros.replay.live import HEARD, judge, play, write_live
from mdsm_ros.replay.options import ReplayOptions
from mdsm_ros.replay.output_bag import write_output_bag
from mdsm_ros.replay.overview import Overview, change_of
from mdsm_ros.replay.tracking.figures import tracking_figures
from mdsm_ros.replay.tracking.paced import PacedNode

if TYPE_CHECKING:
    from mdsm_ros.inference.tracking.video_carrier import VideoModel
    from mdsm_ros.segmenter import Segmenter

SETTINGS, ANSWERS, METRICS, REPORT, OUTPUT_BAG = "replay.json", "frames.jsonl", "metrics.json", "report.html", "bag"


def run_replay(options: ReplayOptions, segmenter: Segmenter) -> int:
    """Runs or continues a replay; returns the exit code.

    Raises:
        BagError, ReplayError: The recording cannot be used, or the output folder contains something else.
        StorageError: The recording with masks cannot be written; the incomplete one is removed.
        SettingsError: The number of refinement steps is out of range.
        WeightsError, MissingPackageError: The video model cannot be loaded.
    """
    out = options.out
    video_model = None
    if options.track is not None and options.track_model and not options.live:  # a live run's node loads its own
        video_model = load_video_model(options.track_model, device=segmenter.device)
    steps = options.num_inference_steps if segmenter.refines else 0  # the other model of a comparison may refine
    settings = segmenter.defaults.updated(num_inference_steps=steps)
    with Bag(options.bag, salvage=True) as bag:
        reader = frame_reader(bag, options)
        topics = reader.topics
        facts = _facts(options, reader, segmenter, settings)
        _claim(out, facts)
        if options.live:
            _answer_live(options, bag, reader, segmenter, settings)
        else:
            _answer_all(out, bag, reader, segmenter, settings)
        overview = Overview.of(read_answers(out / ANSWERS))
        summary = overview.summary()
        faults = {**reader.faults, **{f"images unanswered: {why}": n for why, n in summary.pop("unanswered").items()}}
        versions = library_versions()
        tracking, drops = ({}, {}) if options.live else _track(options, reader, video_model)
        of_tracking = {"tracking": tracking, "masks dropped": drops} if tracking else {}
        write_json(out / METRICS, {**summary, **of_tracking, "faults": faults, "settings": facts, "versions": versions})
        write_page(out / REPORT, _page(out, reader, overview, summary | of_tracking, faults, facts | versions))
        if options.write_bag:
            _write_bag(out, bag, topics)
    print(_text(summary | of_tracking, faults))
    print(f"\n{out / REPORT}", file=sys.stderr)
    return 0


def _model_mark(name: str) -> dict[str, str]:
    """Distinguishes models of the same name in two folders."""
    folder = Path(name).resolve()
    return {"model folder": short_hash(str(folder))} if folder.is_dir() else {}


def _facts(
    options: ReplayOptions, reader: FrameReader, segmenter: Segmenter, settings: InferenceSettings
) -> dict[str, Any]:
    """The settings that determine the answers, for the report and for resuming the run."""
    return {
        "bag": f"{options.bag.resolve().name} ({content_mark(options.bag)})",
        "image": reader.topics.image,
        "instruction": options.instruction or reader.topics.instruction,
        "truth": reader.topics.truth if reader.labels is None else reader.labels.name,
        "model": public_name(segmenter.name),
        **_model_mark(segmenter.name),
        "device": segmenter.device,
        "refinement steps": settings.num_inference_steps,
        "present_threshold": settings.present_threshold,
        "mask_threshold": settings.mask_threshold,
        "live": f"at rate {options.rate:g}" if options.live else "no",
        **(_track_facts(options) if options.live and options.track is not None else {}),
    }


def _track_facts(options: ReplayOptions) -> dict[str, str]:
    """How the node of a live run carries masks."""
    return {"track": f"by {public_name(options.track_model)}" if options.track_model else "yes"}


def frame_reader(bag: Bag, options: ReplayOptions) -> FrameReader:
    """The frames of a recording according to the options.

    Raises:
        BagError, ReplayError: A topic is missing or has another type, or the labels cannot be used.
    """
    topics = choose_topics(
        bag,
        image=options.image,
        instruction=options.instruction_topic,
        truth=options.truth,
        said=options.instruction is not None,
    )
    if options.labels is None:
        return FrameReader(bag, topics, options.instruction)
    return FrameReader(bag, replace(topics, truth=None), options.instruction, Labels(options.labels))


def _answer_all(out: Path, bag: Bag, reader: FrameReader, segmenter: Segmenter, settings: InferenceSettings) -> None:
    """Answers the frames that have no answer yet."""
    last = last_answer(out / ANSWERS)
    done = 0 if last is None else last.number + 1
    frames = (frame for frame in reader.frames(lambda number: number >= done) if frame.number >= done)
    total = bag.count(reader.topics.image)
    with tqdm(total=total, initial=done, desc="answering", unit="image", disable=None) as progress:
        for _ in write_answers(out / ANSWERS, segmenter, settings, frames, last):
            progress.update()


def _track(
    options: ReplayOptions, reader: FrameReader, video_model: VideoModel | None
) -> tuple[dict[str, Figures], dict[str, int]]:
    """Rows of metrics of the node with parameter track, and how often a mask was given up, by reason.

    Optical flow comes first, then the video model, if there is one.
    """
    rows: dict[str, Figures] = {}
    drops: dict[str, int] = {}
    if options.track is None:
        return rows, drops
    carriers: dict[str, VideoModel | None] = {"": None}
    if video_model is not None:
        carriers[public_name(options.track_model)] = video_model
    total = reader.bag.count(reader.topics.image)
    for name, model in carriers.items():
        frames = replace(reader, faults=Counter()).frames()
        pairs = zip(frames, read_answers(options.out / ANSWERS), strict=False)  # a damaged recording may end before
        with tqdm(pairs, total=total, desc=f"tracking {name}".strip(), unit="image", disable=None) as progress:
            node = PacedNode(options.track, make_tracker(model))
            more, given_up = tracking_figures(node.run(progress), options.track, name)
        rows, drops = rows | more, drops | given_up
    return rows, drops


def _answer_live(
    options: ReplayOptions, bag: Bag, reader: FrameReader, segmenter: Segmenter, settings: InferenceSettings
) -> None:
    """Plays the recording into the node, always from the start, because a robot's camera does not wait either."""
    require("rclpy", purpose="mdsm replay --live")
    if reader.topics.instruction is None:
        raise ReplayError("--live uses the instructions of the recording, not --instruction")
    out = options.out
    if (out / HEARD).exists():
        print("a live run always starts from the beginning; the results of an earlier one are removed", file=sys.stderr)
    for name in (ANSWERS, METRICS, REPORT):  # of an earlier run; nothing of it may stand beside this one's
        (out / name).unlink(missing_ok=True)
    shutil.rmtree(out / OUTPUT_BAG, ignore_errors=True)
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")  # not the business of other machines
    parameters: dict[str, Any] = {
        "model": segmenter.name,
        "device": segmenter.device,
        "acceleration": "none",
        "num_inference_steps": settings.num_inference_steps,
    }
    if options.track is not None:
        parameters |= {"track": True, "track_model": options.track_model}
    segmenter.close()  # the node has its own
    play(bag, reader.topics, parameters, out, options.rate)
    write_live(out / ANSWERS, judge(read_heard(out / HEARD), reader.frames()))


def _claim(out: Path, settings: dict[str, Any]) -> None:
    """Claims the folder for this run, or checks that it belongs to it.

    Raises:
        ReplayError: The folder contains a replay with other settings.
    """
    out.mkdir(parents=True, exist_ok=True)
    path = out / SETTINGS
    if path.exists():
        before = json.loads(path.read_text(encoding="utf-8"))
        for name, value in settings.items():
            if before.get(name) != value:
                raise ReplayError(
                    f"{out} contains a replay whose {name} is {before.get(name)!r}, not {value!r}; choose another --out"
                )
    write_json(path, settings)
    cut_half_a_line(out / ANSWERS)


def _write_bag(out: Path, bag: Bag, topics: Topics) -> None:
    partial = out / "partial" / OUTPUT_BAG
    for folder in (partial, out / OUTPUT_BAG):
        shutil.rmtree(folder, ignore_errors=True)
    partial.parent.mkdir(exist_ok=True)
    try:
        with tqdm(total=bag.count(topics.image), desc="writing the bag", unit="image", disable=None) as progress:
            write_output_bag(partial, bag, topics.image, read_answers(out / ANSWERS), progress.update)
        partial.rename(out / OUTPUT_BAG)
    except OSError as error:
        raise StorageError(f"recording {out / OUTPUT_BAG} cannot be written: {error}") from error
    finally:
        shutil.rmtree(partial.parent, ignore_errors=True)  # a full disk needs the room


def _page(
    out: Path,
    reader: FrameReader,
    overview: Overview,
    summary: dict[str, Any],
    faults: dict[str, int],
    facts: dict[str, Any],
) -> Page:
    chosen = overview.pictures()
    frames = replace(reader, faults=Counter()).frames(lambda number: number in chosen)
    return Page(
        title=f"{facts['model']} on {reader.bag.path.name}",
        tables={
            "recording": {reader.bag.path.name: summary["all"]},
            "masks": summary["stages"],
            **({"tracking": summary["tracking"]} if "tracking" in summary else {}),
            "instruction": summary["instructions"],
        },
        faults=faults,
        latencies=overview.latencies,
        timeline=overview.timeline(),
        pictures=_pictures(frames, read_answers(out / ANSWERS), chosen),
        facts=facts,
    )


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
    if "tracking" in summary:
        tables.append(figures_table("tracking", summary["tracking"]))
        tables += [f"masks dropped, {reason}: {count}" for reason, count in summary["masks dropped"].items()]
    return "\n\n".join([*tables, *(f"{name}: {count}" for name, count in faults.items())])
