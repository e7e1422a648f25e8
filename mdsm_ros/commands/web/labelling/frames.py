"""Where the frames come from: a recording, or a folder of pictures. Any of them can be read at any time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.dataset.listed import listed_instructions, noted_instruction
from mdsm_ros.errors import BagError, DatasetError, ImageError
from mdsm_ros.foreign import inside, name_fault
from mdsm_ros.pictures.files import read_picture
from mdsm_ros.recordings.bags import Bag
from mdsm_ros.replay.frames import FrameReader, Topics, choose_topics

PICTURES = (".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
MAX_KEY = 200  # bytes; the file system allows 255, endings included


class Frames(Protocol):
    """Frames by their number from 0; a key names the files of a frame, and stays the same when frames are added."""

    @property
    def name(self) -> str:
        """Name of the recording or folder, which says nothing of where it lies."""
        ...

    @property
    def keys(self) -> list[str]:
        """Key of each frame."""
        ...

    def instruction(self, number: int) -> str:
        """What was asked for when the frame was recorded; "" where that is not known."""
        ...

    def image(self, number: int) -> NDArray[np.uint8]:
        """The frame as uint8 (H, W, 3) RGB.

        Raises:
            MdsmError: It cannot be read.
        """
        ...

    def close(self) -> None:
        """Closes files."""
        ...


class FolderFrames:
    """The pictures of a folder, in the order of their names; links that lead out of it are left out.

    Without an instruction for all, ``images.csv`` or the note of a kept frame gives that of an image.

    Args:
        folder: Folder of the pictures; folders in it do not count.
        instruction: Instruction for every image; "" if unknown.

    Raises:
        DatasetError: There is no picture in the folder, or its ``images.csv`` cannot be used.
    """

    def __init__(self, folder: Path, instruction: str = "") -> None:
        self.name = folder.resolve().name
        self._folder = folder
        self._instruction = instruction
        self._files: dict[str, str] = {}  # by key
        for name in sorted(path.name for path in folder.iterdir() if _is_picture(folder, path)):
            stem = Path(name).stem
            self._files[stem if stem not in self._files else name.replace(".", "_")] = name
        if not self._files:
            raise DatasetError(f"folder {str(folder)!r} holds no pictures, expected files such as image.jpg")
        self.keys = list(self._files)
        self._listed = {} if instruction else listed_instructions(folder)

    def instruction(self, number: int) -> str:
        """As :class:`Frames` says."""
        key = self.keys[number]
        return (
            self._instruction or self._listed.get(self._files[key]) or noted_instruction(self._folder / f"{key}.json")
        )

    def image(self, number: int) -> NDArray[np.uint8]:
        """As :class:`Frames` says; the file is checked again, since it may be another one by now."""
        return read_picture(inside(self._folder, self._files[self.keys[number]], ImageError))

    def close(self) -> None:
        """Nothing is open."""


def _is_picture(folder: Path, path: Path) -> bool:
    if path.suffix.lower() not in PICTURES or name_fault(path.name) or len(path.stem.encode()) > MAX_KEY:
        return False
    try:
        return inside(folder, path.name, ImageError).is_file()
    except ImageError:  # a link that leads out
        return False


@dataclass(frozen=True)
class _Place:
    """Where a frame lies in its recording: time of its message in ns, and the stamp of its header in ns."""

    recorded: int
    stamp: int
    instruction: str


class BagFrames:
    """One of every so many images of a recording; the key of a frame is the stamp of its header in ns.

    So the labels are those that ``mdsm replay --labels`` reads.

    Args:
        bag: Recording, or one of its files.
        every: Distance of the frames; 1 takes all images.
        image: Topic of the camera; None: the only one of its type.
        instruction_topic: Topic of the instructions; None: the only String, if there is just one.
        instruction: Instruction for every frame, instead of the recording's instructions; "" if unknown.

    Raises:
        BagError: The recording or a topic cannot be used.
    """

    def __init__(
        self,
        bag: Path,
        *,
        every: int = 1,
        image: str | None = None,
        instruction_topic: str | None = None,
        instruction: str = "",
    ) -> None:
        self.name = bag.resolve().name
        self._thread = ThreadPoolExecutor(1)  # SQLite wants one thread, and a file has one place where it is read
        self._bag = self._thread.submit(Bag, bag, salvage=True).result()
        try:
            self._places = self._thread.submit(self._index, every, image, instruction_topic, instruction).result()
        except BaseException:
            self.close()
            raise
        self.keys = list(self._places)

    def _index(
        self, every: int, image: str | None, instruction_topic: str | None, instruction: str
    ) -> dict[str, _Place]:
        topics = self._choose_topics(image, instruction_topic, instruction)
        self._reader = FrameReader(self._bag, replace(topics, truth=None), instruction or None)
        places: dict[str, _Place] = {}
        for frame in self._reader.frames(lambda _: False):
            if frame.number % every == 0:
                places.setdefault(str(frame.stamp), _Place(frame.recorded, frame.stamp, frame.instruction))
        return places

    def _choose_topics(self, image: str | None, instruction_topic: str | None, instruction: str) -> Topics:
        try:
            return choose_topics(self._bag, image=image, instruction=instruction_topic, said=bool(instruction))
        except BagError:
            if instruction_topic is not None:
                raise
            return choose_topics(self._bag, image=image, said=True)  # of several or no instructions none is taken

    def instruction(self, number: int) -> str:
        """As :class:`Frames` says."""
        return self._places[self.keys[number]].instruction

    def image(self, number: int) -> NDArray[np.uint8]:
        """As :class:`Frames` says."""
        return self._thread.submit(self._read, self._places[self.keys[number]]).result()

    def _read(self, place: _Place) -> NDArray[np.uint8]:
        frame = self._reader.frame_at(place.recorded, place.stamp)
        if frame is None or frame.image is None:
            reason = "it is not there any more" if frame is None else frame.fault
            raise ImageError(f"frame {place.stamp} of bag {self.name!r} cannot be read: {reason}")
        return frame.image

    def close(self) -> None:
        """Closes the recording."""
        self._thread.submit(self._bag.__exit__, None, None, None).result()
        self._thread.shutdown()
