"""The counts of the node, and its report on ``/diagnostics``."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import psutil
from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from mdsm_ros.ros.process.text import in_utf8

WINDOW = 200  # number of answers over which latencies are summarised
STATES = {"configuring": "configuring: loading the model", "activating": "activating: warming the model up"}
LEVELS = {
    "OK": DiagnosticStatus.OK,
    "WARN": DiagnosticStatus.WARN,
    "ERROR": DiagnosticStatus.ERROR,
}


@dataclass
class Counts:
    """Totals since the node was configured."""

    received: int = 0  # images
    answered: int = 0  # images
    dropped: int = 0  # images replaced by a newer one before the model took them
    cancelled: int = 0  # answers in progress when the instruction changed or the camera was disabled
    bad: Counter[str] = field(default_factory=Counter)  # unusable messages by type
    failures: Counter[str] = field(default_factory=Counter)  # exceptions of the model, by type
    tracked: int = 0  # images with a tracked mask
    skipped: int = 0  # images replaced by a newer one before the tracker took them
    drops: Counter[str] = field(default_factory=Counter)  # masks that the tracker gave up, by reason


class Statistics:
    """Counts events from both threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = Counts()
        self._latencies: deque[float] = deque(maxlen=WINDOW)  # s

    def image_received(self) -> None:
        """Counts an image that arrived, usable or not."""
        with self._lock:
            self._counts.received += 1

    def image_dropped(self) -> None:
        """Counts an image that was replaced by a newer one while it waited."""
        with self._lock:
            self._counts.dropped += 1

    def answer_cancelled(self) -> None:
        """Counts an answer that was cancelled because the instruction changed or the camera was disabled."""
        with self._lock:
            self._counts.cancelled += 1

    def image_answered(self, latency: float) -> None:
        """Counts a final answer, published ``latency`` seconds after the stamp of its image."""
        with self._lock:
            self._counts.answered += 1
            self._latencies.append(latency)

    def image_tracked(self) -> None:
        """A mask was carried to an image."""
        with self._lock:
            self._counts.tracked += 1

    def tracking_skipped(self) -> None:
        """A newer image replaced one that was waiting for a mask to be carried to it."""
        with self._lock:
            self._counts.skipped += 1

    def track_dropped(self, reason: str) -> None:
        """A mask could not be carried any further."""
        with self._lock:
            self._counts.drops[reason] += 1

    def message_refused(self, kind: str) -> bool:
        """Counts an unusable message; returns whether it is the first of its type."""
        with self._lock:
            self._counts.bad[kind] += 1
            return self._counts.bad[kind] == 1

    def model_failed(self, kind: str) -> bool:
        """Counts an exception of the model; returns whether it is the first of its type."""
        with self._lock:
            self._counts.failures[kind] += 1
            return self._counts.failures[kind] == 1

    def counts(self) -> Counts:
        """A copy of the totals."""
        with self._lock:
            counts = self._counts
            bad, failures, drops = Counter(counts.bad), Counter(counts.failures), Counter(counts.drops)
            return replace(counts, bad=bad, failures=failures, drops=drops)

    def latency_percentiles(self) -> tuple[float, float] | None:
        """The p50 and p95 latency of the last answers in seconds; None before the first answer."""
        with self._lock:
            latencies = list(self._latencies)
        if not latencies:
            return None
        p50, p95 = np.percentile(latencies, (50, 95))
        return float(p50), float(p95)


@dataclass(frozen=True)
class Condition:
    """The state of the node and of one of its cameras, apart from counts."""

    state: str  # state of the lifecycle
    error: str | None  # reason why the node is not configured
    model: str
    device: str
    acceleration: str
    memory: float | None  # GPU memory of the model in MiB; None without a GPU
    instruction: str
    enabled: bool
    image_topic: str
    track: bool = False
    camera: str = ""  # name; "" for the only one
    unheard: Mapping[str, str] = field(default_factory=dict)  # publishers that do not match, and why, by topic
    idle: Mapping[str, str] = field(default_factory=dict)  # parameters without effect, and why, by name
    exceptions: Counter[str] = field(default_factory=Counter)  # exceptions of callbacks since the node was created


class DiagnosticReporter:
    """Makes the report about a camera from the current counts and those of the previous report."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._before = Counts()
        self._exceptions: Counter[str] = Counter()  # counts at the previous report

    def report(self, condition: Condition, statistics: Statistics, period: float) -> DiagnosticStatus:
        """The report; ``period`` is the time since the previous one, in seconds."""
        counts = statistics.counts()
        rate = max(0, counts.received - self._before.received) / period
        level, message = self._verdict(condition, counts, rate)
        self._before, self._exceptions = counts, condition.exceptions
        values = {
            **({"camera": condition.camera} if condition.camera else {}),
            "state": condition.state,
            "model": condition.model,
            "device": condition.device,
            "acceleration": condition.acceleration,
            "process memory (MiB)": f"{psutil.Process().memory_info().rss / 2**20:.0f}",
            **({} if condition.memory is None else {"GPU memory (MiB)": f"{condition.memory:.0f}"}),
            "instruction": condition.instruction,
            "enabled": condition.enabled,
            "images received": counts.received,
            "received rate (Hz)": f"{rate:.1f}",
            "images answered": counts.answered,
            "images dropped (superseded)": counts.dropped,
            "answers cancelled (not wanted any more)": counts.cancelled,
            **(_tracking(counts) if condition.track else {}),
            **{f"bad messages: {kind}": count for kind, count in sorted(counts.bad.items())},
            **{f"failures: {kind}": count for kind, count in sorted(counts.failures.items())},
            **{f"exceptions: {kind}": count for kind, count in sorted(condition.exceptions.items())},
            **{f"no effect: parameter {name}": reason for name, reason in sorted(condition.idle.items())},
            **{f"not heard on {topic}": reason for topic, reason in sorted(condition.unheard.items())},
        }
        percentiles = statistics.latency_percentiles()
        if percentiles is not None:
            values["latency p50 (s)"], values["latency p95 (s)"] = (f"{value:.3f}" for value in percentiles)
        return DiagnosticStatus(
            level=LEVELS[level],
            name=self._name,
            message=in_utf8(message),
            hardware_id=condition.device,
            values=[KeyValue(key=in_utf8(key), value=in_utf8(str(value))) for key, value in values.items()],
        )

    def _verdict(self, condition: Condition, counts: Counts, rate: float) -> tuple[str, str]:
        if condition.error is not None:
            return "ERROR", condition.error
        exceptions = condition.exceptions - self._exceptions
        if exceptions:
            return "ERROR", f"exception in {', '.join(sorted(exceptions))}"
        if condition.state != "active":
            return "OK", STATES.get(condition.state, condition.state)
        failures = counts.failures - self._before.failures
        if failures:
            return "ERROR", f"the model failed: {', '.join(failures)}"
        bad = counts.bad - self._before.bad
        if bad:
            return "WARN", f"{bad.total()} bad messages: {', '.join(sorted(bad))}"
        if condition.unheard:
            return "WARN", "; ".join(f"on {topic}: {reason}" for topic, reason in sorted(condition.unheard.items()))
        if not condition.enabled:
            return "OK", "disabled"
        if rate == 0:
            return "WARN", f"no images on {condition.image_topic}"
        if not condition.instruction:
            return "WARN", "no instruction yet"
        return "OK", f"answering; {rate:.1f} Hz of images"


def _tracking(counts: Counts) -> dict[str, int]:
    """The values about masks between answers."""
    drops = {f"masks dropped: {reason}": count for reason, count in sorted(counts.drops.items())}
    return {"images tracked": counts.tracked, "images not tracked (superseded)": counts.skipped, **drops}
