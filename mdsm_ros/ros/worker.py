"""The work of the model's thread while the node is active."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from rclpy.context import Context
from rclpy.task import Future
from sensor_msgs.msg import CompressedImage, Image

from mdsm_ros.errors import ConversionError, ImageError, StorageError
from mdsm_ros.inference.answer import Segmentation
from mdsm_ros.language.referring.candidates import Locate
from mdsm_ros.recordings.hard_frames import HardFrames
from mdsm_ros.ros.complaints import Complaints
from mdsm_ros.ros.diagnostics import Statistics
from mdsm_ros.ros.interface.parameters import Parameters
from mdsm_ros.ros.mailbox import Mailbox
from mdsm_ros.ros.objects.locating import Objects
from mdsm_ros.ros.outputs import Outputs
from mdsm_ros.ros.process.guard import Guard
from mdsm_ros.ros.questions import Questions
from mdsm_ros.ros.tracking.thread import MaskTracking, nanoseconds
from mdsm_ros.segmenter import Segmenter


@dataclass(frozen=True)
class Job:
    """One frame to answer, with everything that the answer depends on."""

    message: Image | CompressedImage
    instruction: str
    parameters: Parameters  # immutable: the node's parameters may change meanwhile
    waiters: tuple[Future, ...] = ()  # receive the Outcome


class Outcome(NamedTuple):
    """The result of a job."""

    success: bool
    status: str  # the line on ~/status


class Worker:
    """Takes the newest job from ``mailbox`` whenever the previous job is done."""

    def __init__(
        self,
        context: Context,
        guard: Guard,
        segmenter: Segmenter,
        to_rgb: Callable[[Image | CompressedImage], np.ndarray],
        outputs: Outputs,
        statistics: Statistics,
        complaints: Complaints,
        tracking: MaskTracking,
        objects: Objects | None = None,
        questions: Questions | None = None,
        hard_frames: HardFrames | None = None,
    ) -> None:
        self.mailbox: Mailbox[Job] = Mailbox()
        self._context = context
        self._guard = guard
        self._segmenter = segmenter
        self._to_rgb = to_rgb
        self._outputs = outputs
        self._statistics = statistics
        self._complaints = complaints
        self._tracking = tracking
        self._objects = objects
        self._questions = questions
        self._hard_frames = hard_frames

    def stop(self) -> None:
        """Ends ``run`` after the model's current stage; nothing is published from now on."""
        self.mailbox.close()

    def run(self) -> None:
        """Answers jobs until ``stop``, even if some of them fail."""
        while (job := self.mailbox.take()) is not None:
            try:
                self._work(job)
            except BaseException as error:  # reporting a failure may fail; Rust libraries raise no Exception
                self._guard.note("worker", error)
                self._tell(job, Outcome(False, f"{type(error).__name__}: {error}"))

    def _work(self, job: Job) -> None:
        outcome = self._answer_or_complain(job)
        if outcome is not None:  # those who wait for an outdated answer also wait for the next job's
            self._tell(job, outcome)

    def _tell(self, job: Job, outcome: Outcome) -> None:
        for waiter in job.waiters:
            if not waiter.done():
                waiter.set_result(outcome)

    def _answer_or_complain(self, job: Job) -> Outcome | None:
        """Answers a job; None if the worker was stopped or the instruction changed meanwhile."""
        header = job.message.header
        try:
            status = self._answer(job)
            return None if status is None else Outcome(True, status)
        except ConversionError as error:
            return Outcome(False, self._complaints.refuse(f"image {error.field}", header, job.instruction, error))
        except ImageError as error:
            return Outcome(False, self._complaints.refuse("image", header, job.instruction, error))
        except Exception as error:
            if self.mailbox.closed or not self._context.ok():  # publishers raise once the context is shut down
                return None
            return Outcome(False, self._complaints.fail(header, job.instruction, error))

    def _answer(self, job: Job) -> str | None:
        """Publishes each answer as soon as it exists; returns the status line of the final one."""
        header = job.message.header
        image = self._to_rgb(job.message)
        self._hold_depth(job)
        final: Segmentation | None = None

        def keep_on() -> bool:
            return not self.mailbox.closed and not self._is_outdated(job)

        settings = job.parameters.inference(self._segmenter.defaults)
        for answer in self._segmenter.stream(image, job.instruction, settings, keep_on=keep_on):
            if self.mailbox.closed:
                return None
            if answer.stage == "initial" and job.parameters.publish_initial:
                self._outputs.publish_initial_mask(header, answer)
                status = self._outputs.publish_status(header, job.instruction, answer)
            self._hold_depth(job)  # that may have come a little later than the image
            final = answer
        assert final is not None, "stream() yields at least the initial answer"
        resets = self._tracking.resets  # before the object is decided: a reply drops the track
        if self._questions is not None and keep_on():
            in_space = partial(self._in_space, job.message, final.mask.shape)
            final = self._questions.settle(header, image, job.instruction, final, settings, in_space)
        if self.mailbox.closed:
            return None
        if self._is_outdated(job):
            self._statistics.answer_cancelled()
            return None
        is_newest = self._publish_mask(job, final)
        if final.stage != "initial" or not job.parameters.publish_initial:
            status = self._outputs.publish_status(header, job.instruction, final)
        self._statistics.image_answered(self._outputs.age(header))
        if self._objects is not None:
            self._objects.publish(job.message, image, job.instruction, final, job.parameters.gripper_width)
        self._outputs.publish_maps(header, final)
        if is_newest:
            self._outputs.publish_views(header, image, job.instruction, final)
        if job.parameters.track:
            self._tracking.answer(header, image, job.instruction, final, resets)
        if self._hard_frames is not None:
            self._keep_if_hard(self._hard_frames, job, image, final, settings.present_threshold)
        return status

    def _publish_mask(self, job: Job, answer: Segmentation) -> bool:
        """Publishes the final mask, unless a mask tracked to a newer image is already out."""
        header = job.message.header
        if job.parameters.track:
            return self._tracking.order.publish(nanoseconds(header), lambda: self._outputs.publish_mask(header, answer))
        self._outputs.publish_mask(header, answer)
        return True

    def _hold_depth(self, job: Job) -> None:
        if self._objects is not None:
            self._objects.depth.buffer.hold(job.message.header)

    def _keep_if_hard(
        self, hard_frames: HardFrames, job: Job, image: np.ndarray, answer: Segmentation, threshold: float
    ) -> None:
        """Stores the frame as a file if the model was unsure, or reports why that failed."""
        stamp = job.message.header.stamp
        try:
            hard_frames.offer(stamp.sec * 10**9 + stamp.nanosec, image, job.instruction, answer, threshold)
        except StorageError as error:
            self._complaints.note("hard frames", error)

    def _is_outdated(self, job: Job) -> bool:
        """Whether a job with another instruction waits."""
        waiting = self.mailbox.peek()
        return waiting is not None and waiting.instruction != job.instruction

    def _in_space(self, message: Image | CompressedImage, shape: tuple[int, int]) -> Locate | None:
        """Returns the locator of masks in space; None without depth, whose reason is reported with the answer."""
        try:
            return None if self._objects is None else self._objects.view(message, shape).locate
        except ConversionError:
            return None
