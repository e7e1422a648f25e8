"""The work of the model's thread while the node is active."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from rclpy.context import Context
from rclpy.task import Future

from mdsm_ros.errors import ConversionError, ImageError
from mdsm_ros.inference.answer import Segmentation
from mdsm_ros.language.referring.candidates import Locate
from mdsm_ros.ros.complaints import Complaints
from mdsm_ros.ros.diagnostics import Statistics
from mdsm_ros.ros.inputs.frames import Frame
from mdsm_ros.ros.interface.parameters import Parameters
from mdsm_ros.ros.keeping import Keeping
from mdsm_ros.ros.mailbox import Turns
from mdsm_ros.ros.objects.locating import Objects
from mdsm_ros.ros.outputs import Outputs
from mdsm_ros.ros.process.guard import Guard
from mdsm_ros.ros.questions import Questions
from mdsm_ros.ros.tracking.thread import MaskTracking, nanoseconds
from mdsm_ros.segmenter import Segmenter


@dataclass(frozen=True)
class Channel:
    """What the worker needs to answer the images of one camera; objects and kept frames only where they are wanted."""

    camera: str  # name; "" for the only one
    is_wanted: Callable[[Job], bool]  # whether the answer still counts: the instruction and ~/set_enabled may change
    segmenter: Segmenter
    outputs: Outputs
    statistics: Statistics
    complaints: Complaints
    tracking: MaskTracking
    questions: Questions
    objects: Objects | None = None
    keeping: Keeping | None = None


@dataclass(frozen=True)
class Job:
    """One frame to answer, with everything that the answer depends on."""

    channel: Channel
    frame: Frame
    instruction: str
    parameters: Parameters  # immutable: the node's parameters may change meanwhile
    waiters: tuple[Future, ...] = ()  # receive the Outcome

    @property
    def is_awaited(self) -> bool:
        """Whether somebody waits for the outcome."""
        return any(not waiter.done() for waiter in self.waiters)


class Outcome(NamedTuple):
    """The result of a job."""

    success: bool
    status: str  # the line on ~/status


class Worker:
    """Takes the newest job of each camera in turn from ``mailbox`` whenever the previous job is done."""

    def __init__(self, context: Context, guard: Guard) -> None:
        self.mailbox: Turns[Job] = Turns()
        self._context = context
        self._guard = guard

    def put(self, job: Job) -> Job | None:
        """Adds a job without waiting; returns the job of the same camera that it replaces, if any."""
        return self.mailbox.put(job.channel.camera, job)

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
        if outcome is not None:  # those who wait for an unwanted answer also wait for the next job's
            self._tell(job, outcome)

    def _tell(self, job: Job, outcome: Outcome) -> None:
        for waiter in job.waiters:
            if not waiter.done():
                waiter.set_result(outcome)

    def _answer_or_complain(self, job: Job) -> Outcome | None:
        """Answers a job; None if the worker was stopped or the answer is not wanted any more."""
        header, complaints = job.frame.header, job.channel.complaints
        try:
            status = self._answer(job)
            return None if status is None else Outcome(True, status)
        except ConversionError as error:
            return Outcome(False, complaints.refuse(f"image {error.field}", header, job.instruction, error))
        except ImageError as error:
            return Outcome(False, complaints.refuse("image", header, job.instruction, error))
        except Exception as error:
            if self.mailbox.closed or not self._context.ok():  # publishers raise once the context is shut down
                return None
            return Outcome(False, complaints.fail(header, job.instruction, error))

    def _answer(self, job: Job) -> str | None:
        """Publishes each answer as soon as it exists; returns the status line of the final one."""
        channel, frame, header = job.channel, job.frame, job.frame.header

        def keep_on() -> bool:
            return not self.mailbox.closed and channel.is_wanted(job)

        if not keep_on():  # it became unwanted while it waited
            return None
        outputs, image = channel.outputs, frame.small
        _hold_depth(job)
        final: Segmentation | None = None

        def picture() -> np.ndarray:
            return frame.picture

        settings = job.parameters.inference(channel.segmenter.defaults)
        for answer in channel.segmenter.stream(
            image, job.instruction, settings, keep_on=keep_on, answer_shape=frame.shape
        ):
            if not keep_on():
                self._cancel(job)
                return None
            if answer.stage == "initial" and job.parameters.publish_initial:
                outputs.publish_initial_mask(header, answer)
                status = outputs.publish_status(header, job.instruction, answer)
            _hold_depth(job)  # that may have come a little later than the image
            final = answer
        assert final is not None, "stream() yields at least the initial answer"
        resets = channel.tracking.resets  # before the object is decided: a reply drops the track
        if keep_on():
            in_space = partial(_in_space, job, final.mask.shape)
            final = channel.questions.settle(header, picture, job.instruction, final, settings, in_space)
        if not keep_on():
            self._cancel(job)
            return None
        is_newest = _publish_in_order(job, partial(outputs.publish_mask, header, final))
        if final.stage != "initial" or not job.parameters.publish_initial:
            status = outputs.publish_status(header, job.instruction, final)
        channel.statistics.image_answered(outputs.age(header))
        if is_newest:
            _publish_in_order(job, partial(outputs.publish_views, header, picture, job.instruction, final))
        if channel.objects is not None:
            channel.objects.publish(frame.message, picture, job.instruction, final, job.parameters.gripper_width)
        outputs.publish_maps(header, final)
        if job.parameters.track:
            channel.tracking.answer(header, image, job.instruction, final, resets)
        if channel.keeping is not None:
            channel.keeping.offer(frame, job.instruction, final, settings.present_threshold)
        return status

    def _cancel(self, job: Job) -> None:
        """Counts an answer that nobody wants any more, unless the node is no longer active."""
        if not self.mailbox.closed:
            job.channel.statistics.answer_cancelled()


def _publish_in_order(job: Job, publish: Callable[[], object]) -> bool:
    """Calls ``publish`` unless a mask tracked to a newer image is already out; returns whether it was called."""
    if job.parameters.track:
        return job.channel.tracking.order.publish(nanoseconds(job.frame.header), publish)
    publish()
    return True


def _hold_depth(job: Job) -> None:
    if job.channel.objects is not None:
        job.channel.objects.depth.buffer.hold(job.frame.header)


def _in_space(job: Job, shape: tuple[int, int]) -> Locate | None:
    """Returns the locator of masks in space; None without depth, whose reason is reported with the answer."""
    objects = job.channel.objects
    try:
        return None if objects is None else objects.view(job.frame.message, shape).locate
    except ConversionError:
        return None
