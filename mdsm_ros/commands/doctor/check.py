"""One finding about an installation."""

from __future__ import annotations

from dataclasses import dataclass

OK, NOTE, MISSING, WRONG = "ok", "note", "missing", "wrong"


@dataclass(frozen=True)
class Check:
    """What was found about one part of an installation.

    Attributes:
        name: Name of the part.
        state: OK; NOTE, worth knowing; MISSING, not there; WRONG, there and not usable.
        detail: What was found, in one line.
        mend: Line to type, or what to do; "" where nothing is to be done.
        required: Whether the purpose that was asked for needs this part.
    """

    name: str
    state: str
    detail: str
    mend: str = ""
    required: bool = True

    @property
    def is_fault(self) -> bool:
        """Whether the installation cannot serve its purpose."""
        return self.required and self.state in (MISSING, WRONG)
