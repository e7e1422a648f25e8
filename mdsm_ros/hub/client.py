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

UPLOAD_ERRORS: tuple[type[Exception], ...] = (*HUB_ERRORS, RuntimeError, ValueError)
"""The exceptions of uploads: the last two stand for refused files and headers."""


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


def upload_advice(repository: str, error: Exception) -> str:
    """Describes in one line why an upload failed and how to solve it.

    Args:
        repository: Hub id of the repository.
        error: Error of huggingface_hub.
    """
    for cause in _chain(error):
        if isinstance(cause, HfHubHTTPError):
            return _refusal(repository, cause)
        if isinstance(cause, HTTPError):
            return f"{constants.ENDPOINT} cannot be reached ({type(cause).__name__}); check the network, and try again"
    return " ".join(str(error).split())


def _refusal(repository: str, error: HfHubHTTPError) -> str:
    match error.response.status_code:
        case 401:
            return "you are not logged in, or your token has expired; log in with: hf auth login"
        case 403:
            tokens = f"{constants.ENDPOINT}/settings/tokens"
            return f"your token may not write to {repository}; make one that may at {tokens}, then: hf auth login"
        case 404:
            return f"{repository.partition('/')[0]} does not exist, or {repository} is not yours"
        case status if status >= 500:
            return f"{constants.ENDPOINT} answered {status}; try again later"
        case status:
            return f"{constants.ENDPOINT} answered {status}: {error.server_message or 'no reason given'}"


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
