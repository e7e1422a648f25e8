"""A recording as a stream of frames: image, current instruction, and the ground truth if recorded or labelled."""

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
LATE = 30  # images by which the ground truth may arrive after its image


@dataclass(frozen=True)
class Topics:
    """The names of the topics; ``truth`` and ``instruction`` are None if the bag has none."""

    image: str
    instruction: str | None
    truth: str | None

    @property
    def all(self) -> list[str]:
        """The topics that exist."""
        return [topic for topic in (self.image, self.instruction, self.truth) if topic is not None]


@dataclass
class ReplayFrame:
    """One image of a recording.

    Attributes:
        number: Number of the image in the recording, from 0.
        stamp: Stamp of the image's header in ns.
        recorded: Time of recording in ns.
        frame_id: Frame of the image's header.
        instruction: Instruction at the time of recording; "" before the first one.
        image: Image, uint8 (H, W, 3) RGB; None if it cannot be read.
        fault: Reason why the image cannot be read.
        truth: Ground-truth mask, bool (H, W), all False if the target is not in view; None if unknown.
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
    """Finds the named topics, or the only ones of their type.

    Args:
        bag: Recording.
        image: Name of the image topic; None for the only one of its type.
        instruction: Name of the instruction topic; None for the only one of its type.
        truth: Name of the ground-truth topic; None for one of :data:`TRUTH_TOPICS`, if it exists.
        said: Whether the instruction is given by an option, so that none is needed from the bag.

    Raises:
        BagError: A topic is missing or has another type, or several would do.
    """
    if truth is None:
        truth = next((topic for topic in TRUTH_TOPICS if topic in bag.topics), None)
    else:
        truth = bag.find_topic(IMAGE_TYPES, truth)
    others = [topic for topic in bag.topics if topic.startswith("/mdsm/")]  # the node's own, recorded with the others
    aside = [*others, *([truth] if truth else []), *depth_topics(bag)]
    found = None if said else bag.find_topic([INSTRUCTION_TYPE], instruction, exclude=others)
    return Topics(bag.find_topic(IMAGE_TYPES, image, exclude=aside), found, truth)


@dataclass
class FrameReader:
    """Reads a recording frame by frame in bounded memory; unusable messages are counted and left out.

    Attributes:
        bag: Recording.
        topics: Topics of the recording.
        said: Instruction for the whole recording; None for the recorded ones.
        labels: Source of the ground truth; None for the recording.
        faults: Counts of faults by description.
    """

    bag: Bag
    topics: Topics
    said: str | None = None
    labels: Labels | None = None
    faults: Counter[str] = field(default_factory=Counter)

    def frames(self, wanted: Callable[[int], bool] = lambda _: True) -> Iterator[ReplayFrame]:
        """Yields all frames in the order of recording.

        Args:
            wanted: Function that decides by the image's number whether to decode its pixels, which takes most of the
                time.

        Raises:
            ReplayError: There is no image.
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
        except BagError as error:  # the frames read until here are valid
            self.faults[f"the rest of the bag after image {number}: {self._public(str(error))}"] += 1

    def _public(self, text: str) -> str:
        """An error message for published results, without the path of the recording."""
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
