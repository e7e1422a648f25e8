"""``mdsm-data synthesize``: pictures drawn by a latent diffusion model, with masks of what they show.

Prompts name one kind of thing or two, "a photograph of a chair and a table" (Grounded Diffusion, arXiv 2301.05221).
The masks come from an oracle that looks at the picture, which is what a grounding module is trained on; from a trained
Grounded Diffusion model, which needs no oracle any more; or from attention alone, the baseline. What is not found in a
picture is left out, and so is a picture in which nothing is found.

Splits: "train" and "seen" show the seen kinds, "unseen" those that a grounding module shall not be trained on.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mdsm_ros.arguments import count, natural
from mdsm_ros.dataset.writer import DatasetWriter
from mdsm_ros.errors import CommandError
from mdsm_ros.language.prompts import photograph_of
from training.datasets.build import Plan, build
from training.datasets.text import count_expressions
from training.drawn.category_splits import SPLITS, CategorySplit, read_split
from training.drawn.prompt_plan import MASK_RCNN, PROMPT_KINDS, Sampling, plan_prompts

if TYPE_CHECKING:
    from training.drawn.studio import StudioOptions

SOURCE = "synthesized"
SPLIT_NAMES = ("train", "seen", "unseen")


@dataclass(frozen=True)
class Batch:
    """Pictures that are drawn together: of a split, those with some numbers."""

    split: str
    numbers: range

    @property
    def name(self) -> str:
        """Fit for a file name."""
        return f"{self.split}-{self.numbers.start:06d}"


def batches(images: dict[str, int], size: int) -> list[Batch]:
    """All pictures of all splits in batches of ``size``."""
    return [
        Batch(split, range(first, min(first + size, number)))
        for split, number in images.items()
        for first in range(0, number, size)
    ]


def write_batch(
    writer: DatasetWriter, batch: Batch, *, options: StudioOptions, categories: CategorySplit, prompts: str, seed: int
) -> None:
    """Draws pictures and adds those to a dataset in which something is found."""
    from training.drawn.mask_sources import requests_of
    from training.drawn.studio import open_studio

    studio = open_studio(options)
    kinds = categories.unseen if batch.split == "unseen" else categories.seen
    plan = plan_prompts(kinds, prompts, batch.numbers, key=(seed, SPLIT_NAMES.index(batch.split)))
    drawing = studio.artist.draw(plan)
    requests = requests_of(drawing)
    found = dict(zip(requests, studio.source.masks(drawing, requests), strict=True))
    for row, prompt in enumerate(plan):
        masks = {kind: found[row, kind] for kind in prompt.kinds if found[row, kind].any()}
        writer.count("drawn")
        writer.count("not found", len(prompt.kinds) - len(masks))
        if not masks:
            continue
        image_id = writer.add_image(drawing.images[row], scene=f"{batch.split}-{batch.numbers[row]}")
        for kind, mask in masks.items():
            text = photograph_of([kind])
            writer.add_instruction(
                image_id,
                [writer.add_annotation(image_id, kind, mask)],
                text,
                split=batch.split,
                source=SOURCE,
                expressions=count_expressions(text),
                distractors=0,
                origin=prompt.text,
            )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("--out", type=Path, required=True, help="folder of the dataset")
    for split, shown in (("train", "seen kinds, to train on"), ("seen", "seen kinds"), ("unseen", "unseen kinds")):
        parser.add_argument(f"--{split}", type=natural, default=0, help=f"number of images to generate for {shown}")
    parser.add_argument("--prompts", choices=PROMPT_KINDS, default="mixture", help="number of objects per image")
    add_studio_arguments(parser)
    parser.add_argument(
        "--seen-categories", type=count, metavar="N", help="draw only the first N seen categories (default: all)"
    )
    parser.add_argument(
        "--masks", choices=("oracle", "grounding", "daam"), default="oracle", help="source of the masks"
    )


def add_studio_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of drawing and of the oracle."""
    parser.add_argument(
        "--model", required=True, help="Stable Diffusion checkpoint, or folder of a Grounded Diffusion model"
    )
    parser.add_argument(
        "--categories", default="homes", help=f"categories: {', '.join(SPLITS)}, or a YAML file (default: %(default)s)"
    )
    parser.add_argument("--oracle", help=f"{MASK_RCNN}, or name or folder of a model (default: {MASK_RCNN})")
    parser.add_argument("--oracle-weights", type=Path, help="file of Mask R-CNN's weights (default: downloaded)")
    parser.add_argument("--steps", type=count, default=50, help="number of steps of the sampler (default: %(default)s)")
    parser.add_argument("--guidance", type=float, default=5.0, help="classifier-free guidance (default: %(default)s)")
    parser.add_argument("--batch", type=count, default=16, help="number of images per batch (default: %(default)s)")
    parser.add_argument("--seed", type=natural, default=0, help="seed of prompts and noise (default: %(default)s)")
    parser.add_argument("--device", default="auto")


def chosen_oracle(args: argparse.Namespace) -> str:
    """The name of the oracle.

    Raises:
        CommandError: There are weights of Mask R-CNN, and the oracle is another model.
    """
    name: str = args.oracle or MASK_RCNN
    if args.oracle_weights is not None and name != MASK_RCNN:
        raise CommandError(f"--oracle-weights is {args.oracle_weights}, expected none: the oracle is {name}")
    return name


def run(args: argparse.Namespace) -> int:
    """Builds the dataset, or goes on with one that was interrupted; returns the exit status."""
    from training.drawn.studio import StudioOptions, open_studio

    categories = read_split(args.categories).first_seen(args.seen_categories)
    for name, value in (("--oracle", args.oracle), ("--oracle-weights", args.oracle_weights)):
        if value is not None and args.masks != "oracle":
            raise CommandError(f"{name} is {value}, expected none with --masks {args.masks}")
    oracle = chosen_oracle(args)
    options = StudioOptions(
        args.model, args.masks, oracle, args.oracle_weights, Sampling(args.steps, args.guidance), args.device
    )
    open_studio(options)  # so that a wrong name ends the command at once
    recipe = {
        **{split: getattr(args, split) for split in SPLIT_NAMES},
        "model": args.model,
        "masks": args.masks,
        "prompts": args.prompts,
        "seen": categories.seen,
        "unseen": categories.unseen,
        "steps": args.steps,
        "guidance": args.guidance,
        "batch": args.batch,
        "seed": args.seed,
    }
    if args.masks == "oracle":
        recipe["oracle"] = oracle
        if args.oracle_weights is not None:
            recipe["oracle_weights"] = args.oracle_weights.name
    plan = Plan(
        root=args.out,
        units=batches({split: getattr(args, split) for split in SPLIT_NAMES}, args.batch),
        name=lambda batch: batch.name,
        make=partial(write_batch, options=options, categories=categories, prompts=args.prompts, seed=args.seed),
        categories=(*categories.seen, *categories.unseen),
        info={"source": SOURCE, "recipe": recipe},
    )
    outcome = build(plan, workers=1)
    outcome.print_problems()
    print(f"{args.out}: {outcome.images} pictures, {outcome.instructions} masks")
    if outcome.counts:
        print(f"{outcome.counts['drawn']} were drawn; {outcome.counts['not found']} things were not found in them")
    return 0
