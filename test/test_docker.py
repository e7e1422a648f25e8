"""The Dockerfiles and compose files: what they copy and ask for is there, and their steps run without Docker.

Not run here: steps that need a ROS installation's packages or the network (apt-get, pip install).
"""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from mdsm_ros.commands.doctor.ros import DISTROS
from mdsm_ros.extras import EXTRAS

ROOT = Path(__file__).resolve().parent.parent
DOCKERFILES = sorted((ROOT / "docker").glob("Dockerfile*"))
COMPOSE_FILES = sorted((ROOT / "docker").glob("compose*.yaml"))
INSTRUCTIONS = {"ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "FROM", "RUN", "SHELL", "VOLUME", "WORKDIR"}
ELSEWHERE = ("apt-get", "curl", "pip install", "import numpy")  # what a step needs that this machine may lack


def instructions(file: Path) -> list[tuple[str, str]]:
    """Keyword and rest of each instruction of a Dockerfile, continued lines joined and comments left out."""
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n", " ", "\n".join(lines))
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1].strip()) for line in joined.splitlines() if line]


def arguments(file: Path) -> dict[str, str]:
    return dict(rest.split("=", 1) for keyword, rest in instructions(file) if keyword == "ARG")


def is_sent(path: Path) -> bool:
    """Whether a path of the repository is in the build context, by .dockerignore."""
    patterns = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    parts = path.relative_to(ROOT).parts
    names = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
    return not any(
        fnmatch.fnmatch(name, pattern)
        or (pattern.startswith("**/") and fnmatch.fnmatch(name.split("/")[-1], pattern[3:]))
        for name in names
        for pattern in patterns
    )


def values(text: str, chosen: dict[str, str]) -> str:
    """A compose value with its variables at their defaults."""
    return re.sub(r"\$\{(\w+)(?::-([^}]*))?\}", lambda match: chosen.get(match[1], match[2] or ""), text)


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.name)
def test_what_a_dockerfile_names_is_there(file: Path) -> None:
    found = instructions(file)
    assert {keyword for keyword, _ in found} <= INSTRUCTIONS
    assert next(keyword for keyword, _ in found if keyword != "ARG") == "FROM"
    for keyword, rest in found:
        if keyword == "COPY":
            *sources, _ = rest.split()
            for source in sources:
                assert (ROOT / source).exists(), source
                assert source == "." or is_sent(ROOT / source), f"{source} is left out by .dockerignore"
        if keyword == "RUN":
            checked = subprocess.run(["bash", "-n", "-c", rest], capture_output=True, text=True, check=False)
            assert checked.returncode == 0, checked.stderr
    assert set(arguments(file)["EXTRAS"].split()) <= EXTRAS.keys()


def test_what_a_build_needs_is_sent_and_what_is_large_is_not() -> None:
    for name in (
        "setup.py",
        "setup.cfg",
        "package.xml",
        "README.md",
        "mdsm_ros/weights/mdsm-small/config.json",
        "launch",
    ):
        assert is_sent(ROOT / name), name
    for name in (
        ".git/config",
        ".venv/bin",
        "data/train",
        "mdsm_ros/__pycache__/x.pyc",
        "test/test_docker.py",
        "build",
    ):
        assert not is_sent(ROOT / name), name


def run_step(step: str, root: Path, variables: dict[str, str]) -> None:
    """Runs a step of a Dockerfile below a folder that stands for the image's root."""
    for folder in ("/ws", "/opt/ros"):
        step = re.sub(rf"(?<![\w/]){folder}(?=/|\s|$)", f"{root}{folder}", step)
    result = subprocess.run(
        ["bash", "-o", "pipefail", "-c", step],
        cwd=root / "ws",
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, f"{step}\n{result.stdout}{result.stderr}"


@pytest.mark.slow
@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.name)
def test_the_steps_that_need_no_ros_run_and_the_entrypoint_finds_the_commands(file: Path, tmp_path: Path) -> None:
    if find_spec("colcon_core") is None:
        pytest.skip("colcon is not installed")
    ros = tmp_path / "opt" / "ros" / "jazzy"
    ros.mkdir(parents=True)
    (ros / "setup.bash").write_text("export FROM_ROS=yes\n")
    (tmp_path / "ws").mkdir()
    variables = {
        **arguments(file),
        "ROS_DISTRO": "jazzy",
        "EXTRAS": "video sim",
        "HOME": str(tmp_path),
        "PATH": f"{tmp_path}/ws/venv/bin:{Path(sys.executable).parent}:/usr/bin:/bin",
        "PYTHONPATH": sysconfig.get_path("purelib"),
    }
    ran = []
    for keyword, rest in instructions(file):
        if keyword == "COPY":
            *sources, target = rest.split()
            where = tmp_path / target.lstrip("/") if target.startswith("/") else tmp_path / "ws" / target
            copy(sources, where, to_folder=target.endswith("/") or sources == ["."])
        if keyword == "RUN" and not any(part in rest for part in ELSEWHERE):
            run_step(rest, tmp_path, variables)
            ran.append(rest)
    assert [any(part in step for step in ran) for part in ("-m venv", "requirements.py", "colcon build")] == [True] * 3
    requirements = (tmp_path / "ws" / "requirements.txt").read_text().split()
    assert "mujoco>=3.3" in requirements
    assert ("torch>=2.2" in requirements) == (file.name == "Dockerfile")  # Jetson's own stays
    entrypoint = tmp_path / "entrypoint.sh"
    assert os.access(entrypoint, os.X_OK)
    script = re.sub(r"(?<![\w/])/(ws|opt/ros)/", rf"{tmp_path}/\1/", entrypoint.read_text())
    entrypoint.write_text(script)
    command = [
        str(entrypoint),
        "bash",
        "-c",
        "echo $FROM_ROS; $(echo ${AMENT_PREFIX_PATH%%:*})/lib/mdsm_ros/mdsm --help",
    ]
    result = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert result.stdout.startswith("yes\nusage: mdsm"), result.stderr


def copy(sources: list[str], target: Path, *, to_folder: bool) -> None:
    """What COPY does, with .dockerignore."""
    for source in sources:
        path = ROOT / source
        if path.is_dir():
            shutil.copytree(
                path,
                target,
                ignore=lambda folder, names: {name for name in names if not is_sent(Path(folder, name))},
            )
        else:
            into = target / path.name if to_folder else target
            into.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, into)


def services(file: Path) -> dict[str, Any]:
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    for service in content["services"].values():
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in content["volumes"]
    result: dict[str, Any] = content["services"]
    return result


@pytest.mark.parametrize("file", COMPOSE_FILES, ids=lambda file: file.name)
def test_compose_files_build_what_is_there_and_start_what_is_installed(file: Path) -> None:
    executables = set(re.findall(r'"([\w-]+) = [\w.]+:\w+"', (ROOT / "setup.py").read_text(encoding="utf-8")))
    launch = (ROOT / "launch" / "mdsm.launch.py").read_text(encoding="utf-8")
    for service in services(file).values():
        context = (file.parent / service["build"]["context"]).resolve()
        assert context == ROOT
        dockerfile = context / service["build"]["dockerfile"]
        assert set(service["build"]["args"]) <= set(arguments(dockerfile))
        assert set(service["build"]["args"].get("EXTRAS", "").split()) <= EXTRAS.keys()
        words = values(service["command"], {}).split()
        assert words[:3] in (["ros2", "launch", "mdsm_ros"], ["ros2", "run", "mdsm_ros"])
        if words[1] == "launch":
            assert (ROOT / "launch" / words[3]).is_file()
            assert all(f'"{word.split(":=")[0]}"' in launch for word in words[4:])
        else:
            assert words[3] in executables
        assert (service["network_mode"], service["ipc"]) == ("host", "host")


def test_the_workflow_builds_all_distributions_and_files() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "docker.yml").read_text(encoding="utf-8"))
    distros = workflow["jobs"]["image"]["strategy"]["matrix"]["distro"]
    assert set(distros) == set(DISTROS) - {"rolling"}
    steps = "\n".join(step.get("run", "") for job in workflow["jobs"].values() for step in job["steps"])
    for file in (*DOCKERFILES, *COMPOSE_FILES):
        assert f"docker/{file.name}" in steps


@pytest.mark.parametrize("arguments_", [["vidoe"], ["--without", "torhc"]])
def test_a_requirement_that_does_not_exist_is_refused(arguments_: list[str]) -> None:
    command = [sys.executable, str(ROOT / "docker" / "requirements.py"), *arguments_]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 2


@pytest.mark.parametrize(
    ("extras", "modules"), [([], {"torch"}), (["onnx"], set()), (["openvino"], {"openvino"}), (["sim"], {"torch"})]
)
def test_pytorch_is_required_unless_another_runtime_is_named(extras: list[str], modules: set[str]) -> None:
    command = [sys.executable, str(ROOT / "docker" / "requirements.py"), *extras]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert {line.split(">=")[0] for line in printed.splitlines()} & {"torch", "openvino"} == modules
    assert "onnxruntime" in printed  # the package itself requires it
