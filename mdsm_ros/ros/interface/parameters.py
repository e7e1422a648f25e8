"""Every parameter of the node, once: name, type, default, range, description.

Declaration, validation, ``config/mdsm.yaml`` and the table in ``docs/node.md`` all come from ``Parameters``.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

from mdsm_ros.checkpoints.video_models import EXPECTED, may_be_video_model
from mdsm_ros.errors import InstructionError, ParameterError
from mdsm_ros.inference.acceleration import ACCELERATIONS
from mdsm_ros.inference.answer import validate_instruction
from mdsm_ros.inference.settings import InferenceSettings
from mdsm_ros.recordings.images.layouts import MAX_PIXELS

if TYPE_CHECKING:
    from rcl_interfaces.msg import ParameterDescriptor
    from rclpy.node import Node

T = TypeVar("T", bool, int, float, str, tuple[str, ...])
CAMERA_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*")  # a part of a ROS name
MODEL_DEFAULT = -1  # stands for the model's own value


def _parameter(
    default: T,
    description: str,
    *,
    minimum: T | None = None,
    maximum: T | None = None,
    choices: Sequence[str] = (),
    model_default: bool = False,
    read_only: bool = False,
) -> T:
    """A parameter; ``model_default`` allows MODEL_DEFAULT beside the range."""
    return field(
        default=default,
        metadata={
            "description": description,
            "minimum": minimum,
            "maximum": maximum,
            "choices": choices,
            "model_default": model_default,
            "read_only": read_only,
        },
    )


@dataclass(frozen=True)
class Parameters:
    """The current values of all parameters.

    Raises:
        ParameterError: A value is out of range.
    """

    autostart: bool = _parameter(
        True, "Configure and activate at start. False leaves both to a lifecycle manager.", read_only=True
    )
    cameras: tuple[str, ...] = _parameter(
        (),
        "Names of several cameras that share the model: each has its own topics, such as front/image and ~/front/mask. "
        "Empty: one camera.",
        read_only=True,
    )
    model: str = _parameter(
        "mdsm-small", "Model by name (mdsm models lists them), local folder, or Hugging Face hub id.", read_only=True
    )
    device: str = _parameter(
        "auto", "Device of the model: auto (the first GPU, else the CPU), cpu, cuda, cuda:1.", read_only=True
    )
    acceleration: str = _parameter(
        "auto",
        "none; half (half precision); compile (torch.compile, with half precision on a GPU); onnx (ONNX Runtime), "
        "openvino, tensorrt (ONNX Runtime's TensorRT), for models with exported graphs; auto: half on a GPU, none on "
        "the CPU. If acceleration fails or changes the answers, the model runs without it and a warning is logged.",
        choices=ACCELERATIONS,
        read_only=True,
    )
    instruction: str = _parameter(
        "", "Instruction until a message arrives on topic instruction. Setting it at run time works like a message."
    )
    num_inference_steps: int = _parameter(
        MODEL_DEFAULT,
        "Refinement steps per answer. 0: only the initial mask.",
        minimum=0,
        maximum=100,
        model_default=True,
    )
    latency_budget: float = _parameter(
        0.0,
        "Time limit of the model per answer in seconds. Refinement runs as many steps as the measured step time "
        "allows. 0: no limit.",
        minimum=0.0,
        maximum=60.0,
    )
    warm_start: bool = _parameter(
        False,
        "Start refinement from the refined mask of the previous image, with half the noise and half the steps (at "
        "least one). Masks on a stream become steadier.",
    )
    track: bool = _parameter(
        False,
        "Carry the newest answer's mask to every image that comes while the model works, by optical flow or by "
        "track_model: ~/mask at the camera's rate, with stage tracked in ~/status.",
    )
    track_model: str = _parameter(
        "",
        "Video model that carries the mask in place of optical flow: hub id or folder of a SAM 2 or EdgeTAM checkpoint "
        "of transformers, such as yonigozlan/EdgeTAM-hf. It runs on the node's device and wants a GPU. Empty: optical "
        "flow.",
        read_only=True,
    )
    num_samples: int = _parameter(
        1,
        "Refined masks per answer, each from different noise, in one batch. The answer is their mean; their standard "
        "deviation is published on ~/uncertainty.",
        minimum=1,
        maximum=32,
    )
    mask_threshold: float = _parameter(
        float(MODEL_DEFAULT),
        "Lowest probability of a pixel in the mask.",
        minimum=0.0,
        maximum=1.0,
        model_default=True,
    )
    present_threshold: float = _parameter(
        float(MODEL_DEFAULT),
        "Lowest score for which the target counts as in view. Below it, the mask is empty.",
        minimum=0.0,
        maximum=1.0,
        model_default=True,
    )
    one_object: bool = _parameter(
        True,
        "For an instruction about one object, keep the largest part of the mask and the parts near it alone. Parts "
        "farther away are mostly other objects.",
    )
    seed: int = _parameter(
        0, "Random seed of the refinement. The same frame always gives the same mask.", minimum=0, maximum=2**31 - 1
    )
    ask: bool = _parameter(
        False,
        "Ask on ~/question where several objects fit the instruction about equally well; a message on ~/reply settles "
        "it. Costs an answer of the first stage for the noun, and one for each landmark.",
    )
    ask_margin: float = _parameter(
        InferenceSettings().ask_margin,
        "How far the likeliest object must be before the next so that nothing is asked, as a difference of their "
        "probabilities. Larger values ask more often.",
        minimum=0.0,
        maximum=1.0,
    )
    relations: bool = _parameter(
        False,
        "Answer with the object that the instruction's clauses choose among those that its noun fits, by geometry and "
        "colour, in space where there is depth. For models that read nouns only, such as grounded-sam2 and sam3. Costs "
        "as much as ask.",
    )
    image_transport: str = _parameter(
        "raw",
        "Image topic: raw subscribes to image (sensor_msgs/Image), compressed to image/compressed "
        "(sensor_msgs/CompressedImage).",
        choices=("raw", "compressed"),
        read_only=True,
    )
    image_reliability: str = _parameter(
        "best_effort",
        "QoS of the image subscription. best_effort matches every camera; reliable loses no frame, "
        "but matches reliable cameras only.",
        choices=("best_effort", "reliable"),
        read_only=True,
    )
    image_depth: int = _parameter(
        5, "QoS history depth of the image subscription, in frames.", minimum=1, maximum=100, read_only=True
    )
    max_image_pixels: int = _parameter(
        MAX_PIXELS,
        "Largest width times height of an image or depth image. Compressed images are checked by their header, before "
        "they are decoded.",
        minimum=1,
        maximum=2**31 - 1,
        read_only=True,
    )
    depth: bool = _parameter(
        False,
        "Subscribe to depth and camera_info, and publish the object's position: pose, points, box and grasps.",
        read_only=True,
    )
    target_frame: str = _parameter(
        "",
        "Frame that pose, points, box and grasps are given in, such as base_link, by tf2 at the stamp of the image. "
        "Its z axis is taken to point up. Empty: the frame of the image.",
        read_only=True,
    )
    transform_timeout: float = _parameter(
        0.2,
        "Seconds that pose, points, box and grasps wait for a late transform to target_frame. Masks never wait.",
        minimum=0.0,
        maximum=10.0,
        read_only=True,
    )
    gripper_width: float = _parameter(
        0.085,
        "Largest opening of the gripper in metres. Wider grasps are not published on ~/grasps.",
        minimum=0.005,
        maximum=0.5,
    )
    depth_transport: str = _parameter(
        "raw",
        "Depth topic: raw subscribes to depth (sensor_msgs/Image), compressedDepth to depth/compressedDepth (PNG or "
        "RVL), compressed to depth/compressed (16-bit PNG).",
        choices=("raw", "compressedDepth", "compressed"),
        read_only=True,
    )
    rectified: str = _parameter(
        "auto",
        "Whether the images are rectified, so that P of camera_info applies and not K with its distortion. auto: they "
        "are if their topic's name contains the word rect or rectified, as in image_rect_color.",
        choices=("auto", "yes", "no"),
        read_only=True,
    )
    depth_tolerance: float = _parameter(
        0.05,
        "Largest difference between the stamps of image and depth, in seconds.",
        minimum=0.0,
        maximum=10.0,
        read_only=True,
    )
    publish_initial: bool = _parameter(
        True, "Publish the mask before refinement on ~/initial_mask as soon as it exists."
    )
    keep_hard_frames: str = _parameter(
        "",
        "Folder for frames whose score was close to present_threshold, or whose mask differs from the one before, at "
        "most one a second, and for every frame whose question a reply settled: STAMP.jpg with the instruction, and "
        "the mask that was chosen, in STAMP.json. mdsm learn reads it. Each of several cameras has a folder of its "
        "name in it. Empty: none kept.",
        read_only=True,
    )
    hard_frames_megabytes: int = _parameter(
        200,
        "Size limit of keep_hard_frames, shared by all cameras. The oldest frames are removed.",
        minimum=1,
        maximum=1_000_000,
        read_only=True,
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "cameras", tuple(name for name in self.cameras if name))  # rclpy's empty list: [""]
        for parameter in fields(self):
            reason = _fault(parameter, getattr(self, parameter.name))
            if reason is not None:
                raise ParameterError(f"parameter {parameter.name} is {reason}")

    def updated(self, values: Mapping[str, Any]) -> Parameters:
        """A copy with some parameters changed; names of other parameters (``use_sim_time``) are ignored.

        Raises:
            ParameterError: A value is out of range.
        """
        ours = {parameter.name for parameter in fields(self)}
        return replace(self, **{name: value for name, value in values.items() if name in ours})

    def inference(self, defaults: InferenceSettings) -> InferenceSettings:
        """The settings of an answer, from the parameters of the same names; ``defaults`` are the model's own values."""
        names = [setting.name for setting in fields(InferenceSettings)]
        wanted = {name: getattr(self, name) for name in names}
        return replace(defaults, **{name: value for name, value in wanted.items() if value != MODEL_DEFAULT})


def declare_parameters(node: Node) -> Parameters:
    """Declares all parameters on ``node``.

    Raises:
        ParameterError: A value given at start is out of range.
        rclpy.exceptions.ParameterException: A value given at start is of the wrong type.
    """
    values = {
        parameter.name: node.declare_parameter(parameter.name, _ros_default(parameter), _descriptor(parameter)).value
        for parameter in fields(Parameters)
    }
    values["cameras"] = values["cameras"] or ()  # None for [], whose type rcl does not know
    return Parameters(**values)


def parameters_yaml() -> str:
    """The text of ``config/mdsm.yaml``: all parameters with their defaults."""
    lines = [
        "# All parameters of mdsm_node with their defaults; generated from mdsm_ros/ros/interface/parameters.py.",
        "/**:",
        "  ros__parameters:",
    ]
    for parameter in fields(Parameters):
        comment = f"{parameter.metadata['description']}{_note(parameter)}"
        lines += [f"    # {line}" for line in textwrap.wrap(comment, 100)]
        lines.append(f"    {parameter.name}: {json.dumps(_ros_default(parameter))}")
    return "\n".join(lines) + "\n"


def parameters_markdown() -> str:
    """The table of parameters in ``docs/node.md``."""
    lines = ["| parameter | type | default | at run time | |", "|---|---|---|---|---|"]
    for parameter in fields(Parameters):
        value = _ros_default(parameter)
        default, kind = json.dumps(value), "list of str" if isinstance(value, list) else type(value).__name__
        changes = "no" if parameter.metadata["read_only"] else "yes"
        text = f"{parameter.metadata['description']}{_note(parameter)}"
        lines.append(f"| `{parameter.name}` | {kind} | `{default}` | {changes} | {text} |")
    return "\n".join(lines) + "\n"


def _ros_default(parameter: Field[Any]) -> Any:
    """The default as rclpy takes it: an empty list has no type there, so it is a list with an empty text."""
    return [""] if parameter.default == () else parameter.default


def _fault(parameter: Field[Any], value: Any) -> str | None:
    """What is wrong with a value, or None."""
    if not _is_allowed(parameter, value):
        return f"{value!r}, expected {_expectation(parameter)}"
    if parameter.name == "instruction" and value:
        try:
            validate_instruction(value)
        except InstructionError as error:
            return f"refused: {error}"
    if parameter.name == "cameras":
        return _fault_of_cameras(value)
    if parameter.name == "track_model" and value and not may_be_video_model(value):
        return f"{value!r}, expected {EXPECTED}"
    if parameter.name == "target_frame" and (value.startswith("/") or value != "".join(value.split())):
        return f"{value!r}, expected the name of a frame without blanks and without a slash at its beginning"
    return None


def _fault_of_cameras(names: Sequence[str]) -> str | None:
    for number, name in enumerate(names):
        if CAMERA_NAME.fullmatch(name) is None:
            return f"{list(names)!r}, expected names of letters, digits and single underscores, not {name!r}"
        if name in names[:number]:
            return f"{list(names)!r}, expected each name once, not {name!r} again"
    return None


def _is_allowed(parameter: Field[Any], value: Any) -> bool:
    limits = parameter.metadata
    if limits["choices"]:
        return value in limits["choices"]
    if limits["model_default"] and value == MODEL_DEFAULT:
        return True
    return limits["minimum"] is None or bool(limits["minimum"] <= value <= limits["maximum"])


def _expectation(parameter: Field[Any]) -> str:
    limits = parameter.metadata
    if limits["choices"]:
        return " or ".join(limits["choices"])
    if limits["minimum"] is None:
        return ""
    span = f"{limits['minimum']} to {limits['maximum']}"
    return f"{span}, or {MODEL_DEFAULT} for the model's own value" if limits["model_default"] else span


def _note(parameter: Field[Any]) -> str:
    expectation = _expectation(parameter)
    return f" ({expectation})" if expectation else ""


def _descriptor(parameter: Field[Any]) -> ParameterDescriptor:
    from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor

    limits = parameter.metadata
    descriptor = ParameterDescriptor(
        description=limits["description"],
        additional_constraints=_expectation(parameter),
        read_only=limits["read_only"],
    )
    if limits["minimum"] is not None:
        lowest = MODEL_DEFAULT if limits["model_default"] else limits["minimum"]
        if isinstance(parameter.default, float):
            descriptor.floating_point_range = [
                FloatingPointRange(from_value=float(lowest), to_value=limits["maximum"], step=0.0)
            ]
        else:
            descriptor.integer_range = [IntegerRange(from_value=lowest, to_value=limits["maximum"], step=1)]
    return descriptor
