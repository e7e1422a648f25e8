"""The lifecycle node: images of cameras and instructions in, masks out.

The executor's thread runs all callbacks and only stores the newest image of each camera; a worker thread runs the
model.
"""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import wait
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import SetParametersResult
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger

from mdsm_ros.checkpoints.video_models import load_video_model
from mdsm_ros.errors import MdsmError, ParameterError, StorageError
from mdsm_ros.inference.answer import validate_instruction
from mdsm_ros.inference.threads import leave_a_core
from mdsm_ros.inference.tracking.choice import make_tracker
from mdsm_ros.recordings.hard_frames import HardFrames
from mdsm_ros.ros.cameras.camera import Camera
from mdsm_ros.ros.depth.transforms import LateTransforms
from mdsm_ros.ros.inputs.hearing import Chorus
from mdsm_ros.ros.inputs.subscriptions import Inputs
from mdsm_ros.ros.interface.idle_parameters import idle_parameters
from mdsm_ros.ros.interface.parameters import Parameters, declare_parameters
from mdsm_ros.ros.interface.topics import name_of, names_of
from mdsm_ros.ros.process.guard import Guard, GuardedExecutor
from mdsm_ros.ros.process.memory import keep_freed_memory
from mdsm_ros.ros.process.model_thread import ModelThread
from mdsm_ros.ros.process.run import run
from mdsm_ros.ros.process.text import in_utf8
from mdsm_ros.ros.process.transitions import Transitions, guarded_transition
from mdsm_ros.ros.worker import Worker
from mdsm_ros.segmenter import Segmenter

if TYPE_CHECKING:
    from mdsm_ros.inference.tracking.sam2_video import Sam2Video

SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE
DIAGNOSTICS_PERIOD = 1.0  # s
RELEASE_TIMEOUT = 0.5  # s that cleanup waits until the memory is free


class MdsmNode(LifecycleNode):
    """Answers the newest image of each camera with a mask of the object that the current instruction names.

    Args:
        make_segmenter: Function called as ``make_segmenter(model, device=device, acceleration=acceleration)`` when the
            node is configured.
        options: Options passed to ``rclpy.lifecycle.LifecycleNode``.

    Attributes:
        guard: Counter of the exceptions of callbacks.
        transitions: Object that changes the node's state without making callbacks wait.
        cameras: Cameras of parameter ``cameras``; without one, a single camera without a name.

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
        self._video_model: Sam2Video | None = None  # in the same time, where track_model names one
        self._worker: Worker | None = None  # from activate to deactivate
        self._inputs = Inputs(self, self.guard)
        self._transforms = LateTransforms(self)
        names = self._settings.cameras or ("",)
        self.cameras = [Camera(self, self.guard, lambda: self._settings, name) for name in names]
        self._configuring = threading.Lock()  # parameters are applied to all cameras, or to none yet
        self._instructed: int | None = None  # ns, when parameter instruction was last set at run time
        self._error: str | None = None
        self._idle: dict[str, str] = {}  # parameters without effect, and why, while there is a model

        self._reported = time.monotonic()
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        report = self.guard.wrap("timer of /diagnostics", self._report)
        self.create_timer(DIAGNOSTICS_PERIOD, report, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self._serve("", self.cameras)
        for camera in self.cameras if self._settings.cameras else []:
            self._serve(camera.name, [camera])
        self.guard.wrap_services(self)

    def _serve(self, name: str, cameras: Sequence[Camera]) -> None:
        """Creates the services of one camera, or with an empty name those of all."""
        self.create_service(SetBool, name_of("~/set_enabled", name), partial(self._on_set_enabled, cameras))
        # waits for the answer, and must not make other callbacks wait
        group = ReentrantCallbackGroup()
        self.create_service(
            Trigger, name_of("~/segment", name), partial(self._on_segment, cameras), callback_group=group
        )

    @property
    def topic_names(self) -> list[str]:
        """Names of topics and services, as remappings may give them."""
        return names_of(self._settings.cameras)

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
        try:
            self._video_model = self._load_video_model()
        except Exception as error:
            self._model_thread.submit(segmenter.close)
            what = f"cannot load track_model {self._settings.track_model!r} on device {device!r}"
            return self._transition_failed(what, error)
        if segmenter.acceleration_error is not None:
            self.get_logger().warning(f"running without acceleration: {segmenter.acceleration_error}")
        self._error = None
        with self._configuring:
            self._segmenter = segmenter
            for number, camera in enumerate(self.cameras):
                camera.configure(segmenter.of_another_stream() if number else segmenter)
                camera.begin(_validated_or_empty(self._settings.instruction), self._instructed)
        return super().on_configure(state)

    def _load_video_model(self) -> Sam2Video | None:
        """Loads the video model of parameter ``track_model``; None without one."""
        name, device, acceleration = self._settings.track_model, self._settings.device, self._settings.acceleration
        if not name:
            return None
        self.get_logger().info(f"loading track_model {name!r}")
        return self._model_thread.call(lambda: load_video_model(name, device=device, acceleration=acceleration))

    @guarded_transition
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Warms the model up, then subscribes and starts to answer."""
        segmenter = self._segmenter
        assert segmenter is not None
        running = "the model"
        try:
            settings = self._settings.inference(segmenter.defaults)
            self._model_thread.call(lambda: segmenter.warm_up(settings))
            if self._video_model is not None:
                running = "track_model"
                self._model_thread.call(self._video_model.warm_up)
            hard_frames = [self._hard_frames(camera) for camera in self.cameras]
        except StorageError as error:
            return self._transition_failed("hard frames cannot be kept", error)
        except Exception as error:
            return self._transition_failed(f"{running} does not run", error)
        self._error = None
        super().on_activate(state)  # enables the publishers
        self._idle = {}
        self._warn_of_idle_parameters(segmenter)
        self._worker = Worker(self.context, self.guard)
        self._model_thread.submit(self._worker.run)
        for camera, kept in zip(self.cameras, hard_frames, strict=True):
            camera.activate(self._worker, make_tracker(self._video_model), self._transforms, kept)
        if self._settings.cameras:
            self._inputs.hear(String, "instruction", Chorus([camera.hearing for camera in self.cameras]))
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
        if self._worker is not None:
            self._worker.stop()
            self._worker = None
        for camera in self.cameras:
            camera.stop()
        self._transforms.close()

    def _release(self) -> None:
        """Frees the model as soon as its thread is idle; waits briefly, so that usually the memory is free."""
        segmenter, self._segmenter, self._idle = self._segmenter, None, {}
        self._video_model = None
        if segmenter is None:
            return
        for camera in self.cameras:
            camera.release()
        freed = self._model_thread.submit(segmenter.close)
        wait([freed], RELEASE_TIMEOUT if self._patience is None else self._patience)

    # parameters and services

    def _on_parameters(self, parameters: Sequence[Parameter]) -> SetParametersResult:
        values = {parameter.name: parameter.value for parameter in parameters}
        with self._configuring:
            before = self._settings
            try:
                self._settings = before.updated(values)
            except ParameterError as error:
                return SetParametersResult(successful=False, reason=str(error))
            # like a message, also if the value is that of before: a message may have come since
            is_said = bool(values.get("instruction")) or self._settings.instruction != before.instruction
            if is_said:
                self._instructed = time.time_ns()
            if self._segmenter is not None and (is_said or self._settings != before):
                self._warn_of_idle_parameters(self._segmenter)
                for camera in self.cameras:
                    self._apply(camera, before, is_said)
        return SetParametersResult(successful=True)

    def _warn_of_idle_parameters(self, segmenter: Segmenter) -> None:
        """Logs a warning for each parameter that has no effect and had one before, or was not set."""
        before = self._idle
        self._idle = idle_parameters(
            self._settings,
            segmenter.defaults,
            refines=segmenter.refines,
            finds_objects=segmenter.finds_objects,
        )
        for name in self._idle.keys() - before.keys():
            self.get_logger().warning(f"parameter {name} has no effect: {self._idle[name]}")

    def _apply(self, camera: Camera, before: Parameters, is_said: bool) -> None:
        """Applies parameters that have just been set to a camera; ``is_said``: the instruction is among them."""
        if self._settings.track != before.track:
            camera.drop_track()
        if self._settings.ask != before.ask:
            camera.set_asking(self._settings.ask)
        instruction = _validated_or_empty(self._settings.instruction) if is_said else camera.instruction
        if is_said:
            camera.hearing.outdate()
        if instruction != camera.instruction:
            camera.set_instruction(instruction)
        elif camera.enabled and self._settings != before:
            camera.ask()

    def _on_set_enabled(
        self, cameras: Sequence[Camera], request: SetBool.Request, response: SetBool.Response
    ) -> SetBool.Response:
        for camera in cameras:
            camera.set_enabled(request.data)
        response.success, response.message = True, "enabled" if request.data else "disabled"
        return response

    async def _on_segment(
        self, cameras: Sequence[Camera], _: Trigger.Request, response: Trigger.Response
    ) -> Trigger.Response:
        outcomes = [await future for future in [camera.request() for camera in cameras]]
        response.success = all(outcome.success for outcome in outcomes)
        response.message = "\n".join(dict.fromkeys(outcome.status for outcome in outcomes))
        return response

    def _report(self) -> None:
        now = time.monotonic()
        self._inputs.adapt()
        of_node: dict[str, Any] = {
            "state": str(self._state_machine.current_state[1]),
            "error": self._error,
            "model": self._settings.model,
            "device": self._segmenter.device if self._segmenter else self._settings.device,
            "acceleration": self._segmenter.acceleration if self._segmenter else self._settings.acceleration,
            "memory": self._segmenter.memory() if self._segmenter else None,
            "track": self._settings.track,
            "idle": self._idle,
            "exceptions": self.guard.counts(),
        }
        unheard, period = self._inputs.unheard(), now - self._reported
        message = DiagnosticArray(status=[camera.report(period, unheard, **of_node) for camera in self.cameras])
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(message)
        self._reported = now

    def _hard_frames(self, camera: Camera) -> HardFrames | None:
        """The folder for a camera's hard frames, where one is wanted.

        Raises:
            StorageError: It cannot be used.
        """
        folder = self._settings.keep_hard_frames
        megabytes = max(1, self._settings.hard_frames_megabytes // len(self.cameras))
        return HardFrames(Path(folder, camera.name), megabytes) if folder else None


def _validated_or_empty(instruction: str) -> str:
    return validate_instruction(instruction) if instruction else ""


def main(args: Sequence[str] | None = None, make_node: Callable[[], MdsmNode] = MdsmNode) -> int:
    """Runs the node until it is asked to end; returns the exit code, 1 if the node could not start."""
    leave_a_core()
    keep_freed_memory()
    return run("mdsm", make_node, args)


if __name__ == "__main__":
    sys.exit(main())
