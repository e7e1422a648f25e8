"""Sources of frames: a recording, or a folder of images. Frames can be read in any order."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.dataset.listed import listed_instructions
from mdsm_ros.errors import BagError, DatasetError, ImageError
from mdsm_ros.foreign import inside, name_fault
from mdsm_ros.pictures.files import read_picture
from mdsm_ros.recordings.bags import Bag
from mdsm_ros.recordings.notes import Note, read_note
from mdsm_ros.replay.frames import FrameReader, Topics, choose_topics

PICTURES = (".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
MAX_KEY = 200  # bytes; the file system allows 255, endings included
REPEAT = "~"  # between the key of a frame and the number of its label


class Frames(Protocol):
    """Frames, numbered from 0. A key names the files of a frame, and stays the same when frames are added."""

    @property
    def name(self) -> str:
        """Name of the recording or folder, without its path."""
        ...

    @property
    def keys(self) -> list[str]:
        """Key of each frame."""
        ...

    def instruction(self, number: int) -> str:
        """Returns the instruction when the frame was recorded; "" if unknown."""
        ...

    def image(self, number: int) -> NDArray[np.uint8]:
        """Returns the frame as uint8 (H, W, 3) RGB.

        Raises:
            MdsmError: It cannot be read.
        """
        ...

    def chosen(self, number: int, instruction: str) -> NDArray[np.bool_] | None:
        """Returns the mask that a person chose on the robot, bool (H, W), empty for none of the objects.

        None: nobody did for this frame and instruction.
        """
        ...

    def image_name(self, number: int) -> str:
        """Returns the name of a frame's image in the dataset; frames with the same name share it."""
        ...

    def close(self) -> None:
        """Closes files."""
        ...


class RepeatedFrames:
    """Frames that are labelled several times, each time about another object.

    Args:
        frames: The frames.
        times: Number of labels for each frame.
    """

    def __init__(self, frames: Frames, times: int) -> None:
        self._frames, self._times = frames, times
        self.name = frames.name
        self.keys = _repeated(frames.keys, times)

    def instruction(self, number: int) -> str:
        """Returns the instruction for the first label of a frame; "" for the others, which are about other objects."""
        return "" if number % self._times else self._frames.instruction(number // self._times)

    def image(self, number: int) -> NDArray[np.uint8]:
        """See :class:`Frames`."""
        return self._frames.image(number // self._times)

    def chosen(self, number: int, instruction: str) -> NDArray[np.bool_] | None:
        """See :class:`Frames`; for each label of the frame, because the instruction decides."""
        return self._frames.chosen(number // self._times, instruction)

    def image_name(self, number: int) -> str:
        """See :class:`Frames`."""
        return self._frames.image_name(number // self._times)

    def close(self) -> None:
        """See :class:`Frames`."""
        self._frames.close()


def _repeated(keys: Sequence[str], times: int) -> list[str]:
    """Returns ``times`` keys for each; phones name copies ``KEY~2``, too, so a mark that would be one is lengthened."""
    taken = set(keys)
    found: list[str] = []
    for key in keys:
        for time in range(times):
            mark, own = REPEAT, key
            while time and (own == key or own in taken):
                own, mark = f"{key}{mark}{time + 1}", mark + REPEAT
            taken.add(own)
            found.append(own)
    return found


class FolderFrames:
    """The images of a folder, in the order of their names; links out of the folder are skipped.

    Without a common instruction, ``images.csv`` or the JSON file of a kept frame gives the instruction of an image.

    Args:
        folder: Folder of the images; subfolders are ignored.
        instruction: Instruction for every image; "" if unknown.
        notes: Folder of the JSON files of kept frames; None: they are beside the images.

    Raises:
        DatasetError: There is no image in the folder, or its ``images.csv`` cannot be used.
    """

    def __init__(self, folder: Path, instruction: str = "", notes: Path | None = None) -> None:
        self.name = folder.resolve().name
        self._folder = folder
        self._notes = folder if notes is None else notes
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
        """See :class:`Frames`."""
        key = self.keys[number]
        return self._instruction or self._listed.get(self._files[key]) or self._note(number).instruction

    def _note(self, number: int) -> Note:
        return read_note(self._notes / f"{self.keys[number]}.json")

    def image(self, number: int) -> NDArray[np.uint8]:
        """See :class:`Frames`; checks the file again, because it may have been replaced."""
        return read_picture(inside(self._folder, self._files[self.keys[number]], ImageError))

    def chosen(self, number: int, instruction: str) -> NDArray[np.bool_] | None:
        """See :class:`Frames`."""
        note = self._note(number)
        return note.chosen(instruction, self.image(number).shape[:2]) if note.corrects(instruction) else None

    def image_name(self, number: int) -> str:
        """See :class:`Frames`."""
        return self.keys[number]

    def close(self) -> None:
        """Does nothing, because no file is open."""


def _is_picture(folder: Path, path: Path) -> bool:
    if path.suffix.lower() not in PICTURES or name_fault(path.name) or len(path.stem.encode()) > MAX_KEY:
        return False
    try:
        return inside(folder, path.name, ImageError).is_file()
    except ImageError:  # a link out of the folder
        return False


@dataclass(frozen=True)
class _Place:
    """Position of a frame in its recording: time of its message in ns, and the stamp of its header in ns."""

    recorded: int
    stamp: int
    instruction: str


class BagFrames:
    """Every n-th image of a recording; the key of a frame is the stamp of its header in ns.

    ``mdsm replay --labels`` can therefore read the labels.

    Args:
        bag: Recording, or one of its files.
        every: Distance between the frames; 1 takes all images.
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
        self._thread = ThreadPoolExecutor(1)  # SQLite needs a single thread, and a file has one read position
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
            return choose_topics(self._bag, image=image, said=True)  # with several topics, none is read

    def instruction(self, number: int) -> str:
        """See :class:`Frames`."""
        return self._places[self.keys[number]].instruction

    def image(self, number: int) -> NDArray[np.uint8]:
        """See :class:`Frames`."""
        return self._thread.submit(self._read, self._places[self.keys[number]]).result()

    def _read(self, place: _Place) -> NDArray[np.uint8]:
        frame = self._reader.frame_at(place.recorded, place.stamp)
        if frame is None or frame.image is None:
            reason = "it is not there any more" if frame is None else frame.fault
            raise ImageError(f"frame {place.stamp} of bag {self.name!r} cannot be read: {reason}")
        return frame.image

    def chosen(self, number: int, instruction: str) -> NDArray[np.bool_] | None:
        """Returns None: a recording does not tell."""
        return None

    def image_name(self, number: int) -> str:
        """See :class:`Frames`."""
        return self.keys[number]

    def close(self) -> None:
        """Closes the recording."""
        self._thread.submit(self._bag.__exit__, None, None, None).result()
        self._thread.shutdown()
