"""Secrets out of texts that others wrote."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping

_HIDDEN = "***"
_LEAST_LENGTH = 4  # shorter ones are words that a text needs

SECRET_VARIABLES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_TOKEN",
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_ACCESS_KEY",
    "AZURE_STORAGE_KEY",
    "AZURE_STORAGE_MASTER_KEY",
    "AZURE_STORAGE_SAS_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_STORAGE_TOKEN",
    "AZURE_STORAGE_CLIENT_SECRET",
    "AZURE_STORAGE_CONNECTION_STRING",
    "AZURE_CLIENT_SECRET",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
    "GOOGLE_BEARER_TOKEN",
)
"""Environment variables whose values are secrets."""

_PATTERNS = (
    # parameters of signed addresses, also in percent-encoded copies
    re.compile(
        r"((?:X-(?:Amz|Goog)-(?:Signature|Credential|Security-Token)|sig|signature|AWSAccessKeyId|"
        r"[\w.-]*(?:token|secret|password|api_?key|account_?key))(?:=|%3D))[^&\s\"'<>;,)]+",
        re.IGNORECASE,
    ),
    re.compile(
        r"((?:Bearer|Basic|SharedKey|AWS4-HMAC-SHA256)\s+)[^\s\"<>]+(?:\s*,?\s*\w+=[^\s\",<>]+)*", re.IGNORECASE
    ),
    re.compile(r"(<(?:AWSAccessKeyId|StringToSign|CanonicalRequest|SignatureProvided)>)[^<]*"),
    re.compile(r"(://)[^/@\s:]+:[^/@\s]+(?=@)"),
)


def mask_secrets(text: str, secrets: Iterable[str] = (), *, environment: Mapping[str, str] | None = None) -> str:
    """A text without secrets: the given ones, those of the environment, and whatever looks like one."""
    variables = os.environ if environment is None else environment
    known = {*secrets, *(variables.get(name, "") for name in SECRET_VARIABLES)}
    for secret in sorted((s for s in known if len(s) >= _LEAST_LENGTH), key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\1{_HIDDEN}", text)
    return text
