"""Files of the catalogues, whether they lie in archives or in folders."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from mdsm_ros.errors import DatasetError

ARCHIVES = (".sh3f", ".whl", ".zip")
CATALOGUE_FILE = "PluginFurnitureCatalog.properties"


@dataclass
class Files:
    """The files in a folder or a zip archive, by their path inside of it. Picklable; opens its archive when needed."""

    path: Path
    _names: dict[str, str] | None = field(default=None, repr=False, compare=False)
    _archive: zipfile.ZipFile | None = field(default=None, repr=False, compare=False)

    def __getstate__(self) -> dict[str, object]:
        return {"path": self.path, "_names": None, "_archive": None}

    @property
    def names(self) -> list[str]:
        """All paths, sorted."""
        return sorted(self._index().values())

    def read(self, name: str) -> bytes:
        """The bytes of a file; upper and lower case are the same, as its catalogues assume.

        Raises:
            DatasetError: There is no such file, or the archive is damaged.
        """
        real = self._index().get(name.lower())
        if real is None:
            raise DatasetError(f"{self.path} has no {name}")
        try:
            return self._archive.read(real) if self._archive else (self.path / real).read_bytes()
        except (OSError, zipfile.BadZipFile) as error:
            raise DatasetError(f"{name} in {self.path} cannot be read: {error}") from error

    def folder(self, name: str) -> dict[str, str]:
        """Paths of the files beside a file, by their last part in lower case."""
        parent = PurePosixPath(name.lower()).parent
        index = self._index()
        return {PurePosixPath(key).name: index[key] for key in index if PurePosixPath(key).parent == parent}

    def _index(self) -> dict[str, str]:
        if self._names is None:
            if self.path.is_dir():
                found = [p.relative_to(self.path).as_posix() for p in self.path.rglob("*") if p.is_file()]
            else:
                self._archive = _open_archive(self.path)
                found = [entry.filename for entry in self._archive.infolist() if not entry.is_dir()]
            self._names = {name.lower(): name for name in sorted(found)}
        return self._names


def _open_archive(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise DatasetError(f"{path} is no readable archive: {error}") from error


def expand(paths: Sequence[Path], folder: Path) -> list[Files]:
    """The archives and folders that files of the user lead to.

    Args:
        paths: .deb, .sh3f, wheels, zip archives, or folders that hold such files or what is in them.
        folder: Folder for unpacked .deb packages.

    Raises:
        DatasetError: A path does not exist or is something else.
    """
    found: list[Files] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in (*ARCHIVES, ".deb"))
            found += expand(inside, folder) if inside else [Files(path)]
        elif not path.exists():
            raise DatasetError(f"{path} does not exist, expected a .deb, .sh3f, wheel or folder")
        elif path.suffix.lower() == ".deb":
            found += expand([_unpack_deb(path, folder)], folder)
        elif path.suffix.lower() in ARCHIVES:
            found.append(Files(path))
        else:
            raise DatasetError(f"{path} is a {path.suffix or 'file'}, expected a .deb, .sh3f, wheel or folder")
    return found


def _unpack_deb(path: Path, folder: Path) -> Path:
    target = folder / path.stem
    if target.exists():
        return target
    if shutil.which("dpkg-deb") is None:
        raise DatasetError(f"dpkg-deb is not installed; unpack {path} yourself and pass the folder: --from FOLDER")
    part = target.with_name(f"{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    done = subprocess.run(["dpkg-deb", "-x", str(path), str(part)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise DatasetError(f"{path} cannot be unpacked: {done.stderr.strip()}")
    return part.rename(target)
