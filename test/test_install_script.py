"""scripts/install.sh: what it asks uv for; uv itself is a stand-in that writes its arguments down."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CPU = "--index-url https://download.pytorch.org/whl/cpu torch torchvision"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout with a virtual environment, whose uv only takes notes."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts", ignore=shutil.ignore_patterns("gpu"))
    (tmp_path / "scripts" / "egl.sh").write_text("#!/bin/sh\n")
    binaries = tmp_path / ".venv" / "bin"
    binaries.mkdir(parents=True)
    for name in ("python", "uv"):
        (binaries / name).write_text(f'#!/bin/sh\necho "$@" "$UV_CACHE_DIR" >> {tmp_path}/{name}.log\n')
        (binaries / name).chmod(0o755)
    return tmp_path


def install(folder: Path, purpose: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", str(folder / "scripts" / "install.sh"), purpose],
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder / "home"), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def calls(folder: Path) -> list[str]:
    return (folder / "uv.log").read_text().splitlines()


@pytest.mark.skipif(shutil.which("python3", path="/usr/local/bin:/usr/bin:/bin") is None, reason="no python3")
@pytest.mark.parametrize(
    ("choice", "first"),
    [
        ("", None),
        ("cpu", CPU),
        ("cu128", CPU.replace("cpu", "cu128")),
        ("https://mirror/whl/cpu", CPU.replace("https://download.pytorch.org", "https://mirror")),
    ],
)
def test_which_pytorch_is_installed_first(folder: Path, choice: str, first: str | None) -> None:
    result = install(folder, "demo", MDSM_TORCH=choice)
    assert result.returncode == 0, result.stderr
    *before, last = calls(folder)
    assert [first in call for call in before] == [True] if first else before == []
    assert "--editable .[ros,torch,video]" in last
    assert (folder / ".venv" / "demo.stamp").exists()
    assert (folder / ".venv" / "COLCON_IGNORE").exists()


def test_the_demo_without_pytorch(folder: Path) -> None:
    assert install(folder, "demo", MDSM_TORCH="none").returncode == 0
    (only,) = calls(folder)
    assert "--editable .[ros,onnx,video]" in only


def test_nothing_is_written_outside_the_folder(folder: Path) -> None:
    assert install(folder, "demo").returncode == 0
    assert all(call.endswith(f"{folder}/.venv/cache") for call in calls(folder))
    assert not (folder / "home").exists()
    assert install(folder, "demo", UV_CACHE_DIR="/elsewhere").returncode == 0
    assert calls(folder)[-1].endswith("/elsewhere")


@pytest.mark.parametrize(
    ("purpose", "choice", "text"),
    [
        ("dome", "", "unknown purpose 'dome'"),
        ("demo", "gpu", "MDSM_TORCH is 'gpu', expected none, cpu"),
        ("dev", "none", "expected a build of PyTorch"),
    ],
)
def test_what_does_not_exist_is_refused(folder: Path, purpose: str, choice: str, text: str) -> None:
    result = install(folder, purpose, MDSM_TORCH=choice)
    assert result.returncode == 2
    assert text in result.stderr
    assert not (folder / "uv.log").exists()
