"""The package builds the way ROS users build it, and what they then start is there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import xml.etree.ElementTree as ET
import zipfile
from importlib.metadata import EntryPoint
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
Answer = subprocess.CompletedProcess[str]
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


def other_python() -> Path | None:
    """A Python of another version than this one, as colcon's is beside a virtual environment."""
    folders = [*os.environ.get("PATH", "").split(os.pathsep), *map(str, Path.home().glob(".pyenv/versions/*/bin"))]
    for minor in range(10, 15):
        for folder in folders:
            path = Path(folder, f"python3.{minor}")
            works = minor != sys.version_info.minor and path.is_file() and "shims" not in folder
            if works and not run(path, "-c", "import ctypes, pyexpat", cwd=Path("/")).returncode:
                return path
    return None


@pytest.fixture(scope="session", params=["copy", "symlink", "other python"])
def workspace(request: pytest.FixtureRequest, source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A colcon workspace after ``colcon build``, with ``--symlink-install``, and with colcon of another Python."""
    if find_spec("colcon_core") is None:
        pytest.skip("colcon is not installed")
    python: Path | None = Path(sys.executable)
    if request.param == "other python" and (python := other_python()) is None:
        pytest.skip("there is no other Python")
    assert python is not None
    folder = tmp_path_factory.mktemp("colcon")
    options = ["--symlink-install"] if request.param == "symlink" else []
    command: list[str | Path] = [python, "-m", "colcon", "build", "--base-paths", source, *options]
    result = run(
        *command,
        "--event-handlers",
        "console_direct+",
        cwd=folder,
        PYTHONPATH=sysconfig.get_path("purelib"),  # colcon is not compiled: any Python runs it
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


def in_workspace(workspace: Path, command: str, python: Path | None, **environment: str) -> Answer:
    """Runs an installed executable as ``ros2 run`` does.

    Args:
        workspace: The colcon workspace.
        command: The executable, and its arguments.
        python: The Python of the virtual environment that is active; None: none is, and the system's has no packages.
        environment: Environment variables.
    """
    paths = ["/usr/bin", "/bin"] if python is None else [str(python.parent), "/usr/bin", "/bin"]
    variables = {"PATH": os.pathsep.join(paths), "HOME": str(workspace), **environment}
    line = f". install/setup.sh && exec install/mdsm_ros/lib/mdsm_ros/{command}"
    return subprocess.run(["sh", "-c", line], cwd=workspace, env=variables, capture_output=True, text=True, check=False)


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
        ("examples", "*.*"),
        (".", "package.xml"),
    ):
        expected = {file.name for file in (ROOT / folder).glob(pattern) if file.is_file()}
        assert expected
        installed = {file.name for file in (share / "mdsm_ros" / folder).iterdir() if file.is_file()}
        assert expected <= installed, f"of {folder}"


def test_the_node_starts_from_the_workspace_and_refuses_bad_weights(workspace: Path, tmp_path: Path) -> None:
    pytest.importorskip("rclpy")
    missing = tmp_path / "no_such_weights"
    result = in_workspace(workspace, f"mdsm_node --ros-args -p model:={missing}", Path(sys.executable))
    assert result.returncode not in (0, 126, 127), result.stdout + result.stderr
    assert str(missing) in result.stdout + result.stderr


def test_the_doctor_is_content_with_a_workspace_and_its_environment(workspace: Path) -> None:
    pytest.importorskip("rclpy")
    result = in_workspace(workspace, "mdsm doctor --json", Path(sys.executable))
    report = json.loads(result.stdout)
    states = {check["name"]: check["state"] for check in report["checks"]}
    assert (result.returncode, report["ok"]) == (0, True), result.stdout
    assert {states[name] for name in ("executables", "packages", "rclpy and messages", "embedded weights")} == {"ok"}


def test_without_the_environment_the_workspace_says_what_is_missing(workspace: Path) -> None:
    system = shutil.which("python3", path="/usr/bin:/bin")
    if system is None or not run(system, "-c", "import torch", cwd=workspace).returncode:
        pytest.skip("the system has no Python, or one with PyTorch")
    result = in_workspace(workspace, "mdsm doctor --json", None)
    checks = {check["name"]: check for check in json.loads(result.stdout)["checks"]}
    assert result.returncode == 1
    assert checks["packages"]["state"] == "missing"
    assert "pip install" in checks["packages"]["mend"]
    assert "safetensors>=0.4.3" in checks["packages"]["detail"]
    assert checks["PyTorch"]["state"] == "missing"
    assert f"starts {system}" in checks["executables"]["detail"]
    assert in_workspace(workspace, "mdsm --help", None).returncode == 0
    for command in ("mdsm_node --ros-args -p autostart:=true", "mdsm segment nowhere.jpg cup"):
        result = in_workspace(workspace, command, None)
        assert result.returncode == 2
        assert "not installed" in result.stderr
        assert "Traceback" not in result.stderr


def test_the_doctor_sees_an_executable_of_another_python(workspace: Path, tmp_path: Path) -> None:
    """As colcon made it before setup.cfg said otherwise: with the path of its own Python."""
    prefix, script = tmp_path / "prefix", tmp_path / "prefix" / "lib" / "mdsm_ros" / "mdsm_node"
    script.parent.mkdir(parents=True)
    for line, text in (("/no/such/python3", "starts no Python that is there"), ("/bin/sh", "starts /bin/sh, this is")):
        script.write_text(f"#!{line}\n")
        code = f"export AMENT_PREFIX_PATH={prefix}; exec install/mdsm_ros/lib/mdsm_ros/mdsm doctor --json"
        result = run(
            *("sh", "-c", f". install/setup.sh && {code}"),
            cwd=workspace,
            PATH=f"{Path(sys.executable).parent}:/usr/bin:/bin",
        )
        check = next(check for check in json.loads(result.stdout)["checks"] if check["name"] == "executables")
        assert (result.returncode, check["state"]) == (1, "wrong")
        assert text in check["detail"]
        assert "colcon build" in check["mend"]


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
    declared = re.search(rf'"{command} = ([\w.]+:\w+)"', (ROOT / "setup.py").read_text(encoding="utf-8"))
    assert declared is not None
    assert callable(EntryPoint(command, declared[1], "console_scripts").load())


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
