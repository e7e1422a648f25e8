"""``mdsm-data shards``: packs a dataset into webdataset shards, and reads them back, from a folder or an address.

An address is what webdataset opens: ``http(s):``, ``gs:``, ``hf:``, ``file:``, or ``pipe:`` and a command, such as that
of an object storage; ``{}`` in it stands for the name of a file.

Images are spread over the shards at random, always in the same way, so that a block of training is not one house alone.
A shard is a tar file with one sample an image: ``<id>.jpg`` (the file as it is), ``<id>.json`` (its image record,
annotations and instructions) and, where there is depth, ``<id>.depth.png``. ``index.json`` beside the shards has the
dataset's info and categories, what the shards are made of, and each shard's name, SHA-256, number of images and of
instructions by split; it is written last.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from tqdm import tqdm

from mdsm_ros.arguments import count
from mdsm_ros.dataset.format import ANNOTATIONS_FILE, Dataset, MemoryDataset
from mdsm_ros.dataset.records import read_categories, read_info, to_json_record
from mdsm_ros.errors import DatasetError
from mdsm_ros.files import PARTIAL, file_sha256, to_json, whole_file, write_json
from mdsm_ros.foreign import check_keys, inside, is_integer, parse_json, read_json, shown

INDEX_FILE = "index.json"
SOURCE_FILE = "source.json"  # exists while shards are being written: their source
DEPTH = "depth.png"  # ending of a depth image's name in a shard
MAX_INDEX = 1 << 28  # bytes
MAX_SHARD = 1 << 33  # bytes; a shard is read into memory
MAX_SHARDS = 1_000_000
_ADDRESS = re.compile(r"(file|pipe|https?|ais|sftp|ftps|scp|gs|htgs|hf):")  # schemes of webdataset.gopen
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}\.tar")
_EXTENSION = re.compile(r"[A-Za-z0-9]{1,8}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Shard:
    """One shard; ``instructions`` counts them by split."""

    name: str
    sha256: str
    images: int
    instructions: dict[str, int]


@dataclass(frozen=True)
class Index:
    """The content of ``index.json``; ``where`` is the folder or address of the shards."""

    where: str
    info: dict[str, Any]
    categories: list[dict[str, Any]]
    shards: list[Shard]


def write_shards(data: Dataset, out: Path, size: int) -> Index:
    """Packs a dataset into shards of ``size`` images; resumes after a killed run.

    Raises:
        DatasetError: An image is missing, or the folder contains shards of another dataset.
    """
    out.mkdir(parents=True, exist_ok=True)
    source = _source(data, size)
    marker = out / SOURCE_FILE
    if marker.exists():
        _expect_same(out, read_json(marker, DatasetError, "what the shards are made of"), source)
    elif any(not path.name.endswith(PARTIAL) for path in out.iterdir()):
        raise DatasetError(f"{out} is not empty, expected a new folder")
    else:
        write_json(marker, source)
    ids = [int(i) for i in np.random.default_rng(0).permutation(list(data.images))]
    blocks = [ids[first : first + size] for first in range(0, len(ids), size)]
    shards = [
        _write_shard(data, out / f"shard-{number:06d}.tar", block)
        for number, block in enumerate(tqdm(blocks, unit="shard", disable=None))
    ]
    categories = [{"id": i, "name": name} for i, name in data.categories.items()]
    index = Index(str(out), data.info, categories, shards)
    content = {"info": index.info, "categories": categories, "shards": [asdict(s) for s in shards], "source": source}
    write_json(out / INDEX_FILE, content)
    marker.unlink()
    for left in out.glob(f"*{PARTIAL}"):
        left.unlink()
    return index


def _source(data: Dataset, size: int) -> dict[str, Any]:
    return {"annotations_sha256": file_sha256(data.root / ANNOTATIONS_FILE), "size": size}


def _expect_same(out: Path, begun: object, source: Mapping[str, Any]) -> None:
    if begun != source:
        raise DatasetError(f"{out} holds shards made of {begun}, expected {source}; choose another folder")


def _write_shard(data: Dataset, path: Path, ids: Sequence[int]) -> Shard:
    from webdataset import TarWriter

    if not path.exists():
        # the bytes depend neither on the time nor on the user
        with whole_file(path) as partial, TarWriter(str(partial), encoder=False, mtime=0) as tar:
            for image_id in ids:
                tar.write(_sample(data, image_id))
    counts = Counter(i.split for image_id in ids for i in data.instructions_of(image_id))
    return Shard(path.name, file_sha256(path), len(ids), dict(sorted(counts.items())))


def _sample(data: Dataset, image_id: int) -> dict[str, Any]:
    record = data.images[image_id]
    content = {
        "image": to_json_record(record),
        "annotations": [to_json_record(annotation) for annotation in data.annotations_of(image_id)],
        "instructions": [to_json_record(instruction) for instruction in data.instructions_of(image_id)],
    }
    sample = {"__key__": f"{image_id:08d}", "json": to_json(content).encode()}
    for extension, name in ((_extension(record.file_name), record.file_name), (DEPTH, record.depth_file)):
        if name is not None:
            try:
                sample[extension] = inside(data.root, name, DatasetError).read_bytes()
            except OSError as error:
                raise DatasetError(f"{data.root / name} is not readable: {error}") from error
    return sample


def _extension(file_name: str) -> str:
    """Returns the file name of an image in a sample.

    Raises:
        DatasetError: The file has no ending, or one with another meaning there.
    """
    extension = PurePosixPath(file_name).suffix[1:]
    if not _EXTENSION.fullmatch(extension) or extension == "json":
        raise DatasetError(f"file name {shown(file_name)} ends in {shown(extension)}, expected that of a picture")
    return extension


def read_index(where: str) -> Index:
    """Reads the index of shards in a folder or at an address.

    Raises:
        DatasetError: The index cannot be read or has another form.
    """
    place = _join(where, INDEX_FILE)
    what = f"{place} does not have the form of an index: it"
    content = parse_json(_read(place, MAX_INDEX), what, DatasetError)
    check_keys(content, ("info", "categories", "shards"), what, DatasetError)
    path = Path(place)
    info = read_info(content, path)
    read_categories(content, path)
    if not isinstance(content["shards"], list) or len(content["shards"]) > MAX_SHARDS:
        raise DatasetError(f"{place}: 'shards' is {shown(content['shards'])}, expected a list of at most {MAX_SHARDS}")
    shards = [_shard(entry, f"{place}: shards[{number}]") for number, entry in enumerate(content["shards"])]
    twice = [name for name, number in Counter(shard.name for shard in shards).items() if number > 1]
    if twice:
        raise DatasetError(f"{place} names the shard {twice[0]} more than once")
    return Index(where, info, content["categories"], shards)


def _shard(entry: object, where: str) -> Shard:
    """Reads a shard of an index. Its name becomes part of an address: only letters, digits and ``._-`` are valid."""
    values = check_keys(entry, ("name", "sha256", "images", "instructions"), where, DatasetError)
    checks: dict[str, tuple[Callable[[Any], bool], str]] = {
        "name": (lambda v: isinstance(v, str) and bool(_NAME.fullmatch(v)), "a name like shard-000000.tar"),
        "sha256": (lambda v: isinstance(v, str) and bool(_SHA256.fullmatch(v)), "64 hexadecimal digits"),
        "images": (lambda v: is_integer(v, 0), "a whole number from 0 on"),
        "instructions": (
            lambda v: isinstance(v, dict) and all(is_integer(number, 0) for number in v.values()),
            "numbers by split",
        ),
    }
    for name, (fits, expected) in checks.items():
        if not fits(values[name]):
            raise DatasetError(f"{where}: {name} is {shown(values[name])}, expected {expected}")
    return Shard(**{name: values[name] for name in checks})


def read_shard(index: Index, shard: Shard) -> MemoryDataset:
    """Reads a shard into memory.

    Raises:
        DatasetError: The shard cannot be read, or its bytes do not match the index.
    """
    from webdataset.tariterators import group_by_keys, tar_file_expander

    place = _join(index.where, shard.name)
    content = _read(place, MAX_SHARD)
    if hashlib.sha256(content).hexdigest() != shard.sha256:
        raise DatasetError(f"{place} is damaged: its SHA-256 is not {shard.sha256}")
    merged: dict[str, Any] = {"images": [], "annotations": [], "instructions": []}
    files: dict[str, bytes] = {}
    try:
        for sample in group_by_keys(tar_file_expander([{"url": place, "stream": io.BytesIO(content)}])):
            records = json.loads(sample["json"])
            image = records["image"]
            merged["images"].append(image)
            merged["annotations"] += records["annotations"]
            merged["instructions"] += records["instructions"]
            files[image["file_name"]] = sample[_extension(image["file_name"])]
            if image["depth_file"] is not None:
                files[image["depth_file"]] = sample[DEPTH]
    except Exception as error:  # readers of untrusted archives fail in many ways
        raise DatasetError(f"{place} does not have the form of a shard: {type(error).__name__}: {error}") from error
    return MemoryDataset(merged | {"info": index.info, "categories": index.categories}, files, place)


def is_address(where: str) -> bool:
    """Whether shards are at an address that webdataset opens, not in a folder."""
    return _ADDRESS.match(where) is not None


def _join(where: str, name: str) -> str:
    return where.replace("{}", name) if is_address(where) and "{}" in where else f"{where.rstrip('/')}/{name}"


def _read(place: str, limit: int) -> bytes:
    """Reads a file from a folder, or from an address by webdataset's opener."""
    try:
        if is_address(place):
            from webdataset.gopen import gopen

            with gopen(place) as stream:
                content: bytes = stream.read(limit + 1)
        else:
            with Path(place).open("rb") as file:
                content = file.read(limit + 1)
    except (OSError, ValueError) as error:
        raise DatasetError(f"{place} cannot be read: {error}") from error
    if len(content) > limit:
        raise DatasetError(f"{place} is longer than {limit} bytes, expected at most that")
    return content


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("dataset", type=Path, help="dataset folder")
    parser.add_argument("--out", type=Path, required=True, help="folder of the shards")
    parser.add_argument("--size", type=count, default=1000, help="number of images per shard (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Writes the shards; returns the exit status.

    Raises:
        DatasetError: The folder contains shards of another dataset or size, or an image is missing.
    """
    data, index_file = Dataset(args.dataset), args.out / INDEX_FILE
    if index_file.exists():
        written = read_json(index_file, DatasetError, "an index of shards")
        if isinstance(written, dict) and "source" in written:  # that of an earlier version does not say it
            _expect_same(args.out, written["source"], _source(data, args.size))
        (args.out / SOURCE_FILE).unlink(missing_ok=True)  # left by a run that was killed at its very end
        print(f"{args.out}: {INDEX_FILE} is there, nothing to do")
        return 0
    index = write_shards(data, args.out, args.size)
    print(f"{args.out}: {len(index.shards)} shards, {sum(shard.images for shard in index.shards)} images")
    return 0
