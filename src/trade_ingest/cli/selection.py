"""The options that choose among the files of sources: ``--from``, ``--to``, ``--include``, ``--exclude``."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from trade_ingest.source.pattern import Selection

_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])


def selection_options(function: _Decorated) -> _Decorated:
    """Add the options, and pass what they say as ``selection``."""

    @functools.wraps(function)
    def with_selection(
        *arguments: Any,
        date_from: str | None,
        date_to: str | None,
        include: tuple[str, ...],
        exclude: tuple[str, ...],
        **options: Any,
    ) -> Any:  # noqa: ANN401  # what the command returns
        from trade_ingest.source.dates import parse_dates
        from trade_ingest.source.pattern import Selection

        selection = Selection(include, exclude, parse_dates(date_from, date_to))
        return function(*arguments, selection=selection, **options)

    decorated: Any = with_selection
    for option in (
        click.option(
            "--exclude",
            metavar="GLOB",
            multiple=True,
            help="Leave files out by name or relative path; may be repeated.",
        ),
        click.option(
            "--include",
            metavar="GLOB",
            multiple=True,
            help="Only files of that name or relative path; may be repeated.",
        ),
        click.option(
            "--to",
            "date_to",
            metavar="DATE",
            help="Only files up to that date: 2024-01-31 (all of it), or 2024-01-31T15:00.",
        ),
        click.option(
            "--from",
            "date_from",
            metavar="DATE",
            help="Only files from that date on, which the source's {date:…} tells.",
        ),
    ):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]  # the function, with options


def selection_flags(selection: Selection) -> list[str]:
    """The options again, as they are typed."""
    return list(_flags(selection))


def _flags(selection: Selection) -> Iterator[str]:
    for name, value in selection.as_dict().items():
        for text in value if isinstance(value, list) else [value]:
            yield from (f"--{name}", str(text))
