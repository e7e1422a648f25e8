"""``mdsm-data grounding``: how well Grounded Diffusion and DAAM find what is drawn, on seen and on unseen kinds.

Fresh pictures are drawn, and what the oracle finds in them is the truth. The grounding module is asked twice: with what
the UNet saw while it drew, and with the finished picture, as the node would show it one. mIoU is the mean over masks;
the harmonic mean is that of seen and unseen kinds (arXiv 2301.05221, section 4).
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from mdsm_ros.arguments import count
from mdsm_ros.dataset.metrics import Figures, figures_table, intersection_union, summarize
from mdsm_ros.errors import DatasetError
from mdsm_ros.files import write_json
from training.drawn.category_splits import CategorySplit, read_split
from training.drawn.prompt_plan import Prompt, Sampling, plan_prompts
from training.drawn.synthesize import add_studio_arguments, chosen_oracle

if TYPE_CHECKING:
    from training.drawn.drawing import Artist
    from training.drawn.mask_sources import MaskSource

EVALUATION = 3  # sets these pictures apart from those of a dataset with the same seed
Counts = list[tuple[int, int]]  # intersection and union of masks


def plan_groups(categories: CategorySplit, number: int, seed: int) -> dict[str, list[Prompt]]:
    """The prompts of each group of pictures, ``number`` each."""
    seen, unseen, numbers = categories.seen, categories.unseen, range(number)
    return {
        "one seen": plan_prompts(seen, "one", numbers, (seed, EVALUATION, 0)),
        "one unseen": plan_prompts(unseen, "one", numbers, (seed, EVALUATION, 1)),
        "two seen": plan_prompts(seen, "two", numbers, (seed, EVALUATION, 2)),
        "seen and unseen": plan_prompts(seen, "one", numbers, (seed, EVALUATION, 3), also=unseen),
        "two unseen": plan_prompts(unseen, "two", numbers, (seed, EVALUATION, 4)),
    }


def harmonic_mean(first: float, second: float) -> float:
    """Of two figures that are not negative; 0 where one of them is."""
    return 2 * first * second / (first + second) if first and second else 0.0


def measure(
    artist: Artist,
    oracle: MaskSource,
    methods: Mapping[str, MaskSource],
    groups: Mapping[str, Sequence[Prompt]],
    unseen: Sequence[str],
    batch: int,
) -> dict[str, Figures]:
    """Draws all pictures and compares each method's masks with the oracle's.

    Returns:
        For each method the mIoU of each group, of seen and of unseen kinds, and their harmonic mean; and as a row of
        its own the number of masks.
    """
    from training.drawn.mask_sources import requests_of

    counts: dict[str, dict[str, Counts]] = {name: defaultdict(list) for name in methods}
    with tqdm(total=sum(map(len, groups.values())), unit="picture", disable=None) as progress:
        for group, prompts in groups.items():
            for first in range(0, len(prompts), batch):
                drawing = artist.draw(prompts[first : first + batch])
                truths = dict(zip(requests := requests_of(drawing), oracle.masks(drawing, requests), strict=True))
                requests = [request for request in requests if truths[request].any()]
                for name, method in methods.items():
                    found = method.masks(drawing, requests) if requests else []
                    for request, mask in zip(requests, found, strict=True):
                        count = intersection_union(mask, truths[request])
                        counts[name][group].append(count)
                        counts[name]["unseen" if request[1] in unseen else "seen"].append(count)
                progress.update(len(drawing.prompts))
    columns = (*groups, "seen", "unseen")
    result: dict[str, Figures] = {}
    for name, by_group in counts.items():
        figures = {column: summarize(by_group[column])["mIoU"] for column in columns if by_group[column]}
        if "seen" in figures and "unseen" in figures:
            figures["harmonic mean"] = harmonic_mean(figures["seen"], figures["unseen"])
        result[name] = figures
        result["masks"] = {column: float(len(by_group[column])) for column in columns}
    return result | {"masks": result.pop("masks")}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument(
        "--number", type=count, default=50, help="number of images in each of five groups (default: %(default)s)"
    )
    parser.add_argument("--out", type=Path, help="JSON file for the metrics")
    add_studio_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Measures and prints; returns the exit status."""
    from mdsm_ros.errors import WeightsError
    from mdsm_ros.segmenter import Segmenter
    from training.drawn.drawing import Artist, pipeline_of
    from training.drawn.mask_sources import DaamMasks, GroundingMasks, SegmenterMasks
    from training.drawn.studio import choose_device, load_grounded, open_oracle

    categories = read_split(args.categories)
    groups = plan_groups(categories, args.number, args.seed)
    device = choose_device(args.device)
    try:
        model = load_grounded(args.model)
        if model is None:
            raise DatasetError(f"model is {args.model!r}, expected the folder of a Grounded Diffusion model")
        oracle = open_oracle(chosen_oracle(args), args.oracle_weights, device)
    except WeightsError as error:
        raise DatasetError(str(error)) from error
    segmenter = Segmenter(model, args.model, device)  # moves the model
    sampling = Sampling(args.steps, args.guidance)
    artist = Artist(pipeline_of(model.backbone), sampling, features=model.config, attention=True)
    methods: dict[str, MaskSource] = {
        "DAAM": DaamMasks(model.tokenizer),
        "Grounded Diffusion": GroundingMasks(model),
        "Grounded Diffusion, finished picture": SegmenterMasks(segmenter),
    }
    result = measure(artist, oracle, methods, groups, categories.unseen, args.batch)
    print(figures_table("mIoU", result))
    if args.out is not None:
        write_json(args.out, result, indent=2)
    return 0
