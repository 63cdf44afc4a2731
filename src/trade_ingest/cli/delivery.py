"""The options that say when a file is whole: ``--settle``, ``--marker``, ``--manifest``, ``--checksum``."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from trade_ingest.source.pattern import Selection

_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])


def delivery_options(function: _Decorated) -> _Decorated:
    """Add the options to a command that has those of ``selection_options``, and pass them in its ``selection``."""

    @functools.wraps(function)
    def with_delivery(
        *arguments: Any,
        selection: Selection,
        settle: int | None,
        marker: str | None,
        manifest: str | None,
        checksum: str | None,
        **options: Any,
    ) -> Any:  # noqa: ANN401  # what the command returns
        chosen = replace(selection, settle_seconds=settle, marker=marker, manifest=manifest, checksum=checksum)
        return function(*arguments, selection=chosen, **options)

    decorated: Any = with_delivery
    for option in (
        click.option(
            "--checksum",
            type=click.Choice(["auto", "required", "off"]),
            help="auto: files with a .CHECKSUM, .sha256, .sha1 or .md5 beside them must be as it says; required: files"
            " without one are left for later.",
        ),
        click.option(
            "--manifest", metavar="NAME", help="Only files that this file of their folder lists, when all are there."
        ),
        click.option(
            "--marker",
            metavar="NAME",
            help="Only files with this file beside them: _SUCCESS, or '{name}.done'; '' for none.",
        ),
        click.option(
            "--settle",
            metavar="SECONDS",
            type=click.IntRange(min=0),
            help="Leave files that changed within so many seconds for later.",
        ),
    ):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]  # the function, with options
