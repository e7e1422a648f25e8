"""``python -m training.average``: averages the weights of two models, one of which was trained on from the other.

The average often generalises better than either (arXiv 2109.01903, 2203.05482), and forgets less of what the first
model knew. A training that continues another one ends near it, so that the average lies in the same valley of the loss.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Collection, Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file

from mdsm_ros.arguments import share as parse_share
from mdsm_ros.checkpoints.pretrained import read_config
from mdsm_ros.errors import MdsmError, WeightsError
from mdsm_ros.files import whole_folder
from mdsm_ros.hub.folder import INDEX_FILE, WEIGHTS_FILE, give_usual_mode, read_safetensors, weight_files


def average(first: Path, second: Path, out: Path, share: float, parts: Mapping[str, float] | None = None) -> None:
    """Writes a model folder with averaged weights; all else is copied from the second model.

    Args:
        first: Folder of the model from which the second one was trained on.
        second: Folder of the second model.
        out: Folder to write.
        share: Fraction of the second model, 0 to 1.
        parts: Other fractions for parts of the model, by the beginning of their tensors' names; the longest one holds.
            A model may lack a part.

    Raises:
        WeightsError: A model cannot be read, a share is out of range, or the models have different tensors.
        OSError: A file cannot be written.
    """
    shares = {"": share, **(parts or {})}
    for part, value in shares.items():
        if not 0 <= value <= 1:
            raise WeightsError(f"share{f' of {part}' if part else ''} is {value}, expected 0 to 1")
    for folder in (first, second):
        read_config(folder)
    old, new = (_tensors(folder) for folder in (first, second))
    shapes = [{name: tensor.shape for name, tensor in state.items()} for state in (old, new)]
    if shapes[0] != shapes[1]:
        different = sorted({name for name, _ in shapes[0].items() ^ shapes[1].items()})
        raise WeightsError(f"{first} and {second} differ in the tensor {different[0]!r}, expected models of one shape")
    mixed = {name: _mix(old[name], tensor, _share_of(name, shares)) for name, tensor in new.items()}
    with whole_folder(out) as partial:
        save_file(mixed, partial / WEIGHTS_FILE, metadata={"format": "pt"})
        give_usual_mode(partial)
        for path in second.iterdir():
            if path.is_file() and path.suffix != ".safetensors" and path.name != INDEX_FILE:
                shutil.copyfile(path, partial / path.name)


def _tensors(folder: Path) -> dict[str, torch.Tensor]:
    return {name: tensor for path in weight_files(folder) for name, tensor in read_safetensors(path).items()}


def check_parts(folder: Path, parts: Collection[str]) -> None:
    """Sees to it that each part has tensors.

    Raises:
        WeightsError: The model in ``folder`` cannot be read, or none of its tensors begins with the name of a part.
    """
    names = [name for path in weight_files(folder) for name in read_safetensors(path)] if parts else []
    for part in parts:
        if not any(name.startswith(part) for name in names):
            known = sorted({name.split(".")[0] for name in names})
            raise WeightsError(f"--part names {part!r}, expected the beginning of a tensor's name: {', '.join(known)}")


def _share_of(tensor: str, shares: Mapping[str, float]) -> float:
    return shares[max((part for part in shares if tensor.startswith(part)), key=len)]


def _mix(old: torch.Tensor, new: torch.Tensor, share: float) -> torch.Tensor:
    """The average of floating-point numbers, in the second tensor's type; counters are those of the second."""
    if not new.is_floating_point():
        return new
    return ((1 - share) * old.float() + share * new.float()).to(new.dtype)


def _part(text: str) -> tuple[str, float]:
    name, sign, share = text.partition("=")
    if not (name and sign):
        raise argparse.ArgumentTypeError(f"{text} is no share of a part, expected NAME=SHARE")
    return name, parse_share(share)


def main(argv: list[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m training.average", description=__doc__)
    parser.add_argument("first", type=Path, help="folder of the model from which the second was trained on")
    parser.add_argument("second", type=Path, help="folder of the second model")
    parser.add_argument("--share", type=float, default=0.5, help="fraction of the second model (default: %(default)s)")
    parser.add_argument(
        "--part",
        action="append",
        default=[],
        type=_part,
        metavar="NAME=SHARE",
        help="another fraction for the tensors whose names begin so, such as intermediate.pwam=0; may be repeated",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the new model")
    args = parser.parse_args(argv)
    try:
        check_parts(args.second, dict(args.part))
        average(args.first, args.second, args.out, args.share, dict(args.part))
    except (MdsmError, OSError) as error:
        print(f"average: error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
