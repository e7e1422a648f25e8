"""``mdsm doctor``: what it says about environments that are not as they should be."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from mdsm_ros.commands.doctor import interpreter, machine, packages, ros
from mdsm_ros.commands.doctor.check import MISSING, NOTE, OK, WRONG
from mdsm_ros.commands.doctor.command import PURPOSES, examine
from mdsm_ros.commands.main import main
from mdsm_ros.extras import BASE, EXTRAS, install_line, is_externally_managed

ROOT = Path(__file__).resolve().parent.parent


def script(path: Path, first_line: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{first_line}\nprint()\n")
    path.chmod(0o755)
    return path


def test_it_needs_only_pythons_own_library() -> None:
    """With -I -S no site-packages are found: what is imported beyond that would fail."""
    code = f"import sys; sys.path.append({str(ROOT)!r})\n"
    code += "from mdsm_ros.commands.main import main; sys.exit(main(['doctor']))"
    result = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "MISS  packages" in result.stdout
    assert "Traceback" not in result.stderr


def test_purposes_name_extras_and_json_holds_what_the_text_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert {extra for needed in PURPOSES.values() for extra in needed} <= EXTRAS.keys()
    code = main(["doctor", "--for", "python", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert code == (0 if report["ok"] else 1)
    assert main(["doctor", "--for", "python"]) == code
    text = capsys.readouterr().out
    for check in report["checks"]:
        assert check["detail"] in text
        assert check["mend"] in text
        assert check["mend"] or check["state"] not in (MISSING, WRONG)  # every fault has a line


@pytest.mark.slow
def test_ros_is_asked_for_only_where_it_is_needed() -> None:
    assert "middleware" not in {check.name for check in examine("python", {})}
    assert "middleware" in {check.name for check in examine("node", {})}
    extras = {check.name: check.required for check in examine("sim", {})}
    assert (extras["extra sim"], extras["extra train"], extras["drawing for the simulation"]) == (True, False, True)


def test_an_environment_that_is_not_the_one_in_use() -> None:
    check = interpreter.check_venv({"VIRTUAL_ENV": "/some/other"})
    assert check.state == WRONG
    assert "does not see it" in check.detail
    assert interpreter.check_venv({"VIRTUAL_ENV": sys.prefix}).state == OK


def test_an_environment_that_does_not_see_ros_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    for sees, state in (("false", WRONG), ("true", OK)):
        (tmp_path / "pyvenv.cfg").write_text(f"include-system-site-packages = {sees}\n")
        check = interpreter.check_venv({"ROS_DISTRO": "jazzy"})
        assert check.state == state
    (tmp_path / "pyvenv.cfg").write_text("include-system-site-packages = false\n")
    assert interpreter.check_venv({}).state == OK  # without ROS it need not


@pytest.mark.parametrize(
    ("line", "state"),
    [
        ("#!/usr/bin/env python3", OK),
        ("#!/usr/bin/env -S python3", OK),
        ("#!/usr/bin/env no_such_python", WRONG),
        ("#!/no/such/python3", WRONG),
        ("#!/bin/sh", WRONG),
        ("", WRONG),
    ],
)
def test_what_an_executable_starts(tmp_path: Path, line: str, state: str) -> None:
    script(tmp_path / "prefix" / "lib" / "mdsm_ros" / "mdsm_node", line)
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    check = interpreter.check_executable({"AMENT_PREFIX_PATH": f"/nowhere:{tmp_path / 'prefix'}", "PATH": path})
    assert check.state == state
    assert ("colcon build" in check.mend) == (state == WRONG)


def test_mdsm_that_is_not_on_path() -> None:
    assert (
        interpreter.check_shells({"PATH": "/nowhere", "AMENT_PREFIX_PATH": "/x"}).mend == "ros2 run mdsm_ros mdsm ..."
    )
    assert "mdsm" in interpreter.check_shells({"PATH": "/nowhere"}).mend


@pytest.mark.parametrize(
    ("environment", "state"),
    [
        ({"ROS_DISTRO": "jazzy"}, OK),
        ({"ROS_DISTRO": "lyrical"}, OK),
        ({"ROS_DISTRO": "noetic"}, WRONG),
    ],
)
def test_the_distribution(environment: dict[str, str], state: str) -> None:
    assert ros.check_distro(environment).state == state


def test_rclpy_for_another_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in EXTRAS["ros"]:
        (tmp_path / module).mkdir()
        (tmp_path / module / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    for module in EXTRAS["ros"]:
        monkeypatch.delitem(sys.modules, module, raising=False)
    own = f"{sys.version_info.major}{sys.version_info.minor}"
    for tag, state in ((own, OK), ("399", WRONG)):
        library = tmp_path / "rclpy" / f"_rclpy_pybind11.cpython-{tag}-x86_64-linux-gnu.so"
        library.touch()
        assert ros.check_rclpy().state == state
        library.unlink()


@pytest.mark.parametrize(
    ("environment", "state"),
    [
        ({}, OK),
        ({"ROS_DOMAIN_ID": "0"}, OK),
        ({"ROS_DOMAIN_ID": "101"}, OK),
        ({"ROS_DOMAIN_ID": "102"}, NOTE),
        ({"ROS_DOMAIN_ID": "233"}, WRONG),
        ({"ROS_DOMAIN_ID": "-1"}, WRONG),
        ({"ROS_DOMAIN_ID": "lab"}, WRONG),
    ],
)
def test_the_domain(environment: dict[str, str], state: str) -> None:
    assert ros.check_domain(environment).state == state
    assert "other machines" in ros.check_domain({"ROS_LOCALHOST_ONLY": "1"}).detail


def test_a_middleware_that_is_not_installed(tmp_path: Path) -> None:
    index = tmp_path / "share" / "ament_index" / "resource_index" / "rmw_typesupport"
    index.mkdir(parents=True)
    (index / "rmw_fastrtps_cpp").touch()
    base = {"AMENT_PREFIX_PATH": str(tmp_path), "ROS_DISTRO": "humble"}
    assert ros.check_middleware(base | {"RMW_IMPLEMENTATION": "rmw_fastrtps_cpp"}).state == OK
    check = ros.check_middleware(base | {"RMW_IMPLEMENTATION": "rmw_cyclonedds_cpp"})
    assert check.state == WRONG
    assert "sudo apt install ros-humble-rmw-cyclonedds-cpp" in check.mend


def test_old_and_missing_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXTRAS, "video", {"numpy": "numpy>=99.1"})
    check = packages.check_extra("video", required=True)
    assert check.state == WRONG
    assert "numpy>=99.1 (here" in check.detail
    monkeypatch.setitem(EXTRAS, "video", {"numpy": "numpy>=1.0", "no_such_module": "no-such>=1"})
    check = packages.check_extra("video", required=False)
    assert (check.state, check.is_fault) == (MISSING, False)
    assert check.mend == install_line("video")
    assert packages.check_extra(BASE, required=True).state == OK


@pytest.mark.parametrize("gpu", [True, False])
def test_a_build_of_pytorch_that_does_not_fit_the_machine(monkeypatch: pytest.MonkeyPatch, gpu: bool) -> None:
    pytest.importorskip("torch")
    monkeypatch.setattr(packages, "DRIVERS", (str(ROOT),) if gpu else ())
    check = packages.check_torch()
    assert ("CUDA build" in check.detail) != ("CPU build," in check.detail)
    assert (check.state == OK) == (("CUDA build" in check.detail) == gpu)
    assert check.state == OK or (packages.CPU_INDEX in check.mend) != gpu


def test_damaged_weights(tmp_path: Path) -> None:
    source = next(path for path in sorted(packages.WEIGHTS.iterdir()) if path.is_dir())
    assert packages.check_weights().state == OK
    copy = tmp_path / "weights" / source.name
    shutil.copytree(source, copy)
    file = sorted(copy.glob("*.safetensors"))[-1]
    whole = file.read_bytes()
    for content, text in (
        (whole[:-1], "is cut off"),
        (whole[:100], "cannot be read"),
        (b"", "is damaged"),
        (b"version https://git-lfs.github.com/spec/v1\n", "pointer of Git LFS"),
        (b"\xff" * 64, "is damaged"),
    ):
        file.write_bytes(content)
        check = packages.check_weights(tmp_path / "weights")
        assert check.state == WRONG
        assert text in check.detail
    file.write_bytes(whole)
    (copy / "config.json").write_text("{")
    assert "config.json" in packages.check_weights(tmp_path / "weights").detail
    assert packages.check_weights(tmp_path / "nothing").state == MISSING


def test_folders_that_cannot_be_written(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    checks = {
        check.name: check for check in machine.check_folders({"HOME": str(file), "HF_HOME": str(tmp_path / "hf")})
    }
    assert checks["home"].state == checks["logs of ROS"].state == WRONG
    assert checks["cache of models"].state in (OK, NOTE)
    assert "HF_HOME" not in checks["cache of models"].detail
    assert machine.check_folders({})[0].state == WRONG  # no HOME


def test_drawing_without_a_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "find_library", lambda name: None)
    assert "libegl1" in machine.check_drawing({}, required=True).mend
    assert machine.check_drawing({"MUJOCO_GL": "vulkan"}, required=True).state == WRONG


def test_where_pip_refuses_a_virtual_environment_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "EXTERNALLY-MANAGED").touch()
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    assert is_externally_managed()
    assert "-m venv --system-site-packages venv && venv/bin/python -m pip install" in install_line("sim")
