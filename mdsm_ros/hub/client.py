"""Access to the Hugging Face hub, and advice if it fails. Imports no heavy library."""

from __future__ import annotations

from collections.abc import Iterator

from huggingface_hub import constants
from huggingface_hub.errors import (  # type: ignore[attr-defined]  # HTTPError is httpx's, or in newer versions httpx2's
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    HTTPError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

HUB_ERRORS: tuple[type[Exception], ...] = (HTTPError, EntryNotFoundError, HFValidationError, OSError)
"""The exceptions of downloads and of look-ups in the cache."""


def advice(repository: str, error: Exception) -> str:
    """Describes in one line what failed and how to solve it.

    Args:
        repository: Hub id of the repository.
        error: One of HUB_ERRORS.
    """
    for cause in _chain(error):
        match cause:
            case HFValidationError():
                return f"{repository!r} is not a hub id, expected OWNER/NAME"
            case GatedRepoError():
                page = f"{constants.ENDPOINT}/{repository}"
                return f"access is granted by its owners; ask for it at {page}, then log in with: hf auth login"
            case RevisionNotFoundError():
                return f"{repository} has no such revision"
            case RepositoryNotFoundError():
                return f"{repository} does not exist, or is private; to log in: hf auth login"
            case OfflineModeIsEnabled():
                return _without_network("HF_HUB_OFFLINE is set; unset it")
            case HfHubHTTPError():
                return f"{constants.ENDPOINT} answered {cause.response.status_code}; try again later"
            case EntryNotFoundError():
                continue  # reports only that it is not in the cache; the reason follows
            case HTTPError():
                return _unreachable(cause)
            case OSError() if cause.errno is not None:
                return str(cause)  # an error of the disk
    return _without_network("HF_HUB_OFFLINE is set; unset it") if constants.HF_HUB_OFFLINE else _unreachable(error)


def _unreachable(error: BaseException) -> str:
    what = f"{constants.ENDPOINT} cannot be reached ({type(error).__name__})"
    return _without_network(f"{what}; check the network, set HF_ENDPOINT to a mirror")


def _without_network(what: str) -> str:
    return f"{what}, or copy the cache ({constants.HF_HUB_CACHE}) from a machine that has it"


def _chain(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__
