"""The Python packages, their versions and builds, and the weights in this package."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution, distributions
from pathlib import Path

import mdsm_ros
from mdsm_ros.commands.doctor.check import MISSING, NOTE, OK, WRONG, Check
from mdsm_ros.extras import BASE, EXTRAS, install_line, is_installed

CPU_INDEX = "https://download.pytorch.org/whl/cpu"
WEIGHTS = Path(mdsm_ros.__file__).parent / "weights"
DRIVERS = ("/proc/driver/nvidia/version", "/dev/nvidia0", "/etc/nv_tegra_release")
NUMPY_1 = ("humble", "jazzy", "kilted")  # distributions on Ubuntu 22.04 and 24.04
LONGEST_HEADER = 100_000_000  # bytes, the limit of safetensors itself


def check_extra(extra: str, *, required: bool) -> Check:
    """Checks that the packages of an extra, or of BASE (always required), are installed and new enough."""
    name = f"extra {extra}" if extra else "packages"
    missing, old, found = [], [], []
    for module, requirement in EXTRAS[extra].items():
        if not is_installed(module):
            missing.append(requirement)
            continue
        version = _version(requirement)
        if version is not None and _is_older(version, requirement):
            old.append(f"{requirement} (here {version})")
        found.append(f"{module} {version or ''}".strip())
    mend = install_line(*([extra] if extra else []))
    if missing:
        return Check(name, MISSING, f"not found: {', '.join(missing)}", mend, required)
    if old:
        return Check(name, WRONG, f"too old: {', '.join(old)}", mend, required)
    return Check(name, OK, ", ".join(found), "", required)


def check_torch() -> Check:
    """Checks PyTorch's build and size, and whether it fits this machine; without it, what runs the embedded model."""
    if not is_installed("torch"):
        runtimes = [name for name in ("onnxruntime", "openvino") if is_installed(name)]
        if not runtimes:
            return Check("PyTorch", MISSING, "not found", install_line("torch"))
        detail = f"not found; {' and '.join(runtimes)} here, which runs the embedded model on a CPU"
        return Check("PyTorch", NOTE, detail, install_line("torch"), required=False)
    try:
        torch = distribution("torch")
    except PackageNotFoundError:
        return Check("PyTorch", OK, "installed without metadata")
    cuda = any("libtorch_cuda" in str(file) for file in torch.files or ())
    parts = [torch, *(d for d in distributions() if cuda and _is_cuda_part(d))]
    size = sum(file.size or 0 for part in parts for file in part.files or ()) / 1e9
    detail = f"{torch.version}, {'CUDA' if cuda else 'CPU'} build, {size:.1f} GB"
    if cuda and not _has_gpu():
        return Check(
            "PyTorch", NOTE, f"{detail}; no NVIDIA GPU is here, the CPU build is smaller", _torch_line(cuda=False)
        )
    if not cuda and _has_gpu():
        return Check("PyTorch", NOTE, f"{detail}; the NVIDIA GPU of this machine is not used", _torch_line(cuda=True))
    return Check("PyTorch", OK, detail)


def check_numpy() -> Check:
    """Checks that NumPy fits a cv_bridge that was built for NumPy 1."""
    version = _version(EXTRAS[BASE]["numpy"])
    old_ros = is_installed("cv_bridge") and any(Path("/opt/ros", distro).is_dir() for distro in NUMPY_1)
    if version is not None and not _is_older(version, "numpy>=2") and old_ros:
        detail = f"{version}; the cv_bridge of this ROS was built for NumPy 1 and cannot convert YUV images"
        return Check("NumPy", NOTE, detail, f"{sys.executable} -m pip install 'numpy<2'", required=False)
    if version is None:
        return Check("NumPy", MISSING, "not found", required=False)
    return Check("NumPy", OK, version, required=False)


def check_weights(folder: Path = WEIGHTS) -> Check:
    """Checks that the embedded weights are complete; reads only their headers."""
    name, models = "embedded weights", [path for path in sorted(folder.glob("*")) if path.is_dir()]
    if not models:
        return Check(name, MISSING, f"{folder} holds no model", install_line())
    for model in models:
        files = sorted(model.glob("*.safetensors"))
        fault = "no weights" if not files else next((f for file in files if (f := fault_of(file)) is not None), None)
        fault = fault or _fault_of_json(model / "config.json")
        if fault is not None:
            mend = f"git lfs pull, or {install_line()}" if "LFS" in fault else install_line()
            return Check(name, WRONG, f"{model.name}: {fault}", mend)
    return Check(name, OK, ", ".join(model.name for model in models))


def fault_of(file: Path) -> str | None:
    """The fault of a safetensors file by its header and its size; None if there is none."""
    try:
        with file.open("rb") as content:
            start = content.read(8)
            if start == b"version ":
                return f"{file.name} is only a pointer of Git LFS"
            length = int.from_bytes(start, "little")
            if len(start) < 8 or length > LONGEST_HEADER:
                return f"{file.name} is damaged"
            header = json.loads(content.read(length))
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
        if 8 + length + max(ends) != file.stat().st_size:
            return f"{file.name} is cut off"
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        return f"{file.name} cannot be read: {error!r}"
    return None


def _fault_of_json(file: Path) -> str | None:
    try:
        json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return f"{file.name} cannot be read: {error}"
    return None


def _is_cuda_part(part: Distribution) -> bool:
    name = (part.metadata["Name"] or "").lower()
    return name.startswith("nvidia-") or name in ("triton", "cuda-bindings", "cuda-pathfinder")


def _has_gpu() -> bool:
    return any(Path(path).exists() for path in DRIVERS)


def _torch_line(*, cuda: bool) -> str:
    line = f"{sys.executable} -m pip install --force-reinstall torch torchvision"
    return line if cuda else f"{line} --index-url {CPU_INDEX}"


def _version(requirement: str) -> str | None:
    """The installed version of a requirement's distribution; None without metadata, as for ROS's own packages."""
    try:
        return distribution(re.split(r"[\[<>=]", requirement)[0]).version
    except PackageNotFoundError:
        return None


def _is_older(version: str, requirement: str) -> bool:
    """Whether a version is below the minimum of a requirement; pre-releases count as their release."""
    floor = re.search(r">=([\d.]+)", requirement)
    if floor is None:
        return False
    have, least = _numbers(re.findall(r"^[\d.]+", version)), _numbers([floor[1]])
    return have < least


def _numbers(parts: Iterable[str]) -> list[int]:
    return [int(number) for part in parts for number in part.split(".") if number]
