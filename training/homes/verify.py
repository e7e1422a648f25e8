"""``mdsm-data verify-homes``: judges the homes' instructions anew, each from its query and the scene graph alone.

An instruction passes when its query means exactly one visible thing, its target, beyond doubt, or, where the target is
not in view, nothing at all, or, where it asks for several things, exactly these; when its text names the kind of that
thing, and its colour where the query has one; and when the target's pixels are in the picture.
"""

from __future__ import annotations

import argparse
import re

import numpy as np
from tqdm import tqdm

from mdsm_ros.arguments import count, share
from mdsm_ros.homes.furnishing import options
from mdsm_ros.homes.generate import SPLIT_SEEDS, Sample, Talk, home_samples
from mdsm_ros.homes.speech.grammar import plural_name
from mdsm_ros.homes.speech.groups import members
from mdsm_ros.homes.speech.instructions import Sentence
from mdsm_ros.homes.speech.queries import Query, Scene
from mdsm_ros.homes.views.seen import Seen
from mdsm_ros.homes.words import lexicon


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("--split", choices=sorted(SPLIT_SEEDS), default="test", help="split of the seeds")
    parser.add_argument("--instructions", type=count, default=2000, help="number of instructions to check")
    parser.add_argument(
        "--several", type=share, default=0.0, help="fraction of instructions that ask for several objects"
    )
    options.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Judges and prints; the exit status is 1 when an instruction fails."""
    judged = absent = 0
    faults: list[str] = []
    stock = options.chosen_stock(args, args.split)
    seed = SPLIT_SEEDS[args.split]
    with tqdm(total=args.instructions, unit="instruction", disable=None) as progress:
        while judged < args.instructions:
            for sample in home_samples(seed, depth=False, talk=Talk(several=args.several), stock=stock):
                for sentence in sample.sentences[: args.instructions - judged]:
                    judged += 1
                    absent += sentence.target is None
                    fault = find_fault(sample, sentence)
                    if fault is not None:
                        faults.append(f"home {seed}, {sentence.text!r}: {fault}")
                    progress.update()
            seed += 1
    print(
        f"{judged} instructions of {seed - SPLIT_SEEDS[args.split]} homes: {judged - len(faults)} are clear "
        f"({absent} name something that is not in view), {len(faults)} are not"
    )
    for fault in faults:
        print(fault)
    return 1 if faults else 0


def find_fault(sample: Sample, sentence: Sentence) -> str | None:
    """What is wrong with a sentence; None when nothing is."""
    scene = Scene(sample.room, sample.seen, sample.view.items.size)
    sure, unsure = ([thing.index for thing in things] for things in _meant(scene, sentence))
    wanted = sentence.targets
    if (sorted(sure), unsure) != (sorted(wanted), []):
        return f"it means {sure} and may mean {unsure}, expected {list(wanted)}"
    if not all(np.any(sample.view.items == target) for target in wanted):
        return "its target has no pixel"
    said = (sentence.query,) if sentence.group is None else sentence.group.queries
    missing = [name for one in said for query in _queries(one) if (name := _unnamed(query, sentence.text)) is not None]
    return f"it does not name {missing}" if missing else None


def _meant(scene: Scene, sentence: Sentence) -> tuple[list[Seen], list[Seen]]:
    """What a sentence surely means, and what it may mean."""
    if sentence.group is None or sentence.group.sort == "all":
        return scene.answers(sentence.query)
    return members(scene, sentence.group), []


def _queries(query: Query) -> list[Query]:
    return [query, *(inner for clause in query.clauses for mark in clause.marks for inner in _queries(mark))]


def _unnamed(query: Query, text: str) -> str | None:
    """What a query says of its thing's looks and the text does not."""
    nouns = lexicon.NOUNS.get(query.kind, (query.kind,))
    named = [(*nouns, *filter(None, map(plural_name, nouns)))]
    if query.color is not None:
        named.append(lexicon.COLOR_NAMES.get(query.color, (query.color,)))
    if query.pattern is not None:
        named.append(lexicon.PATTERN_NAMES[query.pattern])
    for names in named:
        if not any(re.search(rf"\b{name.removeprefix('framed ')}\b", text.lower()) for name in names):
            return names[0]
    return None
