"""What a request may name: sources within the allow-list, contracts that the operator offers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import unquote

from trade_ingest.contract.loading import builtin_names, load_contract
from trade_ingest.contract.model import Contract
from trade_ingest.errors import SourceNotAllowedError, UnknownContractError, UsageError
from trade_ingest.settings import Settings
from trade_ingest.source.bounds import Bounds
from trade_ingest.source.location import HTTP_SCHEMES, Location, parse_location, shown_source

_WILDCARD = re.compile(r"[*?\[{]")
_DATE_FRAME = re.compile(r"\{\w*:?|\}")
_ESCAPED_SEPARATOR = re.compile(r"%(2e|2f|5c)", re.IGNORECASE)


def default_prefixes(settings: Settings) -> tuple[str, ...]:
    """The allow-list that settings mean: theirs, else the folders of the configured sources, else this folder."""
    if settings.api_sources:
        return settings.api_sources
    return tuple(_literal_folder(source) for source in settings.source) or (str(Path.cwd()),)


def check_sources(sources: Iterable[str], allowed: Sequence[str]) -> None:
    """Refuse sources that are not within one of the allowed folders and URI prefixes.

    A pattern is within what the part before its first wildcard is within; links in that part are followed first. Those
    behind a wildcard are not: a listing has to be told to stay ``within``.

    Raises:
        SourceNotAllowedError: a source is outside.
        UsageError: a source has a secret in it, or is none.
    """
    bounds = Bounds(allowed)
    for source in sources:
        shown = shown_source(source)
        if "\0" in unquote(source) or shown != source or (location := parse_location(source)).query:
            message = f"{shown}: has a secret in it, which would be kept with the run"
            raise UsageError(message, hint="credentials go into a connection of trade-ingest.toml or the environment")
        if _goes_up(source, location) or not bounds.holds(location.at(_literal_folder(location.key))):
            message = f"{source}: lies outside of what may be loaded over the API"
            raise SourceNotAllowedError(message, hint="the operator adds folders and prefixes to api_sources")


def offered_contract(name: str | None, settings: Settings) -> Contract:
    """A built-in contract, or the one that is configured (None or its name); no other file of the server is read.

    Raises:
        UnknownContractError: it is none of them.
        ContractError: the configured one is wrong.
    """
    if name is None or name == settings.contract or name in builtin_names():
        return load_contract(name or settings.contract)
    if not _is_builtin(settings.contract):
        configured = load_contract(settings.contract)
        if name == configured.name:
            return configured
    message = f"no contract {name!r} is offered over the API"
    raise UnknownContractError(message, hint=f"built in: {', '.join(builtin_names())}", name=name)


def _is_builtin(name: str) -> bool:
    return name in builtin_names()


def _literal_folder(source: str) -> str:
    """The source, or of a pattern the part that has no wildcard, up to the end of a folder."""
    match = _WILDCARD.search(source)
    if match is None:
        return source
    return source[: match.start()].rpartition("/")[0] or ("/" if source.startswith("/") else ".")


def _goes_up(source: str, location: Location) -> bool:
    """Whether a name of the source is ``..``, as it is written or as somebody may decode it, or could come to be.

    Behind a wildcard it would lead out again; so would one that is put together from the text of a date.
    """
    if location.scheme in HTTP_SCHEMES and _ESCAPED_SEPARATOR.search(_decoded(source, times=1) + source):
        return True
    return any(".." in re.split(r"[/\\]", _DATE_FRAME.sub("", text)) for text in (source, _decoded(source, times=3)))


def _decoded(text: str, *, times: int) -> str:
    for _ in range(times):
        text = unquote(text)
    return text
