"""``mdsm-data outlines``: photographs with numbered outlines of their objects, for people who write sentences.

Writes a drawing of each picture that has an object to speak of, and ``objects.json``: for each drawing the picture's
file name, its split, and for each number the annotation, category, box and share of the picture. Crowds and
uncertain regions are not drawn. A record of a sentence takes "annotation", "category" and "bbox" from there.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from mdsm_ros.arguments import count
from mdsm_ros.errors import DatasetError
from mdsm_ros.files import write_json
from training.photos.build import add_split_arguments, options_of
from training.photos.coco import Picture, Thing, read_collection
from training.photos.faults import Faults
from training.photos.pixels import mask_of, read_picture
from training.photos.speech.words.kinds import speakable
from training.photos.write import Options

OBJECTS_FILE = "objects.json"
COLORS: tuple[tuple[int, int, int], ...] = (
    (255, 64, 64),
    (64, 200, 64),
    (80, 120, 255),
    (255, 200, 0),
    (255, 0, 255),
    (0, 220, 220),
    (255, 128, 0),
    (160, 80, 255),
    (180, 220, 0),
    (255, 120, 180),
)
MIN_AREA = 150  # pixels of the drawing: smaller objects are not recognizable
FONT_SIZE = 0.6
JPEG_QUALITY = 88


def draw(rgb: NDArray[np.uint8], masks: Sequence[NDArray[np.bool_]], size: int) -> NDArray[np.uint8]:
    """Draws numbered outlines of masks (H, W) on an image (H, W, 3), scaled to ``size`` pixels on the longer side."""
    import cv2

    scale = size / max(rgb.shape[:2])
    drawing: NDArray[np.uint8] = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    labels = []
    for number, mask in enumerate(masks, start=1):
        color = COLORS[(number - 1) % len(COLORS)]
        large = cv2.resize(mask.astype(np.uint8), drawing.shape[1::-1], interpolation=cv2.INTER_NEAREST)
        outlines, _ = cv2.findContours(large, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(drawing, outlines, -1, color, 2, cv2.LINE_AA)
        labels.append((str(number), *_inmost(large), color))
    for text, x, y, color in labels:  # last, so that no outline crosses them
        _label(drawing, text, x, y, color)
    return drawing


def _inmost(mask: NDArray[np.uint8]) -> tuple[int, int]:
    """Returns column and row of the pixel that is farthest from the mask's edge."""
    import cv2

    distance = cv2.distanceTransform(np.pad(mask, 1), cv2.DIST_L2, 3)[1:-1, 1:-1]
    row, column = np.unravel_index(int(distance.argmax()), distance.shape)
    return int(column), int(row)


def _label(drawing: NDArray[np.uint8], text: str, x: int, y: int, color: tuple[int, int, int]) -> None:
    import cv2

    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, FONT_SIZE, 2)
    left = min(max(0, x - width // 2), max(0, drawing.shape[1] - width - 4))
    base = min(max(height + 4, y + height // 2), drawing.shape[0] - 4)
    cv2.rectangle(drawing, (left - 2, base - height - 3), (left + width + 2, base + 3), (0, 0, 0), -1)
    cv2.putText(drawing, text, (left, base), cv2.FONT_HERSHEY_SIMPLEX, FONT_SIZE, color, 2, cv2.LINE_AA)


def outlined(picture: Picture, size: int, faults: Faults) -> tuple[NDArray[np.uint8], list[dict[str, Any]]] | None:
    """Draws an image and lists its numbered objects, the largest first; returns None without objects."""
    try:
        rgb = read_picture(picture.path, picture.width, picture.height).rgb
    except DatasetError as error:
        faults.add("images left out", str(error))
        return None
    found: list[tuple[Thing, NDArray[np.bool_]]] = []
    scale = size / max(rgb.shape[:2])
    for thing in picture.things:
        if not thing.certain or not speakable(thing.kind):
            continue
        try:
            mask, _ = mask_of(thing.record.get("segmentation"), picture.width, picture.height)
        except DatasetError as error:
            faults.add(f"annotations left out: {error}", f"annotation {thing.id} of {picture.name}")
            continue
        if mask.sum() * scale**2 >= MIN_AREA:
            found.append((thing, mask))
    found.sort(key=lambda pair: -int(pair[1].sum()))
    if not found:
        return None
    records = [_record(thing, mask) for thing, mask in found]
    return draw(rgb, [mask for _, mask in found], size), records


def _record(thing: Thing, mask: NDArray[np.bool_]) -> dict[str, Any]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = [columns[0], rows[0], columns[-1] + 1 - columns[0], rows[-1] + 1 - rows[0]]
    return {
        "annotation": thing.id,
        "category": thing.kind,
        "bbox": [int(value) for value in box],
        "share": round(float(mask.mean()), 4),
    }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("--coco", type=Path, required=True, help="JSON file of annotations in COCO's form")
    parser.add_argument("--images", type=Path, required=True, help="folder of the images")
    parser.add_argument("--out", type=Path, required=True, help="folder of the drawings")
    parser.add_argument(
        "--size", type=count, default=900, help="longer side of a drawing in pixels (default: %(default)s)"
    )
    add_split_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Writes the drawings; returns the exit status.

    Raises:
        DatasetError: The annotations cannot be used, or the size is too small.
    """
    if args.size < 100:
        raise DatasetError(f"--size is {args.size}, expected at least 100")
    import cv2

    options, faults = options_of(args), Faults()
    collection = read_collection(args.coco, args.images, faults, exhaustive=args.exhaustive)
    args.out.mkdir(parents=True, exist_ok=True)
    index: dict[str, Any] = {}
    for picture in tqdm(collection.pictures, unit="image", disable=None):
        result = outlined(picture, args.size, faults)
        if result is not None:
            name = _drawing_name(picture.name, index)
            bgr = np.ascontiguousarray(result[0][..., ::-1])
            cv2.imwrite(str(args.out / name), bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
            index[name] = _entry(picture, result[1], options)
    write_json(args.out / OBJECTS_FILE, index)
    for line in faults.lines():
        print(line)
    print(f"{args.out}: {len(index)} drawings, {sum(len(entry['objects']) for entry in index.values())} objects")
    return 0


def _drawing_name(file_name: str, taken: dict[str, Any]) -> str:
    """Returns a unique name for a drawing: the image's name without folders, with a number if it is taken."""
    stem = PurePosixPath(file_name.replace("\\", "/")).stem
    names = [f"{stem}.jpg", *(f"{stem}_{number}.jpg" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)


def _entry(picture: Picture, records: list[dict[str, Any]], options: Options) -> dict[str, Any]:
    return {
        "file_name": picture.name,
        "split": options.split(picture),
        "objects": {str(number): record for number, record in enumerate(records, start=1)},
    }
