"""Sources of frames: a recording, a folder of images, or the hard frames stored by a node."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.dataset.listed import listed_instructions
from mdsm_ros.errors import BagError, CommandError, DatasetError, ImageError
from mdsm_ros.files import content_mark
from mdsm_ros.foreign import inside, name_fault
from mdsm_ros.pictures.files import read_picture
from mdsm_ros.recordings.bags import Bag
from mdsm_ros.recordings.notes import Note, read_note
from mdsm_ros.recordings.places import storage_files
from mdsm_ros.replay.frames import FrameReader, choose_topics
from training.learn.options import LearnOptions

NO_NOTE = Note()
ENDINGS = (".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
_NUMBER = re.compile(r"(\d+)")


def composed(name: str) -> str:
    """Returns the one form of a name: macOS and tools may store an accent as a character of its own."""
    return unicodedata.normalize("NFC", name)


@dataclass(frozen=True)
class Place:
    """A frame that has not been read yet.

    Attributes:
        name: Stem of its files: the stamp of its header in ns, or the name of the image.
        instruction: Instruction when the frame was taken; "" if unknown.
        note: What a node wrote beside the frame; empty for frames from elsewhere.
    """

    name: str
    instruction: str
    note: Note = NO_NOTE

    @property
    def corrected(self) -> bool:
        """Whether a person said on the robot what the instruction means in this frame."""
        return self.note.corrects(self.instruction)


class Frames(Protocol):
    """Frames in the order in which they were taken."""

    @property
    def mark(self) -> str:
        """Name and content, which distinguish recordings."""
        ...

    def places(self) -> list[Place]:
        """Returns all frames."""
        ...

    def images(self, names: Collection[str]) -> Iterator[tuple[str, NDArray[np.uint8]]]:
        """Yields the frames with these names, in order, as uint8 (H, W, 3) RGB; unreadable ones are skipped."""
        ...


class BagFrames:
    """The images of a recording.

    Args:
        options: Options with the recording and its topics.

    Raises:
        BagError: The recording or a topic cannot be used.
    """

    def __init__(self, options: LearnOptions) -> None:
        self._options = options
        self.mark = f"{options.source.resolve().name} ({content_mark(options.source)})"

    def places(self) -> list[Place]:
        """See :class:`Frames`; of two frames with the same stamp, only the first is returned."""
        with Bag(self._options.source, salvage=True) as bag:
            found: dict[str, Place] = {}
            for frame in self._reader(bag).frames(lambda _: False):
                found.setdefault(str(frame.stamp), Place(str(frame.stamp), frame.instruction))
        return list(found.values())

    def images(self, names: Collection[str]) -> Iterator[tuple[str, NDArray[np.uint8]]]:
        """See :class:`Frames`."""
        numbers = {name: number for number, name in reversed(list(enumerate(self._names()))) if name in names}
        wanted = set(numbers.values())
        with Bag(self._options.source, salvage=True) as bag:
            for frame in self._reader(bag).frames(wanted.__contains__):
                if frame.number in wanted and frame.image is not None:
                    yield str(frame.stamp), frame.image

    def _names(self) -> list[str]:
        with Bag(self._options.source, salvage=True) as bag:
            return [str(frame.stamp) for frame in self._reader(bag).frames(lambda _: False)]

    def _reader(self, bag: Bag) -> FrameReader:
        options = self._options
        said = options.instruction is not None
        try:
            topics = choose_topics(bag, image=options.image, instruction=options.instruction_topic, said=said)
        except BagError:
            if said or options.instruction_topic is not None:
                raise
            topics = choose_topics(bag, image=options.image, said=True)  # a recording without instructions
        return FrameReader(bag, replace(topics, truth=None), options.instruction)


class FolderFrames:
    """The images of a folder, in the order of the numbers in their names.

    An image's instruction is in the JSON file beside it, as stored by a node with hard frames, or in ``images.csv``.

    Args:
        folder: Folder of the images; subfolders are ignored.
        instruction: Instruction for all images; None: the instructions in the files.

    Raises:
        DatasetError: There is no image in the folder, or ``images.csv`` cannot be read.
    """

    def __init__(self, folder: Path, instruction: str | None) -> None:
        self._folder, self._said = folder, instruction
        names = sorted((path.name for path in folder.iterdir() if _is_image(folder, path)), key=_in_order)
        self._files: dict[str, str] = {}
        for name in names:
            first = self._files.setdefault(Path(name).stem, name)
            if first != name:  # a frame's name is that of its labels
                print(f"{name} is left out: {first} has the same name", file=sys.stderr)
        if not self._files:
            raise DatasetError(f"folder {str(folder)!r} holds no images, expected a recording or files like image.jpg")
        self._listed = listed_instructions(folder)
        self.mark = f"{folder.resolve().name} ({content_mark(folder)})"

    def places(self) -> list[Place]:
        """See :class:`Frames`."""
        return [self._place(stem, name) for stem, name in self._files.items()]

    def images(self, names: Collection[str]) -> Iterator[tuple[str, NDArray[np.uint8]]]:
        """See :class:`Frames`."""
        for stem, name in self._files.items():
            if stem in names:
                try:
                    yield stem, read_picture(inside(self._folder, name, ImageError))
                except ImageError as error:
                    print(f"{name} is left out: {error}", file=sys.stderr)

    def _place(self, stem: str, name: str) -> Place:
        note = read_note(self._folder / f"{stem}.json")
        said = self._said if self._said is not None else self._listed.get(name) or note.instruction
        return Place(stem, said, note)


def open_frames(options: LearnOptions) -> Frames:
    """The frames of a recording or a folder.

    Raises:
        CommandError: A topic is named for a folder.
        DatasetError: The path does not exist, or the folder contains no image.
        BagError: The recording cannot be used.
    """
    path = options.source
    if not path.exists():
        raise DatasetError(f"{str(path)!r} does not exist, expected a recording or a folder of images")
    if path.is_dir() and not (path / "metadata.yaml").exists() and not storage_files(path):
        for name, topic in (("--image", options.image), ("--instruction-topic", options.instruction_topic)):
            if topic is not None:
                raise CommandError(f"{name} is {topic!r}, expected none: {str(path)!r} is a folder, not a recording")
        return FolderFrames(path, options.instruction)
    return BagFrames(options)


def _is_image(folder: Path, path: Path) -> bool:
    """Whether a file counts as an image; links out of the folder do not, as on the page."""
    if path.suffix.lower() not in ENDINGS or name_fault(path.name):
        return False
    try:
        return inside(folder, path.name, ImageError).is_file()
    except ImageError as error:
        print(f"{path.name} is left out: {error}", file=sys.stderr)
        return False


def _in_order(name: str) -> list[tuple[int, int, str]]:
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in _NUMBER.split(name)]
