"""ONNX graphs that are ready to run, by ONNX Runtime or OpenVINO."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.errors import AccelerationError
from mdsm_ros.extras import require
from mdsm_ros.inference.acceleration import RUNTIMES

TENSORRT, CUDA, CPU = "TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"


class Session(Protocol):
    """A graph that is ready to run."""

    def __call__(self, **inputs: NDArray[Any]) -> Sequence[NDArray[np.float32]]:
        """The outputs of the graph, in order, for all of its inputs by name."""
        ...


def open_session(path: Path, runtime: str, device: str, threads: int) -> Session:
    """Loads a graph.

    Args:
        path: File of the graph; its weights lie beside it.
        runtime: One of :data:`RUNTIMES`.
        device: Device: "cpu", "cuda" or "cuda:N".
        threads: Number of CPU threads.

    Raises:
        MissingPackageError: The package of the runtime is not installed.
        AccelerationError: The runtime cannot use the device, or cannot run the graph.
    """
    require(RUNTIMES[runtime], purpose=f"acceleration {runtime!r}")
    opened: Session = (_OpenVino if runtime == "openvino" else _OnnxRuntime)(path, runtime, device, threads)
    return opened


class _OnnxRuntime:
    def __init__(self, path: Path, runtime: str, device: str, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3  # errors only
        # idle threads sleep: a robot's other processes need the cores between two operations
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        providers = _providers(runtime, device, onnxruntime.get_available_providers())
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=providers)
        except Exception as error:  # ONNX Runtime has its own exceptions without a common base
            raise AccelerationError(f"ONNX Runtime cannot load {path}: {error}") from error
        used = self._session.get_providers()[0]
        if used != _name(providers[0]):  # it only warns where a library of the provider is missing
            raise AccelerationError(f"ONNX Runtime runs {path.name} with {used}, expected {_name(providers[0])}")

    def __call__(self, **inputs: NDArray[Any]) -> Sequence[NDArray[np.float32]]:
        outputs: Sequence[NDArray[np.float32]] = self._session.run(None, inputs)
        return outputs


class _OpenVino:
    def __init__(self, path: Path, runtime: str, device: str, threads: int) -> None:
        if device != "cpu":
            raise AccelerationError(f"device is {device!r}, expected 'cpu' for OpenVINO")
        settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        try:
            self._request = _openvino_core().compile_model(path, "CPU", settings).create_infer_request()
        except Exception as error:  # OpenVINO raises RuntimeError, and others for damaged files
            raise AccelerationError(f"OpenVINO cannot load {path}: {error}") from error

    def __call__(self, **inputs: NDArray[Any]) -> Sequence[NDArray[np.float32]]:
        outputs = self._request.infer(inputs)
        return [np.array(value) for value in outputs.values()]  # the request keeps its own arrays


@cache
def _openvino_core() -> Any:
    """The one core of this process, which lives as long as it.

    Each core gives the thread a stack for signals of its own and, when it goes, the one that it found. Cores that go in
    the order in which they came leave the thread with a stack that is gone, and the next signal ends the process.
    """
    import openvino

    return openvino.Core()


def _providers(runtime: str, device: str, available: Sequence[str]) -> list[Any]:
    """The execution providers, the most wanted first; a graph's other operations run with the later ones.

    Raises:
        AccelerationError: The wanted one is not part of the installed ONNX Runtime.
    """
    if runtime == "onnx" and device == "cpu":
        return [CPU]
    wanted = TENSORRT if runtime == "tensorrt" else CUDA
    if wanted not in available:
        raise AccelerationError(
            f"the installed ONNX Runtime has no {wanted}, only {', '.join(available)}; install onnxruntime-gpu "
            f"instead of onnxruntime"
        )
    number = {"device_id": int(device.partition(":")[2] or 0)}
    if wanted == CUDA:
        return [(CUDA, number), CPU]
    cache = {"trt_engine_cache_enable": True, "trt_engine_cache_path": str(engine_folder())}
    return [(TENSORRT, number | cache | {"trt_fp16_enable": True}), (CUDA, number), CPU]


def engine_folder() -> Path:
    """The folder in which TensorRT keeps its engines: building one takes minutes."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mdsm_ros" / "tensorrt"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _name(provider: Any) -> str:
    return str(provider[0] if isinstance(provider, tuple) else provider)
