"""Errors at run time: counted, logged once per type, reported on ``~/status``; the node continues."""

from __future__ import annotations

import traceback
from typing import Any

from std_msgs.msg import Header

from mdsm_ros.ros.diagnostics import Statistics
from mdsm_ros.ros.outputs import Outputs
from mdsm_ros.ros.process.text import in_utf8


class Complaints:
    """Reports unusable messages and failures of the model. Safe in both threads."""

    def __init__(self, logger: Any, statistics: Statistics, outputs: Outputs) -> None:
        self._logger = logger
        self._statistics = statistics
        self._outputs = outputs

    def refuse(self, kind: str, header: Header, instruction: str, error: Exception) -> str:
        """Reports an unusable message; returns the status line."""
        if self._statistics.message_refused(kind):
            self._warn(f"refused: {error}; further errors of this type ({kind}) are only counted on /diagnostics")
        return self._outputs.publish_error(header, instruction, str(error))

    def note(self, kind: str, error: Exception) -> None:
        """Reports that an optional part of an answer could not be computed; the answer itself is valid."""
        if self._statistics.message_refused(kind):
            self._warn(f"{error}; further errors of this type ({kind}) are only counted on /diagnostics")

    def fail(self, header: Header, instruction: str, error: Exception) -> str:
        """Reports an exception of the model; returns the status line."""
        kind = type(error).__name__
        if self._statistics.model_failed(kind):
            text = in_utf8("".join(traceback.format_exception(error)))
            further = f"further errors of this type ({kind}) are only counted on /diagnostics"
            self._logger.error(f"the model failed; {further}\n{text}")
        return self._outputs.publish_error(header, instruction, f"the model failed: {kind}: {error}")

    def _warn(self, text: str) -> None:
        self._logger.warning(in_utf8(text))
