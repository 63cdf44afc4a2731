"""Where a source is: its scheme, its store and its key, in the one form that the ledger keeps.

No location shows a secret: user names and tokens in a URI are refused, and the signature of a signed ``https://``
address is kept apart from the URI, in memory only.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from trade_ingest.errors import UsageError

BUCKET_SCHEMES = {"s3": "s3", "s3a": "s3", "s3n": "s3", "gs": "gs", "gcs": "gs"}
AZURE_SCHEMES = frozenset({"az", "abfs", "abfss", "wasb", "wasbs"})
HTTP_SCHEMES = frozenset({"http", "https"})

_EXPECTED = "a path, file://, s3://, gs://, az://container@account/, abfss://, https://, dbfs:/ or /Volumes/"
_AZURE_HOST = re.compile(r"(?P<account>[^.]+)\.(?:blob|dfs)\.core\.windows\.net")
_ACCOUNT_VARIABLES = ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT")
_PORTS = {"http": 80, "https": 443}


class LiteralSource(str):
    """A source that is the path or URI of one file, as a listing gives it: no character in it is a wildcard."""

    __slots__ = ()


_SIGNATURE = re.compile(
    r"x-amz-(signature|credential|security-token)|x-goog-(signature|credential)|sig|signature", re.IGNORECASE
)
"""A query with such a parameter is the work of a signer: no part of it says which object is meant."""

_SECRET = re.compile(
    r"(.*[_-])?(access_?key(_?id)?|api_?key|auth|authorization|credentials?|jwt|key|password|passwd|pwd|sas|secret|token)",
    re.IGNORECASE,
)
"""Names of parameters that are secrets by themselves."""


@dataclass(frozen=True, slots=True)
class Location:
    """One place in one store.

    Attributes:
        scheme: ``file``, ``s3``, ``gs``, ``az``, ``https`` or ``http``.
        store: the bucket, ``container@account`` or the host; empty for files.
        key: the object's key, a prefix or a pattern; of files the absolute path.
        query: the whole query of an ``https`` address that has a secret, else empty; never shown.
    """

    scheme: str
    store: str
    key: str
    query: str = field(default="", repr=False)

    @property
    def is_local(self) -> bool:
        """Whether it is a path of this machine."""
        return self.scheme == "file"

    @property
    def uri(self) -> str:
        """The canonical form, which has no secret: a path for files."""
        return self.key if self.is_local else f"{self.scheme}://{self.store}/{self.key}"

    def at(self, key: str) -> Location:
        """Another key of the same store."""
        return replace(self, key=key)


def parse_location(source: str, *, environment: Mapping[str, str] | None = None) -> Location:
    """Read a source: a path or a URI, with or without wildcards.

    Args:
        source: ``s3a`` and ``s3n`` are ``s3``, ``gcs`` is ``gs``, ``abfs(s)`` and ``wasb(s)`` are ``az``; ``dbfs:/x``
            is the path ``/dbfs/x``. Keys are taken as they are, without percent-decoding.
        environment: where ``az://container/…`` finds its account; None: that of the process.

    Raises:
        UsageError: the scheme is not supported, a part is missing, or there is a secret in it.
    """
    try:
        parts = urlsplit(source)
    except ValueError:
        raise _bad_host(source) from None
    if len(parts.scheme) <= 1:  # a single letter is a Windows drive, not a scheme
        return _local(source)
    if parts.scheme == "file":
        return _local(_file_path(source, parts))
    if parts.scheme == "dbfs":
        path = "/" + source.partition(":")[2].lstrip("/")
        return _local(path if path.startswith("/Volumes/") else f"/dbfs{path}")
    if parts.scheme in HTTP_SCHEMES:
        return _http(source, parts)
    if parts.scheme not in BUCKET_SCHEMES and parts.scheme not in AZURE_SCHEMES:
        message = f"{shown_source(source)}: scheme {parts.scheme!r} is not supported; expected {_EXPECTED}"
        raise UsageError(message, hint="copy the files to a local folder first")
    _refuse_signature(source)
    store, _, key = source.partition(":")[2].removeprefix("//").partition("/")
    if parts.scheme in AZURE_SCHEMES:
        return Location("az", _azure_store(source, store, environment), key)
    if not store or "@" in store:
        found = "names no bucket" if not store else "has credentials in it"
        message = f"{shown_source(source)}: {found}; expected {BUCKET_SCHEMES[parts.scheme]}://bucket/key"
        raise UsageError(message, hint="credentials go into a connection of trade-ingest.toml or the environment")
    return Location(BUCKET_SCHEMES[parts.scheme], store, key)


def canonical_uri(source: str) -> str:
    """The form of a source that the ledger keeps.

    Raises:
        UsageError: see ``parse_location``.
    """
    return parse_location(source).uri


def shown_source(source: str) -> str:
    """A source as it may be shown, logged and recorded: without user names, passwords and secret parameters."""
    scheme, separator, rest = source.partition("://")
    if not separator:
        return source
    if scheme.lower() in HTTP_SCHEMES:
        rest, _, query = rest.partition("#")[0].partition("?")
        kept = public_query(query)
        rest += f"?{kept}" if kept else ""
    elif _has_signature(rest):
        rest = rest.partition("?")[0]
    authority, slash, path = rest.partition("/")
    user, at, host = authority.rpartition("@")
    if at and (scheme.lower() not in AZURE_SCHEMES or ":" in user):
        authority = f"***@{host}"
    return f"{scheme}://{authority}{slash}{path}"


def public_query(query: str) -> str:
    """What of an address's query belongs to the object's name.

    Nothing of a signed one (S3, Google, Azure, CloudFront); else all but the parameters whose names are those of
    secrets, such as ``token`` or ``api_key``.
    """
    names = [name for name, _ in parse_qsl(query, keep_blank_values=True)]
    if any(_SIGNATURE.fullmatch(name) for name in names):
        return ""
    return "&".join(
        part for part in query.split("&") if part and not _SECRET.fullmatch(unquote(part.partition("=")[0]))
    )


def _local(path: str) -> Location:
    return Location("file", "", os.path.abspath(os.path.expanduser(path)))


def _file_path(source: str, parts: SplitResult) -> str:
    if parts.netloc.lower() not in {"", "localhost"}:
        message = f"{shown_source(source)}: names the host {parts.netloc.rpartition('@')[2]!r}, expected a path"
        hint = f"a file:// address has three slashes: file:///{parts.netloc.rpartition('@')[2]}{parts.path}"
        raise UsageError(message, hint=f"{hint}; a relative path has no file://")
    return unquote(parts.path)


def _bad_host(source: str) -> UsageError:
    message = f"{shown_source(source)}: the host or the port is not valid"
    return UsageError(message, hint="expected https://host/path or https://host:port/path, with a port up to 65535")


def _http(source: str, parts: SplitResult) -> Location:
    shown = shown_source(source)
    if parts.username is not None or parts.password is not None:
        message = f"{shown}: has a user name in it"
        raise UsageError(message, hint="give a token in a connection of trade-ingest.toml")
    if not parts.hostname or parts.path in {"", "/"}:
        raise UsageError(f"{shown}: names no object", hint=f"{parts.scheme}:// takes single objects, not folders")
    try:
        port = parts.port
    except ValueError:
        raise _bad_host(source) from None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    store = host if port in {None, _PORTS[parts.scheme]} else f"{host}:{port}"
    kept = public_query(parts.query)
    key = quote(parts.path[1:], safe="/%:@!$&'()*+,;=~") + (f"?{kept}" if kept else "")
    return Location(parts.scheme, store, key, "" if kept == parts.query else parts.query)


def _azure_store(source: str, store: str, environment: Mapping[str, str] | None) -> str:
    container, at, host = store.partition("@")
    environment = os.environ if environment is None else environment
    if not at:
        host = next((environment[name] for name in _ACCOUNT_VARIABLES if environment.get(name)), "")
    if not container or not host or ":" in store or "@" in host:
        message = f"{shown_source(source)}: expected az://container@account/key"
        raise UsageError(message, hint="name container and account; keys and tokens go into trade-ingest.toml")
    match = _AZURE_HOST.fullmatch(host)
    return f"{container}@{match['account'] if match else host}"


def _refuse_signature(source: str) -> None:
    if _has_signature(source):
        message = f"{shown_source(source)}: has a signature or token in it, which would end up in the ledger"
        hint = "give it as sas_token in a connection of trade-ingest.toml or as AZURE_STORAGE_SAS_TOKEN"
        raise UsageError(message, hint=hint)


def _has_signature(text: str) -> bool:
    _, _, query = text.partition("?")
    return any(_SIGNATURE.fullmatch(name) for name, _ in parse_qsl(query, keep_blank_values=True))
