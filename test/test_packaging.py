"""The package builds the way ROS users build it, and what they then start is there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import xml.etree.ElementTree as ET
import zipfile
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
EXECUTABLES = {
    "mdsm",
    "mdsm-ablate",
    "mdsm-compare",
    "mdsm-calibrate",
    "mdsm-data",
    "mdsm-evaluate",
    "mdsm-train",
    "mdsm-train-latent",
    "mdsm_node",
    "mdsm_sim",
}


def run(*command: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a user checks out; a build leaves files beside setup.py."""
    copy = tmp_path_factory.mktemp("ws") / "src" / "mdsm_ros"
    ignore = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "install", "log", "data", "runs")
    shutil.copytree(ROOT, copy, ignore=ignore)
    return copy


@pytest.fixture(scope="session", params=["copy", "symlink"])
def workspace(request: pytest.FixtureRequest, source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A colcon workspace after ``colcon build`` or ``colcon build --symlink-install``."""
    if shutil.which("colcon", path=sysconfig.get_path("scripts")) is None:
        pytest.skip("colcon is not installed")
    folder = tmp_path_factory.mktemp(f"colcon_{request.param}")
    colcon = Path(sysconfig.get_path("scripts")) / "colcon"
    options = ["--symlink-install"] if request.param == "symlink" else []
    result = run(colcon, "build", "--base-paths", source, "--event-handlers", "console_direct+", *options, cwd=folder)
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


def test_colcon_installs_the_executables_where_ros2_run_looks(workspace: Path) -> None:
    folder = workspace / "install" / "mdsm_ros" / "lib" / "mdsm_ros"
    assert {file.name for file in folder.iterdir()} == EXECUTABLES
    assert all(os.access(file, os.X_OK) for file in folder.iterdir())


def test_colcon_installs_what_ament_and_launch_files_look_for(workspace: Path) -> None:
    share = workspace / "install" / "mdsm_ros" / "share"
    assert (share / "ament_index" / "resource_index" / "packages" / "mdsm_ros").is_file()
    for folder, pattern in (
        ("launch", "*.launch.py"),
        ("config", "*.*"),
        ("config/train", "*.yaml"),
        (".", "package.xml"),
    ):
        expected = {file.name for file in (ROOT / folder).glob(pattern) if file.is_file()}
        assert expected
        installed = {file.name for file in (share / "mdsm_ros" / folder).iterdir() if file.is_file()}
        assert expected <= installed, f"of {folder}"


def test_the_node_starts_from_the_workspace_and_refuses_bad_weights(workspace: Path, tmp_path: Path) -> None:
    pytest.importorskip("rclpy")
    node = "install/mdsm_ros/lib/mdsm_ros/mdsm_node"
    missing = tmp_path / "no_such_weights"
    command = f". install/setup.sh && exec {sys.executable} {node} --ros-args -p model:={missing}"
    result = run("sh", "-c", command, cwd=workspace)
    assert result.returncode not in (0, 126, 127), result.stdout + result.stderr
    assert str(missing) in result.stdout + result.stderr


def test_the_workspace_holds_the_data_of_the_package(workspace: Path) -> None:
    code = "import mdsm_ros, pathlib; print(pathlib.Path(mdsm_ros.__file__).resolve().parent)"
    result = run("sh", "-c", f". install/setup.sh && {sys.executable} -c '{code}'", cwd=workspace)
    package = Path(result.stdout.strip())
    assert ROOT not in package.parents
    demo = ("demo/bag/metadata.yaml", "demo/photographs/annotations.json", "demo/photographs/CREDITS.md")
    for path in (*demo, "weights/mdsm-small/config.json", "weights/mdsm-small/model.safetensors.index.json"):
        assert (package / path).is_file(), path


@pytest.fixture(scope="session")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """What ``pip install .`` installs."""
    folder = tmp_path_factory.mktemp("wheel")
    code = f"from setuptools import build_meta; print(build_meta.build_wheel({str(folder)!r}))"
    result = run(sys.executable, "-c", code, cwd=source)
    assert result.returncode == 0, result.stdout + result.stderr
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_the_wheel_holds_every_source_and_data_file(wheel: zipfile.ZipFile) -> None:
    tracked = run("git", "ls-files", "mdsm_ros", "training", cwd=ROOT)
    if tracked.returncode != 0:
        pytest.skip("not a git checkout")
    missing = {name for name in tracked.stdout.splitlines() if name not in wheel.namelist()}
    assert {name for name in missing if not name.endswith("README.md") or "/weights/" in name} == set()


def test_the_wheel_installs_two_packages_and_the_commands(wheel: zipfile.ZipFile) -> None:
    info = next(name for name in wheel.namelist() if name.endswith("top_level.txt"))
    assert wheel.read(info).decode().split() == ["mdsm_ros", "training"]
    scripts = wheel.read(info.replace("top_level", "entry_points")).decode()
    assert {line.split(" = ")[0] for line in scripts.splitlines() if " = " in line} == EXECUTABLES


@pytest.mark.slow
@pytest.mark.parametrize("command", sorted(EXECUTABLES))
def test_every_command_leads_to_a_function(command: str) -> None:
    found = [entry for entry in entry_points(group="console_scripts") if entry.name == command]
    if not found:
        pytest.skip("the package is not installed")
    if command == "mdsm_node":
        pytest.importorskip("rclpy")
    assert callable(found[0].load())


def test_package_xml_and_setup_agree() -> None:
    package = ET.parse(ROOT / "package.xml").getroot()
    setup = run(sys.executable, "setup.py", "--version", "--license", cwd=ROOT)
    assert [package.findtext("version"), package.findtext("license")] == setup.stdout.split()[-2:]
    assert package.get("format") == "3"
    assert package.findtext("export/build_type") == "ament_python"


def test_no_file_of_the_repository_is_too_large_for_its_host() -> None:
    tracked = run("git", "ls-files", cwd=ROOT)
    if tracked.returncode != 0:
        pytest.skip("not a git checkout")
    sizes = {name: (ROOT / name).stat().st_size for name in tracked.stdout.splitlines() if (ROOT / name).is_file()}
    assert {name: size for name, size in sizes.items() if size > 16 * 2**20} == {}
