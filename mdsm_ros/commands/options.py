"""Options common to several commands, and the model that they name."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mdsm_ros.arguments import refinement_steps
from mdsm_ros.errors import CommandError, ImageError, WeightsError

if TYPE_CHECKING:
    from mdsm_ros.segmenter import Segmenter

WEIGHTS = Path(__file__).parent.parent / "weights"  # folder of the embedded models, each in a subfolder of its name


def add_model_arguments(parser: argparse._ActionsContainer, *, steps: bool = True) -> None:
    """Declares ``--model`` and ``--device``, and ``--steps`` for models that refine."""
    parser.add_argument(
        "--model", default="mdsm-small", help="name (mdsm models), folder or hub id (default: %(default)s)"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 … (default: %(default)s)")
    if steps:
        parser.add_argument(
            "--steps", type=refinement_steps, help="refinement steps, 0 for the initial mask (default: the model's)"
        )


def add_picture_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the image and the instruction about it."""
    parser.add_argument("image", type=Path, help="image, in any format that Pillow reads")
    parser.add_argument("instruction", help='instruction, for example "get the pillow nearest to the radio"')


def load_segmenter(model: str, device: str, *, acceleration: str = "none", one_answer: bool = False) -> Segmenter:
    """Loads a model, and reports it on stderr, because loading takes seconds.

    Args:
        model: Name, folder or hub id of the model.
        device: Device: "auto", "cpu", "cuda" or "cuda:N".
        acceleration: Acceleration, as for :class:`Segmenter`.
        one_answer: Whether the process answers only once, so that PyTorch's idle threads should sleep.

    Raises:
        MdsmError: The model or the device does not exist, or files are damaged.
    """
    check_model(model)
    print(f"loading {model} ...", file=sys.stderr, flush=True)
    if one_answer:
        from mdsm_ros.inference.threads import import_torch_for_one_answer

        import_torch_for_one_answer()
    from mdsm_ros.segmenter import Segmenter

    return Segmenter.from_pretrained(model, device=device, acceleration=acceleration)


def check_refinement(segmenters: Sequence[Segmenter], *, steps: int | None, **options: object) -> None:
    """Checks that options about refinement have an effect on one of the models at least.

    Args:
        segmenters: Models.
        steps: Value of ``--steps``: number of refinement steps; None for the model's own.
        options: Values of further options about refinement, by name; None for those that were not given.

    Raises:
        CommandError: An option was given, but nothing is refined. ``--steps 0`` is what happens then, and is no error.
    """
    refining = [segmenter for segmenter in segmenters if segmenter.refines]
    if any(segmenter.defaults.num_inference_steps if steps is None else steps for segmenter in refining):
        return
    given = {name: value for name, value in {"steps": steps or None, **options}.items() if value is not None}
    for name, value in given.items():
        names = " and ".join(segmenter.name for segmenter in segmenters)
        of_one_stage = f"{names} {'has' if len(segmenters) == 1 else 'have'} one stage"
        why = "the refinement steps are 0" if refining else of_one_stage
        raise CommandError(f"--{name} is {value}, expected it only where masks are refined ({why})")


def check_model(name: str) -> None:
    """Checks that a name can name a model, before PyTorch is imported.

    Raises:
        WeightsError: The name is not a known model, not a folder, and not a valid hub id.
    """
    from mdsm_ros.models.families import published

    embedded = [folder.name for folder in sorted(WEIGHTS.glob("*")) if folder.is_dir()]
    if name in embedded or name in published() or Path(name).is_dir():
        return
    if Path(name).exists() or Path(name).is_absolute() or name.startswith((".", "~")):
        raise WeightsError(f"weights folder {name!r} is not a folder")
    if name.count("/") != 1:
        known = ", ".join([*embedded, *published()])
        raise WeightsError(f"model is {name!r}, expected one of {known}, a folder, or a hub id OWNER/NAME")


def check_picture_name(path: Path | None) -> None:
    """Checks that an image can be written to a file, before the model runs.

    Raises:
        ImageError: Pillow cannot write the format.
    """
    from PIL import Image

    if path is None:
        return
    Image.init()
    if path.suffix.lower() not in Image.registered_extensions():
        raise ImageError(f"image is {str(path)!r}, expected a name that ends in a format such as .png or .jpg")
    if path.is_dir():
        raise ImageError(f"image {str(path)!r} is a folder, expected a file to write")
