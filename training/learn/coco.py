"""Reads exports of labelling tools in COCO format: objects with categories, for which rules make instructions."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mdsm_ros.dataset.writer import DatasetWriter, part_path
from mdsm_ros.errors import DatasetError
from mdsm_ros.files import write_json
from mdsm_ros.foreign import shown
from training.learn.pick import Frame
from training.photos.coco import UNKNOWN_KIND, read_collection
from training.photos.faults import Faults
from training.photos.speech.speaker import ABSENT_SHARE
from training.photos.speech.words.kinds import speakable
from training.photos.write import Options, Slice, write_slice

PER_IMAGE = 16  # sentences per image: every object that is outlined should be named
OPTIONS = Options(test=0.0, val=0.0, test_exhaustive=0.0, per_picture=PER_IMAGE, absent=ABSENT_SHARE, seed=0)


def write_parts(
    root: Path, content: Mapping[str, Any], matched: Mapping[Any, Frame], images: Path
) -> tuple[list[dict[str, Any]], dict[int, str]]:
    """Makes instructions for the objects of an export, image by image.

    Args:
        root: Folder for temporary files.
        content: Export in COCO format.
        matched: Frame of each image, by image id.
        images: Folder with the images of the frames.

    Returns:
        The content of each image with instructions, whose ``scene`` is the frame's name; names of the categories by id.

    Raises:
        DatasetError: The export contains nothing usable.
    """
    export, faults = root / "export.json", Faults()
    write_json(export, _renamed(content, matched))
    collection = read_collection(export, images, faults)
    known = list(matched)  # ids may be of types without a hash
    marked = sum(bool(r.get("iscrowd")) for r in content["annotations"] if r.get("image_id") in known)
    if marked:
        print(f"{marked:>7} outlines that the export calls crowds, as CVAT does with brush masks, are taken as objects")
    for kind in collection.kinds:
        if kind != UNKNOWN_KIND and not speakable(kind):
            faults.add("categories that no sentence can name, expected words such as 'red cup'", shown(kind))
    parts = []
    for picture in collection.pictures:
        name = Path(picture.name).stem
        with DatasetWriter(root / "said", collection.kinds, part=name) as writer:
            write_slice(writer, Slice(0, (picture,), ((),)), options=OPTIONS)
        part = json.loads(part_path(root / "said", name).read_text(encoding="utf-8"))
        faults.add_counts(part["counts"])
        if part["instructions"]:
            parts.append(part | {"images": [record | {"scene": name} for record in part["images"]]})
    shutil.rmtree(root / "said", ignore_errors=True)
    export.unlink()
    if not any(said["annotation_ids"] for part in parts for said in part["instructions"]):
        reasons = "; ".join(line.strip() for line in faults.lines()[:5])
        raise DatasetError(f"labels hold no object that a sentence can name. {reasons}".rstrip())
    for line in faults.lines():
        print(line)
    return parts, dict(enumerate(collection.kinds, start=1))


def _renamed(content: Mapping[str, Any], matched: Mapping[Any, Frame]) -> dict[str, Any]:
    """Renames the export's images to the frames' names; images without a frame are omitted, with their objects."""
    known = list(matched)  # ids may be of types without a hash
    by_frame = {frame.name: (image_id, frame) for image_id, frame in matched.items()}
    originals = {record["id"]: record for record in content["images"] if record.get("id") in known}
    images = [
        originals[image_id] | {"file_name": f"{name}.jpg", "width": frame.width, "height": frame.height}
        for name, (image_id, frame) in sorted(by_frame.items())
    ]
    # CVAT sets iscrowd for every mask that was not drawn as a polygon, whatever it shows
    annotations = [r | {"iscrowd": 0} for r in content["annotations"] if r.get("image_id") in known]
    return {"images": images, "annotations": annotations, "categories": content.get("categories", [])}
