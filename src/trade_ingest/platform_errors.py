"""What the libraries of clouds raise, as errors of ours: refused, no right, or to be tried again."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from typing import Any

from trade_ingest.errors import (
    PlatformAuthenticationError,
    PlatformError,
    PlatformUnavailableError,
    TradeIngestError,
    UsageError,
)
from trade_ingest.source.masking import mask_secrets

_DENIED_STATUS = frozenset({401, 403})
_PASSING_STATUS = frozenset({408, 429})
_SERVER_FAILED = 500
_LONGEST_SAID = 500

_DENIED = re.compile(
    r"AccessDenied|Expired|Unrecogni[sz]edClient|InvalidClientToken|SignatureDoesNotMatch|Credential|Unauth|Auth"
    r"|Permission|Forbidden|Refresh"
)
_PASSING = re.compile(
    r"Throttl|TooManyRequests|SlowDown|Connect|Timeout|MaxRetry|Endpoint|ServiceRequest|ServiceResponse|Transport"
    r"|TemporarilyUnavailable|DeadlineExceeded|Internal(Server)?Error|LimitExceeded"
)
"""Parts of the names that errors and their codes have, where no HTTP status tells."""


def require_package(module: str, extra: str) -> Any:  # noqa: ANN401  # a module
    """Import a library of a cloud.

    Raises:
        UsageError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as exc:
        message = f"the Python package for this is missing: {exc}"
        raise UsageError(message, hint=f"pip install 'trade-ingest[{extra}]'") from None


def platform_error(error: BaseException, subject: str) -> TradeIngestError:
    """The error of ours for what a cloud's library raised.

    Args:
        error: of boto3, google-api-core, azure-core, databricks-sdk, kubernetes or requests.
        subject: what was asked for, as the message names it.
    """
    said = mask_secrets(_first_line(error))[:_LONGEST_SAID]
    status = _status(error)
    own, *others = _names(error)
    is_passing = _PASSING.search(own) or status in _PASSING_STATUS or (status or 0) >= _SERVER_FAILED
    if status in _DENIED_STATUS or (not is_passing and _DENIED.search(" ".join([own, *others]))):
        hint = "check who you are to the cloud, and that it may do this: docs/how-to/cloud-jobs.md"
        return PlatformAuthenticationError(f"{subject}: access denied: {said}", hint=hint)
    if is_passing:
        return PlatformUnavailableError(f"{subject}: the service cannot be used now: {said}", hint="try again later")
    return PlatformError(f"{subject}: refused: {said}", hint="check the names and options that were given")


def _status(error: BaseException) -> int | None:
    """The HTTP status, where the library keeps it."""
    reply: Any = getattr(error, "response", None)
    places = [
        getattr(error, "status_code", None),
        getattr(error, "status", None),
        getattr(error, "code", None),
        reply.get("ResponseMetadata", {}).get("HTTPStatusCode") if isinstance(reply, dict) else None,
        getattr(reply, "status_code", None),
    ]
    return next((int(value) for value in places if isinstance(value, int)), None)


def _names(error: BaseException) -> Iterator[str]:
    """The name of the error's class with its code, then those of the classes that it is made of."""
    reply: Any = getattr(error, "response", None)
    code = reply.get("Error", {}).get("Code", "") if isinstance(reply, dict) else getattr(error, "error_code", "")
    yield f"{type(error).__name__} {code or ''}"
    yield from (kind.__name__ for kind in type(error).__mro__[1:] if kind.__module__ != "builtins")


def _first_line(error: BaseException) -> str:
    text = str(getattr(error, "message", "") or error)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
