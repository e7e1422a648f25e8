"""A labelling session: keeps track of labelled frames, and writes each label to the dataset at once.

Every label is a part of the dataset (``parts/KEY.json``), which is written completely or not at all. However the
session ends, its labels are stored, and the next session on the same folder resumes after them. ``annotations.json`` is
rewritten from all parts each time.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal, get_args

import cv2
import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from mdsm_ros.commands.web.labelling.frames import Frames
from mdsm_ros.dataset.format import ANNOTATIONS_FILE, MemoryDataset
from mdsm_ros.dataset.merging import merge_contents
from mdsm_ros.dataset.writer import PARTS_FOLDER, DatasetWriter, part_path
from mdsm_ros.errors import CommandError, DatasetError, MdsmError, StorageError
from mdsm_ros.files import write_json
from mdsm_ros.foreign import check_keys, read_json
from mdsm_ros.inference.answer import MAX_INSTRUCTION_CHARACTERS, validate_instruction
from mdsm_ros.language.expressions import count_expressions
from mdsm_ros.pictures.files import read_picture
from mdsm_ros.recordings.rle import decode, encode

CATEGORY = "target"
SOURCE = "web"
SESSION_FILE = "session.json"
DRAFTS_FOLDER = "drafts"
LOCK_FILE = ".session.lock"
CHECKED = 3  # labels whose images are compared with the frames
COARSE, JPEG_LOSS = (8, 8), 8  # cells of the compared images, and their largest difference in grey levels
PART_FIELDS = ("images", "annotations", "instructions", "counts")

Verdict = Literal["labelled", "absent", "rejected"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


@dataclass(frozen=True)
class Label:
    """A person's label of a frame.

    Attributes:
        verdict: "labelled": the mask shows the target; "absent": the target is not in view; "rejected": the frame is
            left out of the dataset.
        instruction: Instruction that the label is about; "" for a rejected frame that had none.
        mask: Mask (H, W) of the target; None unless the verdict is "labelled".
    """

    verdict: Verdict
    instruction: str
    mask: NDArray[np.bool_] | None = None


class LabelSession:
    """Labels of frames in a dataset folder. Only one session at a time may use the folder.

    Args:
        frames: Frames to label.
        out: Folder of the dataset, created if absent.
        split: Split of the labels.

    Raises:
        CommandError: The folder contains something else or labels of other frames, or another session uses it.
        DatasetError: A file of an earlier session is damaged.
        StorageError: The folder cannot be written.
    """

    def __init__(self, frames: Frames, out: Path, split: str = "train") -> None:
        self.frames = frames
        self.out = out
        self._split = split
        self._info = {"source": SOURCE, "frames": frames.name}
        self._writing = threading.Lock()
        try:
            out.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(out / LOCK_FILE)
            self._lock.acquire(timeout=0)
        except Timeout:
            raise CommandError(f"folder {str(out)!r} is used by another session, expected one at a time") from None
        except OSError as error:
            raise StorageError(f"labels cannot be written to {str(out)!r}: {error}") from error
        try:
            self._check_source()
            self._parts = self._read_parts()
            self._check_pictures()
            if self._parts:  # the last session may have been killed before the data set had its last label
                self._publish()
        except OSError as error:
            self._lock.release()
            raise StorageError(f"labels cannot be written to {str(out)!r}: {error}") from error
        except BaseException:
            self._lock.release()
            raise

    def _check_source(self) -> None:
        path = self.out / SESSION_FILE
        if not path.exists():
            if (self.out / ANNOTATIONS_FILE).exists() or (self.out / PARTS_FOLDER).exists():
                raise CommandError(
                    f"folder {str(self.out)!r} holds a data set of another origin, expected a new folder"
                )
            write_json(path, self._info)
            return
        before = check_keys(read_json(path, DatasetError, "a session"), ["frames"], str(path), DatasetError)["frames"]
        if before != self.frames.name:
            raise CommandError(
                f"folder {str(self.out)!r} holds labels of {before!r}, expected those of {self.frames.name!r}"
            )

    def _check_pictures(self) -> None:
        """Checks some labels against their frames: another folder may have the same name, and the same names in it."""
        labelled = (n for n, key in enumerate(self.frames.keys) if self._parts.get(key, {}).get("images"))
        for number in islice(labelled, CHECKED):
            try:
                now = self.frames.image(number)
                before = read_picture(self.out / "images" / f"{self.frames.image_name(number)}.jpg")
            except MdsmError:  # told when the frame is opened
                continue
            if not _alike(before, now):
                raise CommandError(
                    f"folder {str(self.out)!r} holds the label of another picture {self.frames.keys[number]!r} of "
                    f"{self.frames.name!r}, expected a new folder for other frames"
                )

    def _read_parts(self) -> dict[str, dict[str, Any]]:
        parts = {}
        for path in sorted((self.out / PARTS_FOLDER).glob("*.json")):
            parts[path.stem] = check_keys(
                read_json(path, DatasetError, "a label"), PART_FIELDS, str(path), DatasetError
            )
        return parts

    def verdict(self, number: int) -> Verdict | None:
        """Returns the verdict on a frame; None if there is none."""
        part = self._parts.get(self.frames.keys[number])
        if part is None:
            return None
        return next((verdict for verdict in VERDICTS if verdict in part["counts"]), None)

    def counts(self) -> dict[str, int]:
        """Returns the number of frames with each verdict, and without one ("open")."""
        found: Counter[str] = Counter(self.verdict(number) or "open" for number in range(len(self.frames.keys)))
        return {name: found[name] for name in (*VERDICTS, "open")}

    def first_open(self) -> int:
        """Returns the number of the first frame without a verdict, or of the last frame if all have one."""
        numbers = range(len(self.frames.keys))
        return next((number for number in numbers if self.verdict(number) is None), numbers[-1])

    def label(self, number: int) -> Label | None:
        """Returns the stored label of a frame.

        Raises:
            DatasetError: Its file is damaged.
        """
        verdict, part = self.verdict(number), self._parts.get(self.frames.keys[number])
        if verdict is None or part is None:
            return None
        if verdict == "rejected":
            return Label(verdict, "")
        data = MemoryDataset(part, {}, str(part_path(self.out, self.frames.keys[number])))
        instruction = data.instructions[0]
        return Label(verdict, instruction.text, data.mask(instruction) if verdict == "labelled" else None)

    def save(self, number: int, label: Label) -> None:
        """Stores a label in place of an earlier one; it is on the disk when this returns.

        Raises:
            DatasetError: The mask is empty, or not of the frame's size.
            InstructionError: The instruction cannot be used.
            MdsmError: The frame cannot be read.
            StorageError: The disk is full, or the folder cannot be written.
        """
        key = self.frames.keys[number]
        image = None if label.verdict == "rejected" else self.frames.image(number)
        if image is not None:
            _check(label, image.shape[:2])
        with self._writing:
            try:
                self._parts[key] = self._write_part(number, label, image)
                self._publish()
                self._draft_path(number).unlink(missing_ok=True)
                if image is None and not self._is_shown(number):
                    (self.out / "images" / f"{self.frames.image_name(number)}.jpg").unlink(missing_ok=True)
            except OSError as error:
                raise StorageError(f"label cannot be written to {str(self.out)!r}: {error}") from error

    def keep(self, number: int, instruction: str, mask: NDArray[np.bool_]) -> None:
        """Stores a drawing without a verdict; it is not part of the dataset.

        Raises:
            StorageError: The disk is full, or the folder cannot be written.
        """
        path = self._draft_path(number)
        content = {"instruction": instruction[:MAX_INSTRUCTION_CHARACTERS], "mask": encode(mask)}
        try:
            with self._writing:  # two windows may draw in the same frame
                path.parent.mkdir(exist_ok=True)
                write_json(path, content)
        except OSError as error:
            raise StorageError(f"drawing cannot be written to {str(self.out)!r}: {error}") from error

    def draft(self, number: int) -> Label | None:
        """Returns a frame's drawing without a verdict, as a label with verdict "labelled".

        Raises:
            DatasetError: Its file is damaged.
        """
        path = self._draft_path(number)
        if not path.exists():
            return None
        content = check_keys(
            read_json(path, DatasetError, "a drawing"), ["instruction", "mask"], str(path), DatasetError
        )
        try:
            return Label("labelled", str(content["instruction"]), decode(content["mask"]))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise DatasetError(f"{path} holds a damaged mask: {error}") from error

    def _draft_path(self, number: int) -> Path:
        return self.out / DRAFTS_FOLDER / f"{self.frames.keys[number]}.json"

    def _is_shown(self, number: int) -> bool:
        """Whether the image of a frame belongs to a label, of this or another object in it."""
        name = self.frames.image_name(number)
        same = (key for i, key in enumerate(self.frames.keys) if self.frames.image_name(i) == name)
        return any(self._parts[key]["images"] for key in same if key in self._parts)

    def _write_part(self, number: int, label: Label, image: NDArray[np.uint8] | None) -> dict[str, Any]:
        key = self.frames.keys[number]
        with DatasetWriter(self.out, [CATEGORY], info=self._info, part=key) as writer:
            writer.count(label.verdict)
            if image is not None:
                image_id = writer.add_image(image, scene=self.frames.name, name=self.frames.image_name(number))
                ids = [] if label.mask is None else [writer.add_annotation(image_id, CATEGORY, label.mask)]
                text = validate_instruction(label.instruction)
                writer.add_instruction(
                    image_id,
                    ids,
                    text,
                    split=self._split,
                    source=SOURCE,
                    expressions=count_expressions(text),
                    distractors=0,  # unknown: they were not counted
                )
        return dict(read_json(part_path(self.out, key), DatasetError, "a label"))

    def _publish(self) -> None:
        """Writes ``annotations.json`` from all parts."""
        merged = _with_each_image_once(merge_contents(self._parts[key] for key in sorted(self._parts)))
        categories = [{"id": 1, "name": CATEGORY}]
        write_json(self.out / ANNOTATIONS_FILE, {"info": self._info, **merged, "categories": categories})

    def close(self) -> None:
        """Releases the folder, after a label that is being saved."""
        with self._writing:
            self._lock.release()
        self.frames.close()


def _alike(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> bool:
    """Whether two images (H, W, 3) are the same up to the loss of JPEG, which is small in the mean of many pixels."""
    if first.shape != second.shape:
        return False
    coarse = (cv2.resize(image, COARSE, interpolation=cv2.INTER_AREA).astype(int) for image in (first, second))
    return int(np.abs(np.subtract(*coarse)).max()) <= JPEG_LOSS


def _with_each_image_once(content: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """Merges the records of an image with several labels."""
    first: dict[str, int] = {}
    ids = {record["id"]: first.setdefault(record["file_name"], record["id"]) for record in content["images"]}
    images = [record for record in content["images"] if ids[record["id"]] == record["id"]]
    others = {
        name: [record | {"image_id": ids[record["image_id"]]} for record in content[name]]
        for name in ("annotations", "instructions")
    }
    return content | {"images": images} | others


def _check(label: Label, shape: tuple[int, ...]) -> None:
    validate_instruction(label.instruction)
    if label.verdict != "labelled":
        return
    if label.mask is None or not label.mask.any():
        raise DatasetError("mask is empty, expected the target's pixels; press N where the target is not in view")
    if label.mask.shape != shape:
        raise DatasetError(f"mask has the shape {label.mask.shape}, expected {shape}, that of the frame")
