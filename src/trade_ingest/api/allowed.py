"""What a request may name: sources within the allow-list, contracts that the operator offers."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from trade_ingest.contract.loading import builtin_names, load_contract
from trade_ingest.contract.model import Contract
from trade_ingest.errors import SourceNotAllowedError, UnknownContractError, UsageError
from trade_ingest.settings import Settings
from trade_ingest.source.location import parse_location, shown_source

_WILDCARD = re.compile(r"[*?\[{]")


def default_prefixes(settings: Settings) -> tuple[str, ...]:
    """The allow-list that settings mean: theirs, else the folders of the configured sources, else this folder."""
    if settings.api_sources:
        return settings.api_sources
    return tuple(_literal_folder(source) for source in settings.source) or (str(Path.cwd()),)


def check_sources(sources: Iterable[str], allowed: Sequence[str]) -> None:
    """Refuse sources that are not within one of the allowed folders and URI prefixes.

    A pattern is within what the part before its first wildcard is within; links in that part are followed first.

    Raises:
        SourceNotAllowedError: a source is outside.
        UsageError: a source has a secret in it, or is none.
    """
    prefixes = [_canonical(prefix) for prefix in allowed]
    for source in sources:
        shown = shown_source(source)
        if "\0" in source or shown != source or parse_location(source).query:
            message = f"{shown}: has a secret in it, which would be kept with the run"
            raise UsageError(message, hint="credentials go into a connection of trade-ingest.toml or the environment")
        place = _canonical(_literal_folder(source))
        # after a wildcard, `..` would lead out again
        if ".." in source.split("/") or not any(_is_within(place, prefix) for prefix in prefixes):
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


def _canonical(place: str) -> str:
    location = parse_location(place)
    return os.path.realpath(location.key) if location.is_local else location.uri


def _is_within(place: str, prefix: str) -> bool:
    folder = prefix.rstrip("/")
    return place.rstrip("/") == folder or place.startswith(folder + "/")
