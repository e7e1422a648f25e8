"""A recording as a stream of frames: image, instruction in force, and the truth where it was recorded or labelled."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.errors import BagError, ConversionError, InstructionError, ReplayError
from mdsm_ros.inference.answer import validate_instruction
from mdsm_ros.recordings.bags import Bag, BagMessage
from mdsm_ros.recordings.images.colors import image_to_rgb
from mdsm_ros.recordings.images.compressed import compressed_image_to_rgb
from mdsm_ros.recordings.playback import IMAGE_TYPES, INSTRUCTION_TYPE, TRUTH_TOPIC, depth_topics
from mdsm_ros.replay.labels import Labels

TRUTH_TOPICS = (TRUTH_TOPIC, TRUTH_TOPIC.removesuffix("/compressed"))
LATE = 30  # images by which a truth may come after its image


@dataclass(frozen=True)
class Topics:
    """Names of topics; ``truth`` and ``instruction`` are None where the bag has none."""

    image: str
    instruction: str | None
    truth: str | None

    @property
    def all(self) -> list[str]:
        """Those that are there."""
        return [topic for topic in (self.image, self.instruction, self.truth) if topic is not None]


@dataclass
class ReplayFrame:
    """One image of a recording.

    Attributes:
        number: of the image in the recording, from 0.
        stamp: of its header, ns.
        recorded: When it was recorded, ns.
        frame_id: of its header.
        instruction: in force when it was recorded; "" before the first one.
        image: uint8 (H, W, 3) RGB; None where it cannot be read.
        fault: Why not.
        truth: Bool (H, W), all False where the target is not in view; None where it is not known.
    """

    number: int
    stamp: int
    recorded: int
    frame_id: str
    instruction: str
    image: NDArray[np.uint8] | None
    fault: str | None = None
    truth: NDArray[np.bool_] | None = None


def choose_topics(
    bag: Bag, *, image: str | None = None, instruction: str | None = None, truth: str | None = None, said: bool = False
) -> Topics:
    """The topics that were named, or the only ones of their type.

    Args:
        bag: The recording.
        image: Its name; None: the only one of its type.
        instruction: The same.
        truth: Its name; None: one of :data:`TRUTH_TOPICS`, where it is there.
        said: The instruction is given otherwise, none is needed from the bag.

    Raises:
        BagError: A topic is missing or has another type, or several would do.
    """
    if truth is None:
        truth = next((topic for topic in TRUTH_TOPICS if topic in bag.topics), None)
    else:
        truth = bag.find_topic(IMAGE_TYPES, truth)
    others = [topic for topic in bag.topics if topic.startswith("/mdsm/")]  # of the node, recorded with the rest
    aside = [*others, *([truth] if truth else []), *depth_topics(bag)]
    found = None if said else bag.find_topic([INSTRUCTION_TYPE], instruction, exclude=others)
    return Topics(bag.find_topic(IMAGE_TYPES, image, exclude=aside), found, truth)


@dataclass
class FrameReader:
    """Reads a recording frame by frame in bounded memory; what is wrong with it is counted and left out.

    Attributes:
        bag: The recording.
        topics: of it.
        said: The instruction that is in force all the time; None: the recording's.
        labels: where the truth comes from; None: from the recording.
        faults: How often, by what it is.
    """

    bag: Bag
    topics: Topics
    said: str | None = None
    labels: Labels | None = None
    faults: Counter[str] = field(default_factory=Counter)

    def frames(self, wanted: Callable[[int], bool] = lambda _: True) -> Iterator[ReplayFrame]:
        """All frames in the order they were recorded.

        Args:
            wanted: Whether the pixels of the image of a number are to be decoded, which takes most of the time.

        Raises:
            ReplayError: There is not one image.
        """
        count = 0
        waiting: deque[ReplayFrame] = deque()
        truths: OrderedDict[int, NDArray[np.bool_]] = OrderedDict()
        for frame in self._images(wanted, truths):
            count += 1
            waiting.append(frame)
            while waiting and (len(waiting) > LATE or self.topics.truth is None or waiting[0].stamp in truths):
                yield self._with_truth(waiting.popleft(), truths)
        while waiting:
            yield self._with_truth(waiting.popleft(), truths)
        if self.labels is not None:
            self.faults.update(self.labels.unused())
        if not count:
            raise ReplayError(f"bag {str(self.bag.path)!r} has no message on {self.topics.image}, expected images")

    def frame_at(self, recorded: int, stamp: int) -> ReplayFrame | None:
        """One frame with its pixels, read without what lies before it; None where there is none.

        Args:
            recorded: When it was recorded, ns.
            stamp: Stamp of its header, ns.
        """
        for message in self.bag.messages([self.topics.image], start=recorded, stop=recorded + 1):
            frame = self._frame(message, 0, "", pixels=True)
            if frame is not None and frame.stamp == stamp:
                return frame
        return None

    def _with_truth(self, frame: ReplayFrame, truths: OrderedDict[int, NDArray[np.bool_]]) -> ReplayFrame:
        if self.labels is None:
            frame.truth = truths.pop(frame.stamp, None)
        else:
            frame.truth = self.labels.truth(frame.stamp, frame.instruction)
        if frame.truth is not None and frame.image is not None and frame.truth.shape != frame.image.shape[:2]:
            self.faults["truth of another size than its image"] += 1
            frame.truth = None
        return frame

    def _images(
        self, wanted: Callable[[int], bool], truths: OrderedDict[int, NDArray[np.bool_]]
    ) -> Iterator[ReplayFrame]:
        instruction, before, number = self.said or "", None, 0
        if self.bag.damage is not None:
            self.faults[f"read as far as it goes: {self._public(self.bag.damage)}"] = 1
        try:
            for message in self.bag.messages(self.topics.all):
                if message.topic == self.topics.instruction:
                    instruction = self._instruction(message, instruction)
                elif message.topic == self.topics.truth:
                    self._note_truth(message, truths)
                else:
                    frame = self._frame(message, number, instruction, pixels=wanted(number))
                    if frame is None:
                        continue
                    if before is not None and frame.stamp < before:
                        self.faults["stamps that go backwards"] += 1
                    before, number = frame.stamp, number + 1
                    yield frame
        except BagError as error:  # what was read until here is good
            self.faults[f"the rest of the bag after image {number}: {self._public(str(error))}"] += 1

    def _public(self, text: str) -> str:
        """A message for results that are shown around, which do not say where the recording lies."""
        places = (str(self.bag.path.absolute()), str(self.bag.path))
        for place in places:
            text = text.replace(place, self.bag.path.absolute().name)
        return text

    def _frame(self, message: BagMessage, number: int, instruction: str, *, pixels: bool) -> ReplayFrame | None:
        try:
            content = self.bag.decode(message)
        except BagError:
            self.faults["images that are no message"] += 1
            return None
        header = content.header
        frame = ReplayFrame(number, _stamp(content), message.time, header.frame_id, instruction, None)
        if pixels:
            try:
                frame.image = _to_rgb(message, content)
            except ConversionError as error:
                frame.fault = str(error)
        return frame

    def _instruction(self, message: BagMessage, before: str) -> str:
        try:
            return validate_instruction(self.bag.decode(message).data)
        except (BagError, InstructionError):
            self.faults["bad instructions"] += 1
            return before

    def _note_truth(self, message: BagMessage, truths: OrderedDict[int, NDArray[np.bool_]]) -> None:
        try:
            content = self.bag.decode(message)
            truths[_stamp(content)] = _to_rgb(message, content)[..., 0] > 127
        except (BagError, ConversionError):
            self.faults["bad truths"] += 1
        while len(truths) > 2 * LATE:
            truths.popitem(last=False)


def _to_rgb(message: BagMessage, content: Any) -> NDArray[np.uint8]:
    return compressed_image_to_rgb(content) if message.type.endswith("CompressedImage") else image_to_rgb(content)


def _stamp(content: Any) -> int:
    return int(content.header.stamp.sec) * 10**9 + int(content.header.stamp.nanosec)
