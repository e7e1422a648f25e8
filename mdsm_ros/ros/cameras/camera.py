"""One camera of the node: its topics, its instruction, its newest image, and what is published about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.task import Future
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header, String

from mdsm_ros.errors import ConversionError, InstructionError, ReplyError
from mdsm_ros.inference.answer import validate_instruction
from mdsm_ros.inference.tracking.tracker import Tracker
from mdsm_ros.recordings.hard_frames import HardFrames
from mdsm_ros.ros.complaints import Complaints
from mdsm_ros.ros.depth.inputs import DepthInputs
from mdsm_ros.ros.depth.transforms import LateTransforms
from mdsm_ros.ros.diagnostics import Condition, DiagnosticReporter, Statistics
from mdsm_ros.ros.inputs.frames import Frame, Frames
from mdsm_ros.ros.inputs.hearing import Hearing
from mdsm_ros.ros.inputs.names import transport_topic
from mdsm_ros.ros.inputs.subscriptions import Inputs
from mdsm_ros.ros.interface.parameters import Parameters
from mdsm_ros.ros.interface.topics import name_of
from mdsm_ros.ros.keeping import Keeping
from mdsm_ros.ros.objects.locating import Objects
from mdsm_ros.ros.outputs import Outputs
from mdsm_ros.ros.process.guard import Guard
from mdsm_ros.ros.questions import Questions
from mdsm_ros.ros.tracking.thread import MaskTracking, nanoseconds
from mdsm_ros.ros.worker import Channel, Job, Outcome, Worker
from mdsm_ros.segmenter import Segmenter

QUOTE = 100  # characters of a refused instruction that ~/status repeats
RELIABILITY = {"best_effort": ReliabilityPolicy.BEST_EFFORT, "reliable": ReliabilityPolicy.RELIABLE}


class Camera:
    """Receives the messages of one camera, and asks the worker for an answer to the newest image.

    All methods are called in the executor's thread or in that of transitions.

    Args:
        node: Node that subscribes and publishes.
        guard: Counter of exceptions.
        settings: Function that returns the current parameters.
        name: Name of the camera, for its topics; "" for the only camera.

    Attributes:
        name: Name of the camera.
        image_topic: Topic of its images.
        instruction: Instruction in force; "" if there is none yet.
        enabled: Whether its images are answered.
        hearing: Receiver of instructions.
        inputs: Its subscriptions.
        statistics: Its counts since the node was configured.
    """

    def __init__(self, node: LifecycleNode, guard: Guard, settings: Callable[[], Parameters], name: str = "") -> None:
        self.name = name
        self._image = transport_topic(node, name_of("image", name), settings().image_transport)  # before remapping
        self.image_topic = node.resolve_topic_name(self._image)
        self.instruction = ""
        self.enabled = True
        self.hearing = Hearing(self._on_instruction)
        self.inputs = Inputs(node, guard)
        self.statistics = Statistics()
        self._node = node
        self._guard = guard
        self._settings = settings
        self._logger = node.get_logger().get_child(name) if name else node.get_logger()
        self._instruction_topics = node.resolve_topic_name(name_of("instruction", name))
        if name:
            self._instruction_topics += f" or {node.resolve_topic_name('instruction')}"
        self._newest: Frame | None = None
        self._waiters: list[Future] = []
        self._worker: Worker | None = None  # from activate to deactivate, with _channel
        own = node.get_fully_qualified_name().lstrip("/")
        self._reporter = DiagnosticReporter(f"{own}: segmentation" + (f" of {name}" if name else ""))

    # lifecycle

    def configure(self, segmenter: Segmenter) -> None:
        """Makes the publishers."""
        self._segmenter = segmenter
        self.statistics = Statistics()
        self._outputs = Outputs(self._node, self.name)
        self._complaints = Complaints(self._logger, self.statistics, self._outputs)
        self._questions = Questions(segmenter, self._outputs, self._logger.info)
        self.hearing = Hearing(self._on_instruction)

    def begin(self, instruction: str, since: int | None) -> None:
        """Begins with an instruction, "" for none, when the node is configured; ``since`` (ns), if set at run time."""
        if since is not None:
            self.hearing.outdate(since)
        self.instruction = instruction
        self._questions.begin(instruction)

    def activate(
        self, worker: Worker, tracker: Tracker, transforms: LateTransforms, hard_frames: HardFrames | None
    ) -> None:
        """Subscribes, and from now on asks the worker for answers."""
        settings = self._settings()
        self._frames = Frames(
            settings.image_transport, settings.max_image_pixels, max(self._segmenter.least_side, tracker.least_side)
        )
        qos = QoSProfile(depth=settings.image_depth, reliability=RELIABILITY[settings.image_reliability])
        common = (self._outputs, self.statistics, self._complaints)
        tracking = MaskTracking(tracker, self._node.context, self._guard, self._frames.of, *common)
        tracking.reset(self.instruction)
        tracking.start()
        objects = self._make_objects(settings, transforms, qos) if settings.depth else None
        keeping = None if hard_frames is None else Keeping(hard_frames, self._complaints, self._guard)
        self._channel = Channel(
            self.name, self._is_wanted, self._segmenter, *common, tracking, self._questions, objects, keeping
        )
        self._worker = worker
        self._questions.begin(self.instruction)
        self.inputs.listen(self._frames.message, self._image, self._on_image, qos)
        self.inputs.hear(String, name_of("instruction", self.name), self.hearing)
        replies = Hearing(self._on_reply)
        replies.outdate()  # an old latched reply answers no current question
        self.inputs.hear(String, name_of("~/reply", self.name), replies)
        self._logger.info(
            f"active on {self._segmenter.device}; images: {self.image_topic} ({self._frames.message.__name__}, "
            f"{settings.image_reliability}), instructions: {self._instruction_topics}"
        )

    def _make_objects(self, settings: Parameters, transforms: LateTransforms, qos: QoSProfile) -> Objects:
        depth = DepthInputs(
            self._node, self.inputs, settings, self.name, self.image_topic, qos, self._complaints.note, transforms
        )
        return Objects(settings, depth, transforms, self._outputs, self._complaints, self._guard)

    def stop(self) -> None:
        """Ends the subscriptions and the threads of this camera; the worker has been stopped before."""
        self.inputs.destroy()
        if self._worker is None:
            return
        self._worker = None
        if self._node.context.ok():  # else nothing can be published
            self._questions.begin("", "the node was deactivated")
        if self._channel.objects is not None:
            self._channel.objects.close()
        self._channel.tracking.stop()
        del self._channel  # with the images that tracking and depth have stored: some 50 MB
        self._newest = None
        self._send_away("the node was deactivated")

    def release(self) -> None:
        """Ends the publishers."""
        self._outputs.destroy()

    # input

    def _on_image(self, message: Image | CompressedImage) -> None:
        self.statistics.image_received()
        try:
            self._frames.check(message)
        except ConversionError as error:
            self._complaints.refuse(f"image {error.field}", message.header, self.instruction, error)
            return
        self._newest = self._frames.of(message)
        if self._worker is not None:
            self._channel.tracking.order.arrived(nanoseconds(message.header))
        if self.enabled:
            if self._settings().track and self.instruction and self._worker is not None:
                self._channel.tracking.put(message)
            self.ask()

    def _on_instruction(self, message: String) -> None:
        try:
            instruction = validate_instruction(message.data)
        except InstructionError as error:
            self._complaints.refuse("instruction", Header(), message.data[:QUOTE], error)
            return
        self.set_instruction(instruction)

    def _on_reply(self, message: String) -> None:
        try:
            correction = self._questions.reply(message.data)
        except ReplyError as error:
            self._complaints.refuse("reply", Header(), self.instruction, error)
            return
        if self._worker is not None and self._channel.keeping is not None:
            self._channel.keeping.correct(correction)
        self.drop_track()  # it may be of another object
        if self.enabled:
            self.ask()

    # work

    def set_instruction(self, instruction: str) -> None:
        """Answers another instruction from now on."""
        if instruction != self.instruction:
            self._logger.info(f"instruction: {instruction!r}")
            self.instruction = instruction
            self.drop_track()
            self._questions.begin(instruction)
            if self.enabled or self._waiting():  # for the old one: they get the answer to the new one
                self.ask()

    def set_asking(self, wanted: bool) -> None:
        """Allows or forbids questions."""
        self._questions.begin(self.instruction if wanted else "", "parameter ask is false")

    def drop_track(self) -> None:
        """Carries no mask any further until the next answer to the instruction in force."""
        if self._worker is not None:
            self._channel.tracking.reset(self.instruction)

    def set_enabled(self, enabled: bool) -> None:
        """Answers the images from now on, or ignores them."""
        self.enabled = enabled
        self.drop_track()

    def request(self) -> Future:
        """Requests an answer for the newest image, even while disabled; returns the future of its Outcome."""
        future = Future(executor=self._node.executor)
        future.add_done_callback(lambda _: None)  # the executor runs it, which wakes the executor up
        missing = self._missing()
        if missing is None:
            self._waiters = [*self._waiting(), future]
            self.ask()
        else:
            future.set_result(Outcome(False, missing))
        return future

    def ask(self) -> None:
        """Requests an answer for the newest image, with the current instruction and parameters."""
        missing = self._missing()
        if missing is not None:
            self._send_away(missing)
            return
        assert self._worker is not None
        assert self._newest is not None
        job = Job(self._channel, self._newest, self.instruction, self._settings(), self._waiting())
        replaced = self._worker.put(job)
        if replaced is not None and replaced.frame is not job.frame:
            self.statistics.image_dropped()

    def _is_wanted(self, job: Job) -> bool:
        """Whether the answer of a job still counts; called in the worker's thread."""
        return job.instruction == self.instruction and (self.enabled or job.is_awaited)

    def _waiting(self) -> tuple[Future, ...]:
        """Those who wait for an answer."""
        return tuple(waiter for waiter in self._waiters if not waiter.done())

    def _send_away(self, reason: str) -> None:
        """Tells those who wait for an answer that none will come."""
        for waiter in self._waiting():
            waiter.set_result(Outcome(False, reason))
        self._waiters = []

    def _missing(self) -> str | None:
        if self._worker is None:
            return "the node is not active"
        if self._newest is None:
            return f"no image has arrived on {self.image_topic}"
        if not self.instruction:
            return f"no instruction has arrived on {self._instruction_topics}"
        return None

    def report(self, period: float, unheard: Mapping[str, str], **of_node: Any) -> DiagnosticStatus:
        """The state for ``/diagnostics``.

        Args:
            period: Seconds since the previous report.
            unheard: Publishers that match no subscription of the node, and why, by topic.
            of_node: Fields of :class:`Condition` that are the same for all cameras.
        """
        self.inputs.adapt()
        return self._reporter.report(
            Condition(
                **of_node,
                camera=self.name,
                instruction=self.instruction,
                enabled=self.enabled,
                image_topic=self.image_topic,
                unheard={**unheard, **self.inputs.unheard()},
            ),
            self.statistics,
            period,
        )
