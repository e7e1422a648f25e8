"""Video models of transformers that carry masks: SAM 2 and EdgeTAM, by hub id or folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mdsm_ros.errors import WeightsError
from mdsm_ros.extras import require
from mdsm_ros.hub.folder import CONFIG_FILE, read_values, resolve_folder
from mdsm_ros.inference.acceleration import choose_acceleration

if TYPE_CHECKING:
    from mdsm_ros.inference.tracking.sam2_video import Sam2Video

NETWORKS = {"sam2_video": "Sam2VideoModel", "edgetam_video": "EdgeTamVideoModel"}
"""The classes of transformers, by the ``model_type`` in config.json."""
EXPECTED = "a SAM 2 or EdgeTAM checkpoint of transformers: a hub id OWNER/NAME, or a folder such as ./NAME"


def may_be_video_model(name: str) -> bool:
    """Whether a name can be that of a video model: a hub id or a folder. Reads no file."""
    return "/" in name and name == "".join(name.split())


def load_video_model(
    name: str, *, device: str = "auto", acceleration: str = "none", local_files_only: bool = False
) -> Sam2Video:
    """Loads a video model.

    Args:
        name: Hub id or folder of a SAM 2 or EdgeTAM checkpoint in transformers' layout.
        device: Device: "auto" (CUDA if available), "cpu", "cuda" or "cuda:N".
        acceleration: As for :class:`~mdsm_ros.segmenter.Segmenter`: with "half", and on a GPU with all but "none", the
            model runs in mixed precision.
        local_files_only: Whether to use only local files and download nothing.

    Raises:
        WeightsError: The checkpoint cannot be found, is damaged, or is of another model.
        DeviceError: The device or the acceleration does not exist.
        MissingPackageError: PyTorch or transformers is not installed.
    """
    if not may_be_video_model(name):
        raise WeightsError(f"video model is {name!r}, expected {EXPECTED}")
    require("torch", "torchvision", "transformers", purpose="a video model")
    folder = resolve_folder(name, local_files_only=local_files_only)
    kind = read_values(folder).get("model_type")
    if kind not in NETWORKS:
        raise WeightsError(f"{folder / CONFIG_FILE}: model_type is {kind!r}, expected {' or '.join(NETWORKS)}")
    from mdsm_ros.checkpoints.public_weights import Folder
    from mdsm_ros.inference.device import choose_device
    from mdsm_ros.inference.tracking.sam2_video import Sam2Video

    checkpoint = Folder(folder)
    checkpoint.pixel_statistics()  # transformers would make them up
    chosen = choose_device(device)
    wanted = choose_acceleration(acceleration, chosen.type)
    half = wanted != "none" if chosen.type == "cuda" else wanted == "half"
    network = checkpoint.network(NETWORKS[kind])
    return Sam2Video(network, _processor(folder, network.config.image_size), chosen, half=half)


def _processor(folder: Path, side: int) -> Any:
    """The processor of images of ``side`` pixels; that of whole videos is not used, and not every folder has one."""
    from transformers import AutoImageProcessor, Sam2VideoProcessor, Sam2VideoVideoProcessor

    try:
        images = AutoImageProcessor.from_pretrained(folder, local_files_only=True)
        processor = Sam2VideoProcessor(images, Sam2VideoVideoProcessor())
    except Exception as error:  # transformers raises many types
        raise WeightsError(f"{folder} has no readable preprocessor of SAM 2: {error}") from error
    if processor.target_size != side:
        raise WeightsError(
            f"{folder}: height in the preprocessor's configuration is {processor.target_size}, expected {side}, the "
            f"image_size of {CONFIG_FILE}"
        )
    return processor
