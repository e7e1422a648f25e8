"""The lifecycle node: camera images and instructions in, masks out.

The executor's thread runs all callbacks and only stores the newest image; a worker thread runs the model.
"""

from __future__ import annotations

import functools
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import wait
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import SetParametersResult
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.task import Future
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header, String
from std_srvs.srv import SetBool, Trigger

from mdsm_ros.errors import ConversionError, InstructionError, MdsmError, ParameterError, ReplyError, StorageError
from mdsm_ros.inference.answer import validate_instruction
from mdsm_ros.inference.threads import leave_a_core
from mdsm_ros.recordings.hard_frames import HardFrames
from mdsm_ros.recordings.images.colors import check_image
from mdsm_ros.recordings.images.compressed import check_compressed_image, compressed_image_to_rgb
from mdsm_ros.ros.complaints import Complaints
from mdsm_ros.ros.conversions import image_to_rgb
from mdsm_ros.ros.depth.inputs import DepthInputs
from mdsm_ros.ros.diagnostics import Condition, DiagnosticReporter, Statistics
from mdsm_ros.ros.inputs.hearing import Hearing
from mdsm_ros.ros.inputs.names import transport_topic
from mdsm_ros.ros.inputs.subscriptions import Inputs
from mdsm_ros.ros.interface.parameters import Parameters, declare_parameters
from mdsm_ros.ros.interface.topics import TOPICS
from mdsm_ros.ros.objects.locating import Objects
from mdsm_ros.ros.outputs import Outputs
from mdsm_ros.ros.process.guard import Guard, GuardedExecutor
from mdsm_ros.ros.process.model_thread import ModelThread
from mdsm_ros.ros.process.run import run
from mdsm_ros.ros.process.text import in_utf8
from mdsm_ros.ros.process.transitions import Transitions, guarded_transition
from mdsm_ros.ros.questions import Questions
from mdsm_ros.ros.tracking.thread import MaskTracking, nanoseconds
from mdsm_ros.ros.worker import Job, Outcome, Worker
from mdsm_ros.segmenter import Segmenter

SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE
DIAGNOSTICS_PERIOD = 1.0  # s
RELEASE_TIMEOUT = 0.5  # s that cleanup waits until the memory is free
QUOTE = 100  # characters of a refused instruction that ~/status repeats
TRANSPORTS = {  # message type, check on arrival, conversion in the worker
    "raw": (Image, check_image, image_to_rgb),
    "compressed": (CompressedImage, check_compressed_image, compressed_image_to_rgb),
}
SERVICES = ("~/segment", "~/set_enabled")
RELIABILITY = {"best_effort": ReliabilityPolicy.BEST_EFFORT, "reliable": ReliabilityPolicy.RELIABLE}


class MdsmNode(LifecycleNode):
    """Answers the newest camera image with a mask of the object that the current instruction names.

    Args:
        make_segmenter: Function called as ``make_segmenter(model, device=device, acceleration=acceleration)`` when the
            node is configured.
        options: Options passed to ``rclpy.lifecycle.LifecycleNode``.

    Attributes:
        guard: Counter of the exceptions of callbacks.
        transitions: Object that changes the node's state without making callbacks wait.

    Raises:
        ParameterError, rclpy.exceptions.ParameterException: A parameter has a bad value.
    """

    def __init__(self, make_segmenter: Callable[..., Segmenter] = Segmenter.from_pretrained, **options: Any) -> None:
        super().__init__("mdsm", **options)
        self.guard = Guard(self.get_logger(), self.context)
        self.transitions = Transitions(self, self.guard)
        self._settings = declare_parameters(self)
        self.add_on_set_parameters_callback(self._on_parameters)
        self._make_segmenter = make_segmenter
        self._model_thread = ModelThread()
        self._patience: float | None = None  # s that destroy_node waits for the model
        self._segmenter: Segmenter | None = None  # from configure to cleanup, with _outputs
        self._worker: Worker | None = None  # from activate to deactivate, with the subscriptions and _tracking
        self._inputs = Inputs(self, self.guard)
        self._image_topic = transport_topic(self, "image", self._settings.image_transport)
        self._instruction_topic = self.resolve_topic_name("instruction")
        self._objects: Objects | None = None
        self._newest: Image | CompressedImage | None = None
        self._instruction = ""
        self._enabled = True
        self._waiters: list[Future] = []
        self._error: str | None = None
        self._statistics = Statistics()

        self._reporter = DiagnosticReporter(f"{self.get_fully_qualified_name().lstrip('/')}: segmentation")
        self._reported = time.monotonic()
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        report = self.guard.wrap("timer of /diagnostics", self._report)
        self.create_timer(DIAGNOSTICS_PERIOD, report, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self.create_service(SetBool, "~/set_enabled", self._on_set_enabled)
        # waits for the answer, and must not make other callbacks wait
        self.create_service(Trigger, "~/segment", self._on_segment, callback_group=ReentrantCallbackGroup())
        self.guard.wrap_services(self)

    def begin(self, executor: GuardedExecutor) -> None:
        """Configures and activates the node if autostart is set; ends the executor if that fails."""

        def started(success: bool | None) -> None:
            if not success:
                executor.end(int(self.context.ok()))  # not a failure if the process was asked to end

        if self._settings.autostart:
            self.transitions.run(self.start, started)

    def start(self) -> bool:
        """Configures and activates; returns whether both succeeded."""
        started: bool = self.trigger_configure() == SUCCESS and self.trigger_activate() == SUCCESS
        return started

    # lifecycle

    @guarded_transition
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Loads the model."""
        model, device, acceleration = self._settings.model, self._settings.device, self._settings.acceleration
        self.get_logger().info(f"loading model {model!r}")
        try:
            segmenter = self._model_thread.call(
                lambda: self._make_segmenter(model, device=device, acceleration=acceleration)
            )
        except Exception as error:
            return self._transition_failed(f"cannot load model {model!r} on device {device!r}", error)
        if segmenter.acceleration_error is not None:
            self.get_logger().warning(f"running without acceleration: {segmenter.acceleration_error}")
        self._outputs = Outputs(self)
        self._statistics = Statistics()
        self._complaints = Complaints(self.get_logger(), self._statistics, self._outputs)
        self._hearing = Hearing(self._on_instruction)
        self._questions = Questions(segmenter, self._outputs, self.get_logger().info)
        self._error = None
        self._segmenter = segmenter
        self._instruction = _validated_or_empty(self._settings.instruction)
        self._questions.begin(self._instruction)
        return super().on_configure(state)

    @guarded_transition
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Warms the model up, then subscribes and starts to answer."""
        segmenter = self._segmenter
        assert segmenter is not None
        try:
            settings = self._settings.inference(segmenter.defaults)
            self._model_thread.call(lambda: segmenter.warm_up(settings))
            hard_frames = _hard_frames(self._settings)
        except StorageError as error:
            return self._transition_failed("hard frames cannot be kept", error)
        except Exception as error:
            return self._transition_failed("the model does not run", error)
        self._error = None
        super().on_activate(state)  # enables the publishers
        kind, check, to_rgb = TRANSPORTS[self._settings.image_transport]
        limit = self._settings.max_image_pixels
        self._check_image = functools.partial(check, max_pixels=limit)
        to_rgb = functools.partial(to_rgb, max_pixels=limit)
        qos = QoSProfile(depth=self._settings.image_depth, reliability=RELIABILITY[self._settings.image_reliability])
        if self._settings.depth:
            depth = DepthInputs(self, self._inputs, self._settings, self._image_topic, qos, self._complaints.note)
            self._objects = Objects(self._settings, depth, self._outputs, self._complaints, self.guard)
        elif self._settings.target_frame:
            self.get_logger().warning("parameter target_frame has no effect: parameter depth is false")
        common = (self._outputs, self._statistics, self._complaints)
        self._tracking = MaskTracking(self.context, self.guard, to_rgb, *common)
        self._tracking.reset(self._instruction)
        self._tracking.start()
        self._worker = Worker(
            self.context,
            self.guard,
            segmenter,
            to_rgb,
            *common,
            self._tracking,
            self._objects,
            self._questions,
            hard_frames,
        )
        self._model_thread.submit(self._worker.run)
        self._inputs.listen(kind, self._image_topic, self._on_image, qos)
        self._inputs.hear(String, self._instruction_topic, self._hearing)
        replies = Hearing(self._on_reply)
        replies.outdate()  # an old latched reply answers no current question
        self._inputs.hear(String, "~/reply", replies)
        self.get_logger().info(
            f"active on {segmenter.device}; images: {self._image_topic} "
            f"({kind.__name__}, {self._settings.image_reliability}), instructions: {self._instruction_topic}"
        )
        return SUCCESS

    @guarded_transition
    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Ends the subscriptions and the worker."""
        self._stop()
        return super().on_deactivate(state)

    @guarded_transition
    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Frees the model."""
        self._release()
        return super().on_cleanup(state)

    @guarded_transition
    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Ends the subscriptions and the worker, and frees the model."""
        self._stop()
        self._release()
        return super().on_shutdown(state)

    @guarded_transition
    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Returns to the state unconfigured."""
        return self.on_shutdown(state)

    def end(self, seconds: float) -> bool:
        """Ends the worker; returns whether the model is idle within ``seconds``. destroy_node then does not wait."""
        deadline = time.monotonic() + seconds
        self._patience = 0.0
        if not self.transitions.finish(seconds):
            return False
        self._stop()
        self._release()
        return self._model_thread.finish(max(0.0, deadline - time.monotonic()))

    def destroy_node(self) -> None:
        """Ends the worker before its publishers; waits until the model has finished its current stage."""
        self._stop()
        self._release()
        self._model_thread.finish(self._patience)
        super().destroy_node()
        self._state_machine.destroy_when_not_in_use()  # otherwise it keeps the node in DDS, where others still see it

    def _transition_failed(self, what: str, error: Exception) -> TransitionCallbackReturn:
        self._error = in_utf8(f"{what}: {error}")
        self.get_logger().error(self._error)
        if not isinstance(error, MdsmError):  # errors that the user can correct need no traceback
            self.get_logger().error(in_utf8(traceback.format_exc()))
        return FAILURE

    def _stop(self) -> None:
        """Ends the subscriptions and the worker, without waiting for the model's current stage."""
        self._inputs.destroy()
        if self._worker is None:
            return
        if self._objects is not None:
            self._objects.close()
            self._objects = None
        self._worker.stop()
        self._worker = None
        self._tracking.stop()
        self._newest = None
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(Outcome(False, "the node was deactivated"))
        self._waiters = []

    def _release(self) -> None:
        """Frees the model as soon as its thread is idle; waits briefly, so that usually the memory is free."""
        segmenter, self._segmenter = self._segmenter, None
        if segmenter is None:
            return
        self._outputs.destroy()
        freed = self._model_thread.submit(segmenter.close)
        wait([freed], RELEASE_TIMEOUT if self._patience is None else self._patience)

    # input

    def _on_image(self, message: Image | CompressedImage) -> None:
        self._statistics.image_received()
        try:
            self._check_image(message)
        except ConversionError as error:
            self._complaints.refuse(f"image {error.field}", message.header, self._instruction, error)
            return
        self._newest = message
        if self._worker is not None:
            self._tracking.order.arrived(nanoseconds(message.header))
        if self._enabled:
            if self._settings.track and self._instruction and self._worker is not None:
                self._tracking.put(message)
            self._ask()

    def _on_instruction(self, message: String) -> None:
        try:
            instruction = validate_instruction(message.data)
        except InstructionError as error:
            self._complaints.refuse("instruction", Header(), message.data[:QUOTE], error)
            return
        self._set_instruction(instruction)

    def _on_reply(self, message: String) -> None:
        try:
            self._questions.reply(message.data)
        except ReplyError as error:
            self._complaints.refuse("reply", Header(), self._instruction, error)
            return
        self._drop_track()  # it may be of another object
        if self._enabled:
            self._ask()

    def _on_parameters(self, parameters: Sequence[Parameter]) -> SetParametersResult:
        before = self._settings
        try:
            self._settings = before.updated({parameter.name: parameter.value for parameter in parameters})
        except ParameterError as error:
            return SetParametersResult(successful=False, reason=str(error))
        if self._segmenter is not None and self._settings != before:
            if self._settings.track != before.track:
                self._drop_track()
            if self._settings.ask != before.ask:
                wanted = self._instruction if self._settings.ask else ""
                self._questions.begin(wanted, "parameter ask is false")
            if self._settings.instruction != before.instruction:
                self._hearing.outdate()
                self._set_instruction(_validated_or_empty(self._settings.instruction))
            elif self._enabled:
                self._ask()
        return SetParametersResult(successful=True)

    def _on_set_enabled(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        self._enabled = request.data
        self._drop_track()
        response.success, response.message = True, "enabled" if request.data else "disabled"
        return response

    async def _on_segment(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        missing = self._missing()
        if missing is not None:
            response.success, response.message = False, missing
            return response
        waiter = Future(executor=self.executor)
        waiter.add_done_callback(lambda _: None)  # the executor runs it, which wakes the executor up
        self._waiters = [*(other for other in self._waiters if not other.done()), waiter]
        self._ask()
        response.success, response.message = await waiter
        return response

    # work

    def _set_instruction(self, instruction: str) -> None:
        if instruction != self._instruction:
            self.get_logger().info(f"instruction: {instruction!r}")
            self._instruction = instruction
            self._drop_track()
            self._questions.begin(instruction)
            if self._enabled:
                self._ask()

    def _drop_track(self) -> None:
        """No mask is carried any further until the next answer to the instruction in force."""
        if self._worker is not None:
            self._tracking.reset(self._instruction)

    def _missing(self) -> str | None:
        if self._worker is None:
            return "the node is not active"
        if self._newest is None:
            return f"no image has arrived on {self._image_topic}"
        if not self._instruction:
            return f"no instruction has arrived on {self._instruction_topic}"
        return None

    def _ask(self) -> None:
        """Requests an answer for the newest image, with the current instruction and parameters."""
        if self._missing() is not None:
            return
        assert self._worker is not None
        waiters = tuple(waiter for waiter in self._waiters if not waiter.done())
        job = Job(self._newest, self._instruction, self._settings, waiters)
        replaced = self._worker.mailbox.put(job)
        if replaced is not None and replaced.message is not job.message:
            self._statistics.image_dropped()

    def _report(self) -> None:
        now = time.monotonic()
        self._inputs.adapt()
        condition = Condition(
            state=str(self._state_machine.current_state[1]),
            error=self._error,
            model=self._settings.model,
            device=self._segmenter.device if self._segmenter else self._settings.device,
            acceleration=self._segmenter.acceleration if self._segmenter else self._settings.acceleration,
            memory=self._segmenter.memory() if self._segmenter else None,
            instruction=self._instruction,
            enabled=self._enabled,
            image_topic=self._image_topic,
            track=self._settings.track,
            unheard=self._inputs.unheard(),
            exceptions=self.guard.counts(),
        )
        message = self._reporter.report(condition, self._statistics, now - self._reported)
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(message)
        self._reported = now


def _hard_frames(settings: Parameters) -> HardFrames | None:
    """The folder for hard frames, where one is wanted.

    Raises:
        StorageError: It cannot be used.
    """
    folder = settings.keep_hard_frames
    return HardFrames(Path(folder), settings.hard_frames_megabytes) if folder else None


def _validated_or_empty(instruction: str) -> str:
    return validate_instruction(instruction) if instruction else ""


def main(args: Sequence[str] | None = None) -> int:
    """Runs the node until it is asked to end; returns the exit code, 1 if the node could not start."""
    leave_a_core()
    return run("mdsm", MdsmNode, args, topics=(*(topic.name for topic in TOPICS), *SERVICES))


if __name__ == "__main__":
    sys.exit(main())
