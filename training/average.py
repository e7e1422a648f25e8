"""``python -m training.average``: averages the weights of two models, one of which was trained on from the other.

The average often generalises better than either (arXiv 2109.01903, 2203.05482), and forgets less of what the first
model knew. A training that continues another one ends near it, so that the average lies in the same valley of the loss.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from mdsm_ros.checkpoints.pretrained import read_config
from mdsm_ros.errors import MdsmError, WeightsError
from mdsm_ros.files import whole_folder
from mdsm_ros.hub.folder import INDEX_FILE, WEIGHTS_FILE, give_usual_mode, read_safetensors, weight_files


def average(first: Path, second: Path, out: Path, share: float) -> None:
    """Writes a model folder with averaged weights; all else is copied from the second model.

    Args:
        first: Folder of the model from which the second one was trained on.
        second: Folder of the second model.
        out: Folder to write.
        share: Fraction of the second model, 0 to 1.

    Raises:
        WeightsError: A model cannot be read, the share is out of range, or the models have different tensors.
        OSError: A file cannot be written.
    """
    if not 0 <= share <= 1:
        raise WeightsError(f"share is {share}, expected 0 to 1")
    for folder in (first, second):
        read_config(folder)
    old, new = (_tensors(folder) for folder in (first, second))
    shapes = [{name: tensor.shape for name, tensor in state.items()} for state in (old, new)]
    if shapes[0] != shapes[1]:
        different = sorted({name for name, _ in shapes[0].items() ^ shapes[1].items()})
        raise WeightsError(f"{first} and {second} differ in the tensor {different[0]!r}, expected models of one shape")
    mixed = {name: _mix(old[name], tensor, share) for name, tensor in new.items()}
    with whole_folder(out) as partial:
        save_file(mixed, partial / WEIGHTS_FILE, metadata={"format": "pt"})
        give_usual_mode(partial)
        for path in second.iterdir():
            if path.is_file() and path.suffix != ".safetensors" and path.name != INDEX_FILE:
                shutil.copyfile(path, partial / path.name)


def _tensors(folder: Path) -> dict[str, torch.Tensor]:
    return {name: tensor for path in weight_files(folder) for name, tensor in read_safetensors(path).items()}


def _mix(old: torch.Tensor, new: torch.Tensor, share: float) -> torch.Tensor:
    """The average of floating-point numbers, in the second tensor's type; counters are those of the second."""
    if not new.is_floating_point():
        return new
    return ((1 - share) * old.float() + share * new.float()).to(new.dtype)


def main(argv: list[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m training.average", description=__doc__)
    parser.add_argument("first", type=Path, help="folder of the model from which the second was trained on")
    parser.add_argument("second", type=Path, help="folder of the second model")
    parser.add_argument("--share", type=float, default=0.5, help="fraction of the second model (default: %(default)s)")
    parser.add_argument("--out", type=Path, required=True, help="folder of the new model")
    args = parser.parse_args(argv)
    try:
        average(args.first, args.second, args.out, args.share)
    except (MdsmError, OSError) as error:
        print(f"average: error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
