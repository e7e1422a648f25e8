"""``mdsm replay --compare``: two models on the same recording, a folder for each, and a page about both."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mdsm_ros.dataset.metrics import Figures, figures_table
from mdsm_ros.errors import ReplayError
from mdsm_ros.files import public_name, write_json, write_text
from mdsm_ros.pictures.page import Page, Picture, library_versions, write_page
from mdsm_ros.pictures.sheet import side_by_side
from mdsm_ros.recordings.bags import Bag
from mdsm_ros.replay.answers import FrameAnswer, read_answers
from mdsm_ros.replay.differences import Pair, difference, paired_ious
from mdsm_ros.replay.frames import FrameReader
from mdsm_ros.replay.options import ReplayOptions
from mdsm_ros.replay.overview import spread
from mdsm_ros.replay.run import ANSWERS, frame_reader, run_replay

if TYPE_CHECKING:
    from mdsm_ros.segmenter import Segmenter

COMPARISON = "comparison"


def run_comparison(options: ReplayOptions, segmenters: Sequence[Segmenter]) -> int:
    """Replays a recording with two models, each in a separate folder, and compares them frame by frame.

    Raises:
        BagError, ReplayError: As for :func:`mdsm_ros.replay.run.run_replay`, or there is no ground truth.
    """
    folders = [options.out / f"{letter}_{Path(s.name).name}" for letter, s in zip("ab", segmenters, strict=True)]
    for folder, segmenter in zip(folders, segmenters, strict=True):
        run_replay(replace(options, out=folder), segmenter)
    pairs = list(paired_ious(*_answers(folders)))
    if not pairs:
        raise ReplayError(f"bag {str(options.bag)!r} has no truth for a target in view, which a comparison needs")
    by_instruction: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        by_instruction[pair.instruction].append(pair)
    rows = {"all": difference(list(by_instruction.values()))}
    rows |= {text: difference([group]) for text, group in by_instruction.items()}
    names = [public_name(segmenter.name) for segmenter in segmenters]
    title = f"mIoU of {names[0]} (first) and {names[1]} (second)"
    write_json(options.out / f"{COMPARISON}.json", {"models": names, "rows": rows})
    table = figures_table(title, rows)
    write_text(options.out / f"{COMPARISON}.md", table + "\n")
    with Bag(options.bag, salvage=True) as bag:
        chosen = {pair.number: pair for group in spread(list(by_instruction.values())) for pair in telling(group)}
        pictures = _pictures(frame_reader(bag, options), _answers(folders), chosen)
        write_page(options.out / f"{COMPARISON}.html", _page(options, names, {title: rows}, pairs, pictures))
    print(f"\n{table}")
    print(f"\n{options.out / COMPARISON}.html", file=sys.stderr)
    return 0


def telling(group: Sequence[Pair]) -> set[Pair]:
    """Three frames of an instruction: the second model's largest loss, its largest gain, and the median."""
    ranked = sorted(group, key=lambda pair: pair.change)
    return {ranked[i] for i in (0, len(ranked) // 2, -1)}


def _answers(folders: Sequence[Path]) -> tuple[Iterator[FrameAnswer], Iterator[FrameAnswer]]:
    first, second = (read_answers(folder / ANSWERS) for folder in folders)
    return first, second


def _pictures(
    reader: FrameReader, answers: tuple[Iterator[FrameAnswer], Iterator[FrameAnswer]], chosen: Mapping[int, Pair]
) -> Iterator[Picture]:
    frames = replace(reader, faults=Counter()).frames(lambda number: number in chosen)
    for frame, *both in zip(frames, *answers, strict=False):  # a recording may be damaged further on
        pair = chosen.get(frame.number)
        if pair is None or frame.image is None or frame.truth is None:
            continue
        words = f"image {pair.number}, IoU {pair.first:.2f} and {pair.second:.2f}: {pair.change:+.2f}"
        picture = side_by_side(frame.image, [answer.mask(answer.stage) for answer in both], frame.truth)
        yield Picture(picture, f"{pair.instruction} ({words})", pair.second, pair.change, both[1].score)


def _page(
    options: ReplayOptions,
    names: Sequence[str],
    tables: Mapping[str, Mapping[str, Figures]],
    pairs: Sequence[Pair],
    pictures: Iterable[Picture],
) -> Page:
    first, second = names
    return Page(
        title=f"{first} and {second} on {options.bag.name}",
        tables=tables,
        faults=None,  # each model's own page says that
        latencies=[],
        timeline={f"IoU of {first}": [p.first for p in pairs], f"IoU of {second} (second)": [p.second for p in pairs]},
        pictures=pictures,
        facts={"bag": options.bag.resolve().name, "first": first, "second": second} | library_versions(),
        orders={
            "": "as recorded",
            "change,-1": f"where {second} is better first",
            "change,1": f"where {second} is worse first",
            "iou,1": f"worst IoU of {second} first",
        },
        legend=f"Left {first}, right {second}. Masks are pink, the truth is outlined in green.",
        across=2,
    )
