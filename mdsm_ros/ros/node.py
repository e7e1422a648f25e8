"""The lifecycle node: camera images and instructions in, masks out.

The executor's thread runs all callbacks and only stores the newest image; a worker thread runs the model.
"""

from __future__ import annotations

import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import rclpy
import rclpy.logging
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.msg import SetParametersResult
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription
from rclpy.task import Future
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header, String
from std_srvs.srv import SetBool, Trigger

from mdsm_ros.errors import ConversionError, InstructionError, MdsmError, ParameterError
from mdsm_ros.inference.answer import validate_instruction
from mdsm_ros.ros.complaints import Complaints
from mdsm_ros.ros.conversions import check_compressed_image, check_image, compressed_image_to_rgb, image_to_rgb
from mdsm_ros.ros.depth import DepthBuffer, check_depth
from mdsm_ros.ros.diagnostics import Condition, DiagnosticReporter, Statistics
from mdsm_ros.ros.outputs import Outputs
from mdsm_ros.ros.parameters import MODEL_DEFAULT, declare_parameters
from mdsm_ros.ros.worker import Job, Outcome, Worker
from mdsm_ros.segmenter import Segmenter, leave_a_core

SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE
DIAGNOSTICS_PERIOD = 1.0  # s
QUOTE = 100  # characters of a refused instruction that are repeated in ~/status
TRANSPORTS = {  # message type, topic, check on arrival, conversion in the worker
    "raw": (Image, "image", check_image, image_to_rgb),
    "compressed": (CompressedImage, "image/compressed", check_compressed_image, compressed_image_to_rgb),
}
# attributes of Segmenter, too
MODEL_SETTINGS = (
    "num_inference_steps",
    "num_samples",
    "latency_budget",
    "warm_start",
    "mask_threshold",
    "present_threshold",
)
LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
RELIABILITY = {"best_effort": ReliabilityPolicy.BEST_EFFORT, "reliable": ReliabilityPolicy.RELIABLE}


class MdsmNode(LifecycleNode):
    """Answers the newest image of a camera with the mask of what the instruction in force names.

    Args:
        make_segmenter: called as ``make_segmenter(model, device=device, acceleration=acceleration)`` when the node is
            configured.
        options: passed on to ``rclpy.lifecycle.LifecycleNode``.

    Raises:
        ParameterError, rclpy.exceptions.ParameterException: a parameter has a bad value.
    """

    def __init__(self, make_segmenter: Callable[..., Segmenter] = Segmenter.from_pretrained, **options: Any) -> None:
        super().__init__("mdsm", **options)
        self._settings = declare_parameters(self)
        self.add_on_set_parameters_callback(self._on_parameters)
        self._survive_impossible_transitions()
        self._make_segmenter = make_segmenter
        self._segmenter: Segmenter | None = None  # from configure to cleanup, with _outputs
        self._worker: Worker | None = None  # from activate to deactivate, with the subscriptions
        self._depth_subscriptions: list[Subscription] = []
        self._newest: Image | CompressedImage | None = None
        self._instruction = ""
        self._enabled = True
        self._waiters: list[Future] = []
        self._error: str | None = None
        self._statistics = Statistics()

        self._reporter = DiagnosticReporter(f"{self.get_fully_qualified_name().lstrip('/')}: segmentation")
        self._reported = time.monotonic()
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self.create_timer(DIAGNOSTICS_PERIOD, self._report, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self.create_service(SetBool, "~/set_enabled", self._on_set_enabled)
        # waits for the answer, which must not keep other callbacks waiting
        self.create_service(Trigger, "~/segment", self._on_segment, callback_group=ReentrantCallbackGroup())

    @property
    def autostart(self) -> bool:
        """Whether the node is to be configured and activated at start."""
        return self._settings.autostart

    def start(self) -> bool:
        """Configures and activates; returns whether both succeeded."""
        return self.trigger_configure() == SUCCESS and self.trigger_activate() == SUCCESS

    # lifecycle; rclpy swallows what these raise, so they log and return FAILURE

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Loads the model."""
        model, device, acceleration = self._settings.model, self._settings.device, self._settings.acceleration
        self.get_logger().info(f"loading model {model!r}")
        try:
            self._segmenter = self._make_segmenter(model, device=device, acceleration=acceleration)
            if self._segmenter.acceleration_error is not None:
                self.get_logger().warning(f"without acceleration: {self._segmenter.acceleration_error}")
        except Exception as error:
            return self._transition_failed(f"cannot load model {model!r} on device {device!r}", error)
        self._model_defaults = {name: getattr(self._segmenter, name) for name in MODEL_SETTINGS}
        self._apply_settings(self._segmenter)
        self._outputs = Outputs(self)
        self._statistics = Statistics()
        self._complaints = Complaints(self.get_logger(), self._statistics, self._outputs)
        self._instruction = _validated_or_empty(self._settings.instruction)
        self._error = None
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Warms the model up, then subscribes and answers."""
        assert self._segmenter is not None
        try:
            self._segmenter.warm_up()
        except Exception as error:
            return self._transition_failed("the model does not run", error)
        self._error = None
        super().on_activate(state)  # enables the publishers
        kind, topic, self._check_image, to_rgb = TRANSPORTS[self._settings.image_transport]
        qos = QoSProfile(depth=self._settings.image_depth, reliability=RELIABILITY[self._settings.image_reliability])
        depth = self._subscribe_depth(qos) if self._settings.depth else None
        self._worker = Worker(
            self.context, self._segmenter, to_rgb, self._outputs, self._statistics, self._complaints, depth
        )
        self._worker.start()
        self._image_subscription = self.create_subscription(kind, topic, self._on_image, qos)
        self._instruction_subscription = self.create_subscription(String, "instruction", self._on_instruction, LATCHED)
        self.get_logger().info(
            f"active on {self._segmenter.device}; images: {self._image_subscription.topic_name} "
            f"({kind.__name__}, {self._settings.image_reliability}), "
            f"instructions: {self._instruction_subscription.topic_name}"
        )
        return SUCCESS

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Ends subscriptions and worker."""
        self._stop()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Frees the model."""
        self._release()
        return super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Ends everything."""
        self._stop()
        self._release()
        return super().on_shutdown(state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Back to unconfigured."""
        return self.on_shutdown(state)

    def destroy_node(self) -> None:
        """Ends the worker before what it publishes to."""
        self._stop()
        self._release()
        super().destroy_node()

    def _survive_impossible_transitions(self) -> None:
        """Has ~/change_state answer success=False; rclpy (7.1, 3.3) raises instead, which ends the executor."""
        change_state = self._service_change_state.callback

        def answer(request: ChangeState.Request, response: ChangeState.Response) -> ChangeState.Response:
            try:
                return change_state(request, response)
            except RuntimeError as error:
                self.get_logger().error(f"transition refused: {error}")
                response.success = False
                return response

        self._service_change_state.callback = answer

    def _transition_failed(self, what: str, error: Exception) -> TransitionCallbackReturn:
        self._error = f"{what}: {error}"
        self.get_logger().error(self._error)
        if not isinstance(error, MdsmError):  # what the user can put right needs no traceback
            self.get_logger().error(traceback.format_exc())
        return FAILURE

    def _stop(self) -> None:
        if self._worker is None:
            return
        self.destroy_subscription(self._image_subscription)
        self.destroy_subscription(self._instruction_subscription)
        for subscription in self._depth_subscriptions:
            self.destroy_subscription(subscription)
        self._depth_subscriptions = []
        self._worker.stop()
        self._worker = None
        self._newest = None
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(Outcome(False, "the node was deactivated"))
        self._waiters = []

    def _release(self) -> None:
        if self._segmenter is None:
            return
        self._outputs.destroy()
        self._segmenter.close()
        self._segmenter = None

    # input

    def _subscribe_depth(self, qos: QoSProfile) -> DepthBuffer:
        """Depth comes before the image or a little after it; it is looked up when the mask is there."""
        buffer = DepthBuffer(self._settings.depth_tolerance)

        def on_depth(message: Image) -> None:
            try:
                check_depth(message)
            except ConversionError as error:
                self._complaints.note(f"depth {error.field}", error)
                return
            buffer.put_depth(message)

        self._depth_subscriptions = [
            self.create_subscription(Image, "depth", on_depth, qos),
            self.create_subscription(CameraInfo, "camera_info", buffer.put_info, qos),
        ]
        return buffer

    def _on_image(self, message: Image | CompressedImage) -> None:
        self._statistics.image_received()
        try:
            self._check_image(message)
        except ConversionError as error:
            self._complaints.refuse(f"image {error.field}", message.header, self._instruction, error)
            return
        self._newest = message
        if self._enabled:
            self._ask()

    def _on_instruction(self, message: String) -> None:
        try:
            instruction = validate_instruction(message.data)
        except InstructionError as error:
            self._complaints.refuse("instruction", Header(), message.data[:QUOTE], error)
            return
        self._set_instruction(instruction)

    def _on_parameters(self, parameters: Sequence[Parameter]) -> SetParametersResult:
        before = self._settings
        try:
            self._settings = before.updated({parameter.name: parameter.value for parameter in parameters})
        except ParameterError as error:
            return SetParametersResult(successful=False, reason=str(error))
        if self._segmenter is not None and self._settings != before:
            self._apply_settings(self._segmenter)
            if self._settings.instruction != before.instruction:
                self._set_instruction(_validated_or_empty(self._settings.instruction))
            elif self._enabled:
                self._ask()
        return SetParametersResult(successful=True)

    def _on_set_enabled(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        self._enabled = request.data
        response.success, response.message = True, "enabled" if request.data else "disabled"
        return response

    async def _on_segment(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        missing = self._missing()
        if missing is not None:
            response.success, response.message = False, missing
            return response
        waiter = Future(executor=self.executor)
        waiter.add_done_callback(lambda _: None)  # is run by the executor, which wakes it up
        self._waiters = [*(other for other in self._waiters if not other.done()), waiter]
        self._ask()
        response.success, response.message = await waiter
        return response

    # work

    def _set_instruction(self, instruction: str) -> None:
        if instruction != self._instruction:
            self.get_logger().info(f"instruction: {instruction!r}")
            self._instruction = instruction
            if self._enabled:
                self._ask()

    def _missing(self) -> str | None:
        if self._worker is None:
            return "the node is not active"
        if self._newest is None:
            return f"no image has arrived on {self._image_subscription.topic_name}"
        if not self._instruction:
            return f"no instruction has arrived on {self._instruction_subscription.topic_name}"
        return None

    def _ask(self) -> None:
        """Has the newest image answered, with everything that is in force now."""
        if self._missing() is not None:
            return
        assert self._worker is not None
        job = Job(
            self._newest,
            self._instruction,
            self._settings.seed,
            self._settings.publish_initial,
            tuple(waiter for waiter in self._waiters if not waiter.done()),
        )
        replaced = self._worker.mailbox.put(job)
        if replaced is not None and replaced.message is not job.message:
            self._statistics.image_dropped()

    def _apply_settings(self, segmenter: Segmenter) -> None:
        for name, default in self._model_defaults.items():
            value = getattr(self._settings, name)
            setattr(segmenter, name, default if value == MODEL_DEFAULT else value)

    def _report(self) -> None:
        now = time.monotonic()
        condition = Condition(
            state="active" if self._worker else "inactive" if self._segmenter else "unconfigured",
            error=self._error,
            model=self._settings.model,
            device=self._segmenter.device if self._segmenter else self._settings.device,
            acceleration=self._segmenter.acceleration if self._segmenter else self._settings.acceleration,
            memory=self._segmenter.memory() if self._segmenter else None,
            instruction=self._instruction,
            enabled=self._enabled,
            image_topic=self.resolve_topic_name(TRANSPORTS[self._settings.image_transport][1]),
        )
        message = self._reporter.report(condition, self._statistics, now - self._reported)
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(message)
        self._reported = now


def _validated_or_empty(instruction: str) -> str:
    return validate_instruction(instruction) if instruction else ""


def main(args: Sequence[str] | None = None) -> int:
    """Runs the node until it is told to end; returns the exit code, 1 if it could not start."""
    rclpy.init(args=args)
    leave_a_core()
    try:
        node = MdsmNode()
    except (ParameterError, ParameterException) as error:
        rclpy.logging.get_logger("mdsm").fatal(str(error))
        rclpy.try_shutdown()
        return 1
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        if node.autostart and not node.start():
            return 1
        executor.spin()
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C under ros2 launch comes twice
        node.destroy_node()
        rclpy.try_shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
