"""The walls of the package: who may import what, and that its core runs without ROS."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROS_PACKAGES = {
    "ament_index_python", "builtin_interfaces", "cv_bridge", "diagnostic_msgs", "geometry_msgs", "launch", "launch_ros",
    "lifecycle_msgs", "rcl_interfaces", "rclpy", "sensor_msgs", "sensor_msgs_py", "std_msgs", "std_srvs",
    "tf2_msgs", "tf2_ros", "vision_msgs", "visualization_msgs",
}  # fmt: skip
TENSOR_PACKAGES = {"torch", "torchvision", "timm", "transformers", "diffusers", "safetensors"}
FILE_OPENERS = {
    "open", "load", "save", "load_file", "save_file", "imread", "read_text", "read_bytes", "write_text", "write_bytes",
    "from_file", "from_pretrained", "save_pretrained", "hf_hub_download", "snapshot_download",
}  # fmt: skip
CLOCKS = {"time", "perf_counter", "monotonic", "now", "time_ns", "perf_counter_ns", "monotonic_ns"}


def sources(*folders: str) -> list[Path]:
    files = [file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))]
    assert files, f"no sources below {folders}"
    return files


@cache
def imports(file: Path) -> list[str]:
    """Full dotted names of everything that a file imports, at any depth."""
    package = file.relative_to(ROOT).with_suffix("").parts[:-1]
    names: list[str] = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            names += [module, *(f"{module}.{alias.name}" for alias in node.names)]
    return names


def violations(files: list[Path], forbidden: set[str]) -> list[str]:
    return [
        f"{file.relative_to(ROOT)}: {name}"
        for file in files
        for name in imports(file)
        if any(name == prefix or name.startswith(f"{prefix}.") for prefix in forbidden)
    ]


def calls(file: Path) -> Iterator[str]:
    """The last name of everything that a file calls: ``open`` for ``open()`` and ``path.open()``."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                yield node.func.id
            elif isinstance(node.func, ast.Attribute):
                yield node.func.attr


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)


def test_only_the_ros_folder_imports_ros() -> None:
    outside = [file for file in sources("mdsm_ros", "training") if (ROOT / "mdsm_ros" / "ros") not in file.parents]
    assert violations(outside, ROS_PACKAGES) == []


def test_the_ros_folder_knows_no_tensors() -> None:
    assert violations(sources("mdsm_ros/ros"), TENSOR_PACKAGES) == []


def test_the_package_never_imports_training() -> None:
    assert violations(sources("mdsm_ros"), {"training"}) == []


def test_the_networks_import_nothing_of_the_shell() -> None:
    shell = {
        "checkpoints", "commands", "dataset", "demo", "homes", "inference", "library", "pictures", "recordings",
        "replay", "ros", "segmenter",
    }  # fmt: skip
    assert violations(sources("mdsm_ros/models"), {f"mdsm_ros.{part}" for part in shell}) == []


def test_the_networks_open_no_files_and_read_no_clock() -> None:
    found = [
        f"{file.relative_to(ROOT)}: {name}()"
        for file in sources("mdsm_ros/models")
        for name in calls(file)
        if name in FILE_OPENERS | CLOCKS
    ]
    assert found == []


def test_the_walls_see_an_import_that_breaks_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    folder = tmp_path / "mdsm_ros" / "models"
    folder.mkdir(parents=True)
    (folder / "bad.py").write_text("def f():\n    from ..ros import node\n    import torch.nn as nn\n    open('x')\n")
    assert violations([folder / "bad.py"], {"mdsm_ros.ros"}) != []
    assert violations([folder / "bad.py"], TENSOR_PACKAGES) == ["mdsm_ros/models/bad.py: torch.nn"]
    assert "open" in calls(folder / "bad.py")


def test_training_is_ours() -> None:
    import training

    assert training.__file__ is not None
    assert Path(training.__file__).resolve().parent == ROOT / "training"


WITHOUT_ROS = f"import sys; sys.modules.update(dict.fromkeys({sorted(ROS_PACKAGES)!r}))\n"


@pytest.mark.slow
@pytest.mark.parametrize("module", ["mdsm_ros.commands.main", "mdsm_ros.recordings.bags", "mdsm_ros.demo"])
def test_the_core_imports_where_ros_is_absent(module: str) -> None:
    result = run_python(f"{WITHOUT_ROS}import {module}")
    assert result.returncode == 0, result.stderr


@pytest.mark.slow
def test_the_public_classes_come_with_the_package_without_ros_and_bring_pytorch_only_when_used() -> None:
    result = run_python(
        f"{WITHOUT_ROS}import mdsm_ros; assert 'torch' not in sys.modules; assert 'Segmenter' in dir(mdsm_ros)\n"
        "from mdsm_ros import Segmentation, Segmenter; import mdsm_ros.segmenter as module\n"
        "assert Segmenter is module.Segmenter and Segmentation is module.Segmentation\n"
        "try:\n    mdsm_ros.Segmentor\nexcept AttributeError as error:\n    print(error)"
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == "module 'mdsm_ros' has no attribute 'Segmentor'\n"


def test_the_command_line_starts_without_the_heavy_libraries() -> None:
    result = run_python("import sys, mdsm_ros.commands.main; print(sorted(sys.modules))")
    assert result.returncode == 0, result.stderr
    loaded = set(ast.literal_eval(result.stdout))
    assert not loaded & TENSOR_PACKAGES


def test_the_catalog_of_models_is_read_without_them() -> None:
    result = run_python("import sys, mdsm_ros.checkpoints.catalog; print(sorted(sys.modules))")
    assert result.returncode == 0, result.stderr
    assert not set(ast.literal_eval(result.stdout)) & TENSOR_PACKAGES


@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="only with several workers")
def test_the_tests_of_a_file_are_one_group(request: pytest.FixtureRequest) -> None:
    """Else files share workers, set everything up twice, and two nodes share the cores; pytest 9.2 caused it once."""
    assert request.node.nodeid.endswith("@test_imports")
