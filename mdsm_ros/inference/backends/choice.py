"""Places a model on a device, and finds the library of its arrays."""

from __future__ import annotations

from mdsm_ros.inference.backends.backend import Backend
from mdsm_ros.inference.backends.graph_model import GraphModel
from mdsm_ros.inference.backends.numpy_backend import NumpyBackend
from mdsm_ros.models.interface import SegmentationModel


def place(model: SegmentationModel, device: str) -> tuple[SegmentationModel, Backend]:
    """Returns the model on its device, and the library of its arrays.

    Args:
        model: Loaded model.
        device: Device: "auto" (CUDA if available), "cpu", "cuda" or "cuda:N"; graphs are on theirs already.

    Raises:
        DeviceError: The device does not exist.
    """
    if isinstance(model, GraphModel):
        return model, NumpyBackend(model.device)
    from mdsm_ros.inference.backends.torch_backend import TorchBackend
    from mdsm_ros.inference.device import choose_device

    chosen = choose_device(device)
    return model.to(chosen).eval(), TorchBackend(chosen)
