"""Every reader of files that others write, with a sound file for each and ways to damage it.

Used by the tests, and by scripts/fuzz_readers.py for more inputs than a test has time for.
"""

from __future__ import annotations

import copy
import hashlib
import io
import json
import pickle
import random
import tarfile
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
import yaml
from PIL import Image
from published_readers import JSON_FILES
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore
from safetensors.torch import save

from mdsm_ros.checkpoints.convert.checkpoint import read_checkpoint
from mdsm_ros.checkpoints.convert.lavt import is_lavt, lavt_config, lavt_state
from mdsm_ros.checkpoints.convert.vpd import is_vpd
from mdsm_ros.checkpoints.pretrained import read_config as read_model_config
from mdsm_ros.dataset.format import Dataset
from mdsm_ros.dataset.writer import DatasetWriter, encode_mask
from mdsm_ros.errors import BagError, DatasetError
from mdsm_ros.hub.folder import read_safetensors, weight_files
from mdsm_ros.models.mdsm import MDSM_TINY
from mdsm_ros.pictures.files import read_picture
from mdsm_ros.recordings.bags import Bag
from training.datasets.foreign.refer_files import read_instances, read_refs
from training.datasets.foreign.segmentation import decode
from training.datasets.reverie import read_items
from training.datasets.shards import read_index, read_shard
from training.photos.coco import read_collection
from training.photos.faults import Faults
from training.photos.pixels import box_of, mask_of
from training.train.config import read_config

HEIGHT, WIDTH = 12, 16
STORE = get_typestore(Stores.ROS2_JAZZY)
STRING = "std_msgs/msg/String"


@dataclass(frozen=True)
class Reader:
    """A reader of one kind of file.

    Attributes:
        seed: a sound file's bytes.
        read: reads such a file from a folder of its own, and everything in it; raises MdsmError alone.
        mutate: damages a file.
    """

    seed: Callable[[], bytes]
    read: Callable[[bytes, Path], object]
    mutate: Callable[[bytes, random.Random], bytes]


# --- ways to damage a file ---


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Bytes changed, cut, doubled, inserted or set to one value."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8))):
        at = rng.randrange(len(data) + 1)
        span = rng.choice((1, 2, 4, 8, 64, 500))
        match rng.randrange(6):
            case 0:
                data[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                del data[at:]
            case 2:
                data[at:at] = data[at : at + span]
            case 3:
                data[at : at + span] = bytes(rng.choice((0, 255)) for _ in range(min(span, len(data) - at)))
            case 4:
                del data[at : at + span]
            case _:
                data[at:at] = rng.randbytes(span)
    return bytes(data)


def odd_values(rng: random.Random) -> Any:
    """A value that a field hardly expects."""
    deep: Any = []
    for _ in range(rng.choice((5, 200))):
        deep = [deep]
    numbers = [-1, 0, 1, 10**12, 10**400, 1.5, -0.0, float("nan"), float("inf"), 1e308]
    names = ["", "x", "../../x", "/etc/x", "C:\\x", "a\0b", "\ud800", "images/..", "9" * 5000]
    return rng.choice([None, True, [], {}, [[]], [None], [1, 2, 3, 4], {"a": 1}, deep, *numbers, *names])


def changed(content: Any, rng: random.Random) -> Any:
    """A parsed file in which values are replaced, removed, doubled or moved."""
    content = copy.deepcopy(content)
    for _ in range(rng.choice((1, 1, 2, 5))):
        places: list[tuple[Any, Any]] = []
        level: list[Any] = [content]
        while level and len(places) < 5000:
            outer = level.pop()
            keys = list(outer) if isinstance(outer, dict) else range(len(outer)) if isinstance(outer, list) else []
            places += [(outer, key) for key in keys]
            level += [outer[key] for key in keys]
        if not places:
            return odd_values(rng)
        outer, key = rng.choice(places)
        match rng.randrange(5):
            case 0 if isinstance(outer, dict):
                del outer[key]
            case 1 if isinstance(outer, list):
                outer.append(copy.deepcopy(outer[key]))
            case 2:
                other, name = rng.choice(places)
                outer[key] = copy.deepcopy(other[name])
            case 3 if isinstance(outer, dict):
                outer[str(odd_values(rng))[:50]] = outer[key]
            case _:
                outer[key] = odd_values(rng)
    return content


def damaged_json(content: bytes, rng: random.Random) -> bytes:
    """Mostly JSON with other values, sometimes none."""
    if rng.random() < 0.2:
        return damaged(content, rng)
    try:
        return json.dumps(changed(json.loads(content), rng)).encode(errors="surrogatepass")
    except (RecursionError, ValueError):
        return damaged(content, rng)


def damaged_yaml(content: bytes, rng: random.Random) -> bytes:
    if rng.random() < 0.4:
        return damaged(content, rng)
    try:
        return yaml.safe_dump(changed(yaml.safe_load(content), rng), allow_unicode=True).encode(errors="surrogatepass")
    except (RecursionError, ValueError, yaml.YAMLError):
        return damaged(content, rng)


def damaged_pickle(content: bytes, rng: random.Random) -> bytes:
    if rng.random() < 0.6:
        return damaged(content, rng)
    return pickle.dumps(changed(pickle.loads(content), rng), 2)


# --- sound files ---


@lru_cache
def dataset_file() -> bytes:
    with TemporaryDirectory() as name:
        return _write_dataset(Path(name)).joinpath("annotations.json").read_bytes()


def _write_dataset(root: Path) -> Path:
    with DatasetWriter(root, ["mug", "book"], info={"source": "t", "recipe": {}, "may_share": [["a", "b"]]}) as writer:
        for shade in (40, 90):
            rgb = np.full((HEIGHT, WIDTH, 3), shade, np.uint8)
            image = writer.add_image(rgb, depth=np.ones((HEIGHT, WIDTH), np.float32), scene="s")
            ids = [writer.add_annotation(image, kind, _mask(), {"color": "red"}) for kind in ("mug", "book")]
            writer.add_instruction(image, ids, "get both", split="train", source="t", expressions=1, distractors=0)
    return root


def _mask() -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[2:9, 3:11] = True
    return mask


@lru_cache
def picture_files() -> dict[str, bytes]:
    with TemporaryDirectory() as name:
        root = _write_dataset(Path(name))
        return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.suffix in (".jpg", ".png")}


def _put(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def read_dataset(content: bytes, folder: Path) -> None:
    _put(folder, picture_files() | {"annotations.json": content})
    data = Dataset(folder)
    for instruction in data.instructions:
        data.mask(instruction)
    for image_id in data.images:
        data.image(image_id)
        data.depth(image_id)


def read_dataset_picture(content: bytes, folder: Path) -> None:
    _put(folder, picture_files() | {"annotations.json": dataset_file(), "images/000001.jpg": content})
    Dataset(folder).image(1)


def read_single_picture(content: bytes, folder: Path) -> None:
    (folder / "picture.png").write_bytes(content)
    read_picture(folder / "picture.png")


COCO = {
    "images": [{"id": i, "file_name": f"a/{i}.jpg", "height": HEIGHT, "width": WIDTH} for i in (1, 2)],
    "annotations": [
        {"id": 10 * i + k, "image_id": i, "category_id": 1, "iscrowd": 0, "bbox": [3, 2, 8, 7], "segmentation": form}
        for i in (1, 2)
        for k, form in enumerate(
            ([[3, 2, 11, 2, 11, 9, 3, 9]], encode_mask(_mask()), {"size": [HEIGHT, WIDTH], "counts": [20, 30, 142]})
        )
    ],
    "categories": [{"id": 1, "name": "cup"}],
}
REFS = [
    {"ref_id": i, "ann_id": 10 * i, "image_id": i, "split": "train",
     "sentences": [{"sent": "the cup", "raw": "the cup", "sent_id": i, "tokens": ["the", "cup"]}]}
    for i in (1, 2)
]  # fmt: skip


def read_refs_pickle(content: bytes, folder: Path) -> None:
    (folder / "refs.p").write_bytes(content)
    read_refs(folder / "refs.p")


def read_refs_json(content: bytes, folder: Path) -> None:
    (folder / "refs.json").write_bytes(content)
    read_refs(folder / "refs.json")


def read_coco_instances(content: bytes, folder: Path) -> None:
    (folder / "instances.json").write_bytes(content)
    images, objects, _ = read_instances(folder / "instances.json")
    for thing in objects.values():
        image = images[thing["image_id"]]
        if image["height"] * image["width"] < 10_000:
            try:
                decode(thing.get("segmentation"), image["height"], image["width"])
            except DatasetError:
                continue


def read_photos(content: bytes, folder: Path) -> None:
    (folder / "coco.json").write_bytes(content)
    for picture in read_collection(folder / "coco.json", folder, Faults()).pictures:
        for thing in picture.things:
            box_of(dict(thing.record), picture.width, picture.height)
            if picture.width * picture.height < 10_000:
                try:
                    mask_of(thing.record.get("segmentation"), picture.width, picture.height)
                except DatasetError:
                    continue


def model_config_file() -> bytes:
    return json.dumps(MDSM_TINY.to_dict()).encode()


def read_config_json(content: bytes, folder: Path) -> None:
    (folder / "config.json").write_bytes(content)
    read_model_config(folder)


def train_config_file() -> bytes:
    stage = {"steps": 10, "images": 2, "learning_rate": 1e-3, "warmup_steps": 1, "dice_weight": 1.0}
    content = {"preset": "mdsm-tiny", "seed": 1, "mixture": {"homes": 2}, "stage1": stage, "stage2": dict(stage)}
    return yaml.safe_dump(
        content | {"model": {"image_size": 64, "swin_window_size": 4, "clip_image_size": 64}}
    ).encode()


def read_train_config(content: bytes, folder: Path) -> None:
    (folder / "train.yaml").write_bytes(content)
    read_config(folder / "train.yaml")


def _checkpoint(zipped: bool) -> bytes:
    buffer = io.BytesIO()
    state = {
        "backbone.layers.0.res_gate.0.weight": torch.zeros(2, 3),
        "backbone.patch_embed.proj.weight": torch.zeros(16, 1),
        "classifier.conv1_4.weight": torch.ones(16, 2),
    }
    for i in range(4):
        block = f"backbone.layers.{i}.blocks.0.attn."
        state[f"{block}relative_position_bias_table"] = torch.zeros(49, 1 << i)
    words = {"embeddings.word_embeddings.weight": torch.zeros(50, 64), "encoder.layer.0.a": torch.zeros(1)}
    content = {"model": state, "bert_model": words, "args": Namespace(img_size=480, mha="")}
    torch.save(content, buffer, _use_new_zipfile_serialization=zipped)
    return buffer.getvalue()


def read_pth(content: bytes, folder: Path) -> None:
    (folder / "model.pth").write_bytes(content)
    found = read_checkpoint(folder / "model.pth")
    is_vpd(found)
    if is_lavt(found):
        lavt_config(found, lavt_state(found))


def read_weights_file(content: bytes, folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(content)
    read_safetensors(folder / "model.safetensors")


def read_weights_index(content: bytes, folder: Path) -> None:
    _put(folder, {"model.safetensors.index.json": content, "x.safetensors": b""})
    weight_files(folder)


@lru_cache
def bag_files(storage: StoragePlugin) -> dict[str, bytes]:
    with TemporaryDirectory() as name:
        folder = Path(name) / "bag"
        with Writer(folder, version=9, storage_plugin=storage) as writer:
            said = writer.add_connection("/said", STRING, typestore=STORE)
            for i in range(20):
                data = STORE.serialize_cdr(STORE.types[STRING](data="x" * 20 * i), STRING)
                writer.write(said, 10**9 * (i + 1), data)
        return {path.name: path.read_bytes() for path in folder.iterdir()}


def _read_bag(path: Path) -> None:
    with Bag(path, salvage=True) as bag:
        for message in bag.messages():
            try:
                bag.decode(message)
            except BagError:
                continue


def _bag_reader(storage: StoragePlugin, name: str) -> Callable[[bytes, Path], None]:
    def read(content: bytes, folder: Path) -> None:
        _put(folder / "bag", bag_files(storage) | {name: content})
        _read_bag(folder / "bag")

    return read


def _bag_without_metadata(content: bytes, folder: Path) -> None:
    _put(folder / "bag", {"bag.mcap": content})
    _read_bag(folder / "bag")


@lru_cache
def shard_files() -> tuple[bytes, bytes]:
    """The index and a shard."""
    buffer = io.BytesIO()
    content = json.loads(dataset_file())
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for image in content["images"]:
            records = {"image": image} | {
                key: [r for r in content[key] if r["image_id"] == image["id"]]
                for key in ("annotations", "instructions")
            }
            files = {"json": json.dumps(records).encode(), "jpg": picture_files()[image["file_name"]]}
            files["depth.png"] = picture_files()[image["depth_file"]]
            for ending, data in files.items():
                entry = tarfile.TarInfo(f"{image['id']:08d}.{ending}")
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))
    shard = buffer.getvalue()
    return _index(shard), shard


def _index(shard: bytes) -> bytes:
    entry = {"name": "s.tar", "sha256": hashlib.sha256(shard).hexdigest(), "images": 2, "instructions": {"train": 2}}
    categories = [{"id": 1, "name": "mug"}, {"id": 2, "name": "book"}]
    return json.dumps({"info": {}, "categories": categories, "shards": [entry]}).encode()


def read_shard_index(content: bytes, folder: Path) -> None:
    _put(folder, {"index.json": content, "s.tar": shard_files()[1]})
    index = read_index(str(folder))
    for shard in index.shards:
        read_shard(index, shard)


def read_shard_file(content: bytes, folder: Path) -> None:
    _put(folder, {"index.json": _index(content), "s.tar": content})
    index = read_index(str(folder))
    data = read_shard(index, index.shards[0])
    for image_id in data.images:
        data.image(image_id)


def _reverie_reader(which: str) -> Callable[[bytes, Path], None]:
    def read(content: bytes, folder: Path) -> None:
        files = {f"REVERIE_{split}.json": b"[]" for split in ("val_seen", "val_unseen")}
        files |= {"REVERIE_train.json": REVERIE_ITEMS, "BBox/scan_view.json": REVERIE_BOXES}
        _put(folder, files | {which: content})
        read_items(folder)

    return read


REVERIE_ITEMS = json.dumps(
    [{"id": 1, "scan": "scan", "path": ["a", "view"], "objId": 3, "instructions": ["take it", "go"]}]
).encode()
REVERIE_BOXES = json.dumps(
    {"view": {"3": {"name": "cup", "visible_pos": [1, 2], "bbox2d": [[1, 2, 3, 4]] * 2}}}
).encode()


def _picture() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.arange(HEIGHT * WIDTH * 3, dtype=np.uint8).reshape(HEIGHT, WIDTH, 3)).save(buffer, "png")
    return buffer.getvalue()


def _json_bytes(content: Any) -> bytes:
    return json.dumps(content).encode()


MCAP, SQLITE = StoragePlugin.MCAP, StoragePlugin.SQLITE3
READERS: dict[str, Reader] = {
    "dataset": Reader(dataset_file, read_dataset, damaged_json),
    "dataset picture": Reader(lambda: picture_files()["images/000001.jpg"], read_dataset_picture, damaged),
    "picture": Reader(_picture, read_single_picture, damaged),
    "refs pickle": Reader(lambda: pickle.dumps(REFS, 2), read_refs_pickle, damaged_pickle),
    "refs json": Reader(lambda: json.dumps(REFS).encode(), read_refs_json, damaged_json),
    "instances": Reader(lambda: json.dumps(COCO).encode(), read_coco_instances, damaged_json),
    "photos": Reader(lambda: json.dumps(COCO).encode(), read_photos, damaged_json),
    "model config": Reader(model_config_file, read_config_json, damaged_json),
    "train config": Reader(train_config_file, read_train_config, damaged_yaml),
    "pth": Reader(lambda: _checkpoint(True), read_pth, damaged),
    "pth, old layout": Reader(lambda: _checkpoint(False), read_pth, damaged),
    "safetensors": Reader(lambda: save({"a": torch.ones(3), "b": torch.zeros(2, 2)}), read_weights_file, damaged),
    "weights index": Reader(lambda: b'{"weight_map": {"a": "x.safetensors"}}', read_weights_index, damaged_json),
    "mcap": Reader(lambda: bag_files(MCAP)["bag.mcap"], _bag_reader(MCAP, "bag.mcap"), damaged),
    "mcap alone": Reader(lambda: bag_files(MCAP)["bag.mcap"], _bag_without_metadata, damaged),
    "sqlite": Reader(lambda: bag_files(SQLITE)["bag.db3"], _bag_reader(SQLITE, "bag.db3"), damaged),
    "bag metadata": Reader(
        lambda: bag_files(MCAP)["metadata.yaml"], _bag_reader(MCAP, "metadata.yaml"), damaged_yaml
    ),
    "shard index": Reader(lambda: shard_files()[0], read_shard_index, damaged_json),
    "shard": Reader(lambda: shard_files()[1], read_shard_file, damaged),
    "reverie items": Reader(lambda: REVERIE_ITEMS, _reverie_reader("REVERIE_train.json"), damaged_json),
    "reverie boxes": Reader(lambda: REVERIE_BOXES, _reverie_reader("BBox/scan_view.json"), damaged_json),
    **{name: Reader(partial(_json_bytes, seed), read, damaged_json) for name, (seed, read) in JSON_FILES.items()},
}  # fmt: skip
