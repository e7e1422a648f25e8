"""``mdsm-data replays``: ``mdsm replay`` of many recordings, shared among processes or the machines of a cluster.

Each recording has a folder of its own below ``--out``, with the files of ``mdsm replay``. A run that was interrupted
resumes: finished recordings are left as they are, and others continue with their first unanswered image.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import redirect_stderr, redirect_stdout
from functools import lru_cache
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from mdsm_ros.arguments import refinement_steps
from mdsm_ros.commands.options import check_model, check_refinement
from mdsm_ros.dataset.metrics import Figures, figures_table
from mdsm_ros.errors import CommandError, MdsmError
from mdsm_ros.files import write_json
from mdsm_ros.foreign import read_json
from training.cluster import add_worker_arguments, open_pool

if TYPE_CHECKING:
    from mdsm_ros.segmenter import Segmenter

DONE = "done.json"  # in the folder of a finished recording: the options of its replay
SUMMARY = "replays.json"


def replay_one(bag: Path, out: Path, model: str, device: str, said: str | None, steps: int | None, keep: bool) -> None:
    """Replays one recording in a worker; leaves a finished one as it is.

    Args:
        bag: Recording.
        out: Folder of its results.
        model: Name, folder or hub id of the model.
        device: Device of the model.
        said: Instruction for the whole recording; None for the recorded ones.
        steps: Number of refinement steps; None for the model's own.
        keep: Whether to write the recording with masks.

    Raises:
        MdsmError: The recording or the model cannot be used, or the folder has a replay with other options.
    """
    options = {"model": model, "device": device, "instruction": said, "steps": steps, "bag": keep}
    if (out / DONE).exists():
        before = read_json(out / DONE, CommandError, "the options of a finished replay")
        if before != options:
            raise CommandError(f"{out} contains a replay with {before}, expected {options}; choose another --out")
        return
    from mdsm_ros.replay.options import ReplayOptions
    from mdsm_ros.replay.run import run_replay

    wanted = ReplayOptions(bag, out, instruction=said, num_inference_steps=steps, write_bag=keep)
    segmenter = _segmenter(model, device)
    check_refinement([segmenter], steps=steps)
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        run_replay(wanted, segmenter)
    write_json(out / DONE, options)


@lru_cache(maxsize=1)
def _segmenter(model: str, device: str) -> Segmenter:
    """The model of this worker. With one thread, an answer does not depend on the number of cores where it is made."""
    import torch

    from mdsm_ros.segmenter import Segmenter

    torch.set_num_threads(1)
    return Segmenter.from_pretrained(model, device=device)


def folders(bags: Sequence[Path], out: Path) -> dict[Path, Path]:
    """The folder of the results of each recording.

    Raises:
        CommandError: A recording is missing, or two have the same name.
    """
    found = {bag: out / bag.resolve().stem for bag in bags}
    for bag in bags:
        if not bag.exists():
            raise CommandError(f"recording {str(bag)!r} does not exist")
    twice = [str(folder) for folder, number in Counter(found.values()).items() if number > 1]
    if twice:
        raise CommandError(f"several recordings would be replayed into {twice[0]}, expected different names")
    return found


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("bags", type=Path, nargs="+", help="recordings: rosbag2 folders, .mcap or .db3 files")
    parser.add_argument("--out", type=Path, required=True, help="folder of the results, one folder in it for each")
    parser.add_argument("--model", default="mdsm-small", help="model by name, folder or hub id (default: %(default)s)")
    parser.add_argument("--device", default="cpu", help="device of the model: cpu or cuda (default: %(default)s)")
    parser.add_argument("--instruction", help="instruction for all recordings, instead of the recorded ones")
    parser.add_argument("--steps", type=refinement_steps, help="number of refinement steps (default: the model's)")
    parser.add_argument("--no-bag", action="store_true", help="do not write the recordings with masks")
    add_worker_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Replays the recordings; returns the exit status, 1 if one of them could not be replayed."""
    check_model(args.model)
    places = folders(args.bags, args.out)
    options = (args.model, args.device, args.instruction, args.steps, not args.no_bag)
    pool, workers = open_pool(args.workers, args.cluster, gpus=float(args.device.startswith("cuda")))
    failed: dict[str, str] = {}
    try:
        coming = iter(places.items())
        running: dict[Future[Any], Path] = {}
        with tqdm(total=len(places), unit="recording", disable=None) as progress:
            while True:
                for bag, out in coming:
                    running[pool.submit(replay_one, bag, out, *options)] = bag
                    if len(running) >= 2 * workers:
                        break
                if not running:
                    break
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    bag = running.pop(future)
                    progress.update()
                    try:
                        future.result()
                    except (MdsmError, OSError) as error:
                        failed[str(bag)] = str(error)
    finally:
        pool.shutdown(cancel_futures=True)
    return _report(places, failed, args.out)


def _report(places: dict[Path, Path], failed: dict[str, str], out: Path) -> int:
    """Writes and prints the metrics of all recordings, in the order of the command."""
    from mdsm_ros.replay.run import METRICS

    rows: dict[str, Figures] = {}
    for bag, folder in places.items():
        if str(bag) not in failed:
            rows[folder.name] = read_json(folder / METRICS, CommandError, "the metrics of a replay")["all"]
    write_json(out / SUMMARY, {"recordings": rows, "failed": failed}, indent=2)
    if rows:
        print(figures_table("recording", rows))
    for name, reason in failed.items():
        print(f"not replayed: {name}: {reason}", file=sys.stderr)
    return 1 if failed else 0
