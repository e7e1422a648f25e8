#!/usr/bin/env python3
"""Sends random and mutated messages to the running node over DDS, with good images in between that it must answer.

    python scripts/fuzz_node.py --messages 30000 --transport raw
    python scripts/fuzz_node.py --messages 30000 --transport compressed --seed 1
    python scripts/fuzz_node.py --messages 500 --model mdsm-small

The messages: images of wrong sizes, steps and encodings; compressed images cut short, with flipped bits or none at all;
depth images, camera_info and instructions of every sort; all of them also as bytes that are no message of their type;
parameters of all types, the unknown ones included; impossible transitions of the lifecycle, and possible ones.

It fails (exit code 1) if the node ends, if a good image is not answered within 10 seconds, or if its memory grows by
1 % or more in the second half of the run, which takes some 30,000 messages to be steady: the largest picture that a
flipped bit makes raises the memory once. Without ``--model`` the node has a stand-in for the model, which answers in
less than a millisecond (everything else is the node as it is), so that most of the time goes into messages.
"""

from __future__ import annotations

import argparse
import functools
import io
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from array import array
from collections import Counter, deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

TIMEOUT = 10.0  # s in which a good image must be answered
START_TIMEOUT = 300.0  # s
BATCH = 25  # bad messages between two good images; the node's queues hold more
HEIGHT, WIDTH = 48, 64
ENCODINGS = (
    "rgb8", "bgr8", "rgba8", "bgra8", "mono8", "mono16", "16UC1", "32FC1", "8UC3", "rgb16", "bgr16", "bayer_rggb8",
    "bayer_gbrg16", "yuv422", "yuv422_yuy2", "nv12", "nv21", "uyvy", "yuyv", "64FC9", "", "rgb7", "\u00e9",
    "\u4e2d", "a" * 999,
)  # fmt: skip
NUMBERS = (0, 1, 2, 3, 47, 48, 63, 64, 65, 191, 192, 193, 255, 9216, 65535, 2**16, 2**31 - 1, 2**31, 2**32 - 1)
REALS = (0.0, 1.0, -1.0, 1e-300, 1e300, float("nan"), float("inf"), float("-inf"), 500.0)
TEXTS = (
    "",
    " ",
    "get the red cup",
    "\x00",
    "\x1b[31m",
    "\U0001f3c6",
    "\u0130" * 400,
    "a" * 5000,
    "\ufeff",
    "\u202ecup",
)
OUR_PARAMETERS = ("seed", "instruction", "mask_threshold", "num_samples", "model", "warm_start", "latency_budget")


class StandIn:
    """Answers at once: what is red is the target."""

    def __init__(self, name: str, *, device: str, acceleration: str) -> None:
        from mdsm_ros.inference.settings import InferenceSettings

        self.name, self.device, self.acceleration, self.acceleration_error = name, "cpu", "none", None
        self.defaults, self.least_side = InferenceSettings(), 100_000
        self.refines, self.finds_objects = True, False

    def warm_up(self, *_: Any) -> None:
        """Nothing to warm up."""

    def close(self) -> None:
        """Nothing to free."""

    def memory(self) -> None:
        """No memory of a GPU."""

    def stream(self, image: np.ndarray, instruction: str, *_: Any, **__: Any) -> Iterator[Any]:
        """Two answers, as of a model that refines."""
        from mdsm_ros.inference.answer import Segmentation

        probability = image[..., 0].astype(np.float32) / 255
        for stage in ("initial", "refined"):
            yield Segmentation(probability > 0.5, probability, None, 0.9, True, stage, {"total": 0.001})


def run_stand_in(arguments: list[str]) -> int:
    """The node's process, with the stand-in."""
    from mdsm_ros.ros import node

    sys.argv[1:] = arguments
    return node.main(make_node=functools.partial(node.MdsmNode, make_segmenter=StandIn))  # type: ignore[arg-type]


class Mutator:
    """Makes bad messages out of good ones; the same seed makes the same ones."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        pixels[8:20, 8:20] = (250, 0, 0)
        self.pixels = pixels
        self.pictures = [_encode(pixels, kind) for kind in ("jpeg", "png", "bmp", "gif", "tiff", "webp")]

    def choose(self, *values: Any) -> Any:
        """One of the values."""
        return self.random.choice(values)

    def some_bytes(self, most: int = 300) -> bytes:
        """Random bytes."""
        return self.random.randbytes(self.random.randrange(most))

    def spoil(self, data: bytes) -> bytes:
        """Data cut short, lengthened, or with flipped bits."""
        spoilt = bytearray(data)
        for _ in range(self.choose(0, 1, 3, 30)):
            if spoilt:
                spoilt[self.random.randrange(len(spoilt))] ^= 1 << self.random.randrange(8)
        if self.random.random() < 0.4:
            spoilt = spoilt[: self.random.randrange(len(spoilt) + 1)]
        if self.random.random() < 0.1:
            spoilt += self.some_bytes()
        return bytes(spoilt)

    def header(self) -> Any:
        """Any header."""
        from std_msgs.msg import Header

        header = Header(frame_id=self.choose("camera", *TEXTS))
        header.stamp.sec = self.choose(0, 1, -(2**31), 2**31 - 1, int(time.time()))
        header.stamp.nanosec = self.choose(0, 999_999_999, 2**32 - 1)
        return header

    def image(self, depth: bool = False) -> Any:
        """An image of which some fields are wrong."""
        from sensor_msgs.msg import Image

        size = 2 if depth else 3
        message = Image(
            header=self.header(),
            height=HEIGHT,
            width=WIDTH,
            encoding="16UC1" if depth else "rgb8",
            step=WIDTH * size,
            data=array("B", self.random.randbytes(HEIGHT * WIDTH * size)),
        )
        for _ in range(self.choose(0, 1, 1, 2, 4)):
            name = self.choose("height", "width", "step", "encoding", "is_bigendian", "data")
            values: dict[str, Callable[[], Any]] = {
                "encoding": lambda: self.choose(*ENCODINGS),
                "is_bigendian": lambda: self.choose(0, 1, 255),
                "data": lambda: array("B", self.some_bytes(20_000)),
            }
            setattr(message, name, values.get(name, lambda: self.choose(*NUMBERS))())
        return message

    def compressed_image(self) -> Any:
        """A compressed image that may be damaged."""
        from sensor_msgs.msg import CompressedImage

        formats = ("jpeg", "png", "rgb8; jpeg compressed bgr8", "16UC1; compressedDepth png", "h264", *TEXTS)
        data = self.some_bytes() if self.random.random() < 0.2 else self.spoil(self.choose(*self.pictures))
        return CompressedImage(header=self.header(), format=self.choose(*formats), data=array("B", data))

    def camera_info(self) -> Any:
        """A calibration that may be none."""
        from sensor_msgs.msg import CameraInfo

        message = CameraInfo(header=self.header(), width=self.choose(*NUMBERS), height=self.choose(*NUMBERS))
        for name, count in (("k", 9), ("r", 9), ("p", 12)):
            setattr(message, name, [self.choose(*REALS) for _ in range(count)])
        message.d = [self.choose(*REALS) for _ in range(self.choose(0, 4, 5, 8, 14, 99))]
        message.distortion_model = self.choose("plumb_bob", "equidistant", *TEXTS)
        message.binning_x, message.roi.width = self.choose(*NUMBERS), self.choose(*NUMBERS)
        return message

    def instruction(self) -> Any:
        """Anything that can be said."""
        from std_msgs.msg import String

        return String(data=self.choose(*TEXTS, "".join(chr(self.random.randrange(0xD800)) for _ in range(20))))

    def parameter(self) -> Any:
        """A parameter with a value of any type, the unknown ones included."""
        from rcl_interfaces.msg import Parameter, ParameterValue

        value = ParameterValue(
            type=self.choose(*range(12), 200, 255),
            bool_value=self.choose(True, False),
            integer_value=self.choose(0, 1, -1, 2**63 - 1, -(2**63)),
            double_value=self.choose(*REALS),
            string_value=self.choose(*TEXTS),
        )
        value.integer_array_value = array("q", [self.choose(0, 2**63 - 1)] * self.choose(0, 5))
        return Parameter(name=self.choose(*OUR_PARAMETERS, "use_sim_time", "image_tranport", *TEXTS), value=value)


def _encode(pixels: np.ndarray, kind: str) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


class Fuzzer:
    """Talks to the node; raises AssertionError when the node does not do its part."""

    def __init__(self, process: subprocess.Popen[bytes], transport: str, seed: int) -> None:
        import rclpy
        from lifecycle_msgs.srv import ChangeState
        from rcl_interfaces.srv import DescribeParameters, GetParameters, SetParameters, SetParametersAtomically
        from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
        from sensor_msgs.msg import CameraInfo, CompressedImage, Image
        from std_msgs.msg import String
        from std_srvs.srv import SetBool, Trigger

        self.process = process
        self.mutator = Mutator(seed)
        self.transport = transport
        self.sent: Counter[str] = Counter()
        self.latest: deque[str] = deque(maxlen=2 * BATCH)  # what was sent, for the report of a failure
        self.answered: set[int] = set()
        self.good = 0
        rclpy.init(args=[])
        self.spin: Callable[..., None] = rclpy.spin_once
        self.node = rclpy.create_node("fuzzer")
        reliable = QoSProfile(depth=100)
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        best_effort = QoSProfile(depth=100, reliability=ReliabilityPolicy.BEST_EFFORT)
        topic, kind = ("image", Image) if transport == "raw" else ("image/compressed", CompressedImage)
        self.camera = self.node.create_publisher(kind, topic, reliable)
        self.depth = self.node.create_publisher(Image, "depth", reliable)
        self.info = self.node.create_publisher(CameraInfo, "camera_info", reliable)
        self.voices = [
            self.node.create_publisher(String, "instruction", qos) for qos in (reliable, latched, best_effort)
        ]
        self.node.create_subscription(Image, "mdsm/mask", self._on_mask, reliable)
        services = {
            "set_parameters": SetParameters,
            "set_parameters_atomically": SetParametersAtomically,
            "get_parameters": GetParameters,
            "describe_parameters": DescribeParameters,
            "change_state": ChangeState,
            "set_enabled": SetBool,
            "segment": Trigger,
        }
        self.services = {name: self.node.create_client(kind, f"mdsm/{name}") for name, kind in services.items()}
        self.requests: deque[Any] = deque()

    def _on_mask(self, message: Any) -> None:
        self.answered.add(message.header.stamp.sec)

    def wait_for(self, condition: Callable[[], bool], timeout: float, what: str) -> None:
        """Spins until ``condition`` holds."""
        deadline = time.monotonic() + timeout
        while not condition():
            code = self.process.poll()
            assert code is None, f"crash: the node has ended with exit code {code}"
            assert time.monotonic() < deadline, f"hang: {what} within {timeout} s"
            self.spin(self.node, timeout_sec=0.05)

    def start(self) -> None:
        """Waits until the node is active and listens."""
        self.wait_for(lambda: self.camera.get_subscription_count() > 0, START_TIMEOUT, "the node does not subscribe")
        self.wait_for(lambda: self.node.count_publishers("mdsm/mask") > 0, START_TIMEOUT, "no ~/mask")
        time.sleep(1.0)  # both sides know each other

    def send_bad(self) -> None:
        """Sends one bad message, perhaps."""
        mutator = self.mutator
        picture = mutator.image if self.transport == "raw" else mutator.compressed_image
        name, publisher, make = mutator.choose(
            *[("image", self.camera, picture)] * 5,
            ("depth", self.depth, lambda: mutator.image(depth=True)),
            ("camera_info", self.info, mutator.camera_info),
            ("instruction", mutator.choose(*self.voices), mutator.instruction),
            ("request", None, self.request),
        )
        if publisher is None:
            name = make()
        elif mutator.random.random() < 0.15:
            name = f"{name} as bytes"
            publisher.publish(self.some_cdr(make()))
        else:
            publisher.publish(make())
        self.sent[name] += 1
        self.latest.append(name)

    def some_cdr(self, message: Any) -> bytes:
        """A serialised message that is damaged."""
        from rclpy.serialization import serialize_message

        return self.mutator.spoil(serialize_message(message)) or b"\0"

    def request(self) -> str:
        """Asks a service for something; returns which."""
        mutator = self.mutator
        name = mutator.choose(*self.services)
        kind = self.services[name].srv_type
        if "set_parameters" in name:
            content: dict[str, Any] = {"parameters": [mutator.parameter() for _ in range(mutator.choose(0, 1, 3))]}
        elif "parameters" in name:
            content = {"names": [mutator.choose(*OUR_PARAMETERS, *TEXTS) for _ in range(3)]}
        elif name == "set_enabled":
            content = {"data": mutator.choose(True, False)}
        else:
            content = {}
        request = kind.Request(**content)
        if name == "change_state":
            request.transition.id = mutator.choose(*range(10), 60, 255)
            if request.transition.id in (5, 6, 7):  # shutdown: there is no way back
                request.transition.id = 99
            request.transition.label = mutator.choose("", "", *TEXTS)
        self.requests.append(self.services[name].call_async(request))
        return f"request {name}"

    def ask(self, name: str, **content: Any) -> None:
        """Asks a service and waits for its answer."""
        service = self.services[name]
        future = service.call_async(service.srv_type.Request(**content))
        self.wait_for(future.done, START_TIMEOUT, f"no answer of {name}")

    def restore(self) -> None:
        """Whatever the requests did: active, enabled, with ordinary parameters."""
        from lifecycle_msgs.msg import Transition
        from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue

        for label in ("configure", "activate"):
            self.ask("change_state", transition=Transition(label=label))
        self.ask("set_enabled", data=True)
        text, whole, yes = ParameterType.PARAMETER_STRING, ParameterType.PARAMETER_INTEGER, ParameterType.PARAMETER_BOOL
        values = {
            "instruction": ParameterValue(type=text, string_value="get the red cup"),
            "num_samples": ParameterValue(type=whole, integer_value=1),
            "use_sim_time": ParameterValue(type=yes, bool_value=False),
        }
        self.ask("set_parameters", parameters=[Parameter(name=name, value=value) for name, value in values.items()])

    def send_good(self) -> None:
        """Sends a good image until it is answered; a camera sends again and again, too."""
        from sensor_msgs.msg import CompressedImage, Image
        from std_msgs.msg import Header, String

        if any("change_state" in name or "set_" in name for name in list(self.latest)[-BATCH:]):
            self.restore()
        self.good += 1
        header = Header(frame_id="camera")
        header.stamp.sec = self.good
        if self.transport == "raw":
            data = array("B", self.mutator.pixels.tobytes())
            message = Image(header=header, height=HEIGHT, width=WIDTH, encoding="rgb8", step=WIDTH * 3, data=data)
        else:
            message = CompressedImage(header=header, format="png", data=array("B", self.mutator.pictures[1]))
        self.answered.discard(self.good)
        self.voices[0].publish(String(data="get the red cup"))
        self.wait_for(lambda: self.camera.get_subscription_count() > 0, TIMEOUT, "the node does not listen")
        self.camera.publish(message)
        self.wait_for(lambda: self.good in self.answered, TIMEOUT, f"good image {self.good} is not answered")
        while self.requests and self.requests[0].done():
            self.requests.popleft()


def fuzz(fuzzer: Fuzzer, messages: int, seconds: float) -> dict[str, Any]:
    """Sends ``messages`` bad messages and good images, for ``seconds`` at most; returns what was sent and measured."""
    import psutil

    node = psutil.Process(fuzzer.process.pid)
    memory: list[float] = []  # MiB
    slowest, failure = 0.0, None
    begin = time.monotonic()
    try:
        fuzzer.start()
        fuzzer.send_good()
        begin = time.monotonic()
        while fuzzer.sent.total() < messages and time.monotonic() - begin < seconds:
            for _ in range(BATCH):
                fuzzer.send_bad()
            sent = time.monotonic()
            fuzzer.send_good()
            slowest = max(slowest, time.monotonic() - sent)
            memory.append(node.memory_info().rss / 2**20)
    except AssertionError as error:
        failure = f"{error}; sent before: {', '.join(fuzzer.latest)}"
    growth = _growth(memory)
    if failure is None and growth >= 0.01:
        failure = f"memory grew by {100 * growth:.2f} % in the second half, expected less than 1 %"
    return {
        "failure": failure,
        "messages": fuzzer.sent.total(),
        "good images": fuzzer.good,
        "answered": len(fuzzer.answered & set(range(1, fuzzer.good + 1))),
        "slowest good image (s)": round(slowest, 3),
        "seconds": round(time.monotonic() - begin, 1),
        "memory (MiB)": [round(value, 1) for value in memory[:: max(1, len(memory) // 10)]],
        "growth in the second half": round(growth, 5),
        "by sort": dict(sorted(fuzzer.sent.items())),
    }


def _growth(memory: list[float]) -> float:
    """Growth of the memory from the middle of the run to its end, each a median over a tenth of the run."""
    tenth = max(1, len(memory) // 10)
    if len(memory) < 3:
        return 0.0
    middle = memory[len(memory) // 2 : len(memory) // 2 + tenth]
    return statistics.median(memory[-tenth:]) / statistics.median(middle) - 1


def main() -> int:
    """Runs the node and the fuzzer; returns the exit code."""
    if sys.argv[1:2] == ["--stand-in"]:
        return run_stand_in(sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=30_000, help="bad messages to send (default: %(default)s)")
    parser.add_argument("--transport", choices=("raw", "compressed"), default="raw", help="of the images")
    parser.add_argument("--seed", type=int, default=0, help="another one makes other messages (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=540.0, help="end after so many (default: %(default)s)")
    parser.add_argument("--model", help="name, folder or hub id of a real model (default: the stand-in)")
    parser.add_argument("--log", type=Path, help="file for the node's log (default: a temporary one)")
    args = parser.parse_args()
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    os.environ.setdefault("ROS_DOMAIN_ID", str(1 + os.getpid() % 101))
    parameters = {
        "image_transport": args.transport,
        "image_reliability": "reliable",
        "image_depth": 100,
        "depth": "true",
    }
    command = [sys.executable, __file__, "--stand-in"]
    if args.model:
        command = [sys.executable, "-m", "mdsm_ros.ros.node"]
        parameters |= {"model": args.model, "num_inference_steps": 0}
    command += ["--ros-args", *(part for item in parameters.items() for part in ("-p", "{}:={}".format(*item)))]
    log = args.log or Path(tempfile.mkdtemp()) / "node.log"
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            result = fuzz(Fuzzer(process, args.transport, args.seed), args.messages, args.seconds)
        finally:
            ended_before = process.poll() is not None
            process.terminate()
            code = process.wait(TIMEOUT)
    if result["failure"] is None and (ended_before or code != 0):
        result["failure"] = f"the node ended with exit code {code}, expected 0 after SIGTERM"
    text = log.read_text(encoding="utf-8", errors="replace")
    result |= {
        "tracebacks in the log": text.count("Traceback"),
        "exceptions": text.count("exception in "),
        "log": str(log),
    }
    print(json.dumps(result, indent=1))
    return 1 if result["failure"] else 0


if __name__ == "__main__":
    sys.exit(main())
