"""What all schemas share."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

MAX_ID = 2**63 - 1
MAX_PAGE = 500


class Answer(BaseModel):
    """A part of an answer; made from the objects of the ledger by the names of their attributes."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class Request(BaseModel):
    """Parameters or a body; what is not known is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _without_nul(value: str) -> str:
    if "\0" in value:
        message = "a NUL character is in no text of the ledger"
        raise ValueError(message)
    return value


def _split(value: Any) -> Any:  # noqa: ANN401  # whatever was sent
    return value.split(",") if isinstance(value, str) else value


Text = Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(_without_nul)]
Id = Annotated[int, Field(ge=1, le=MAX_ID, json_schema_extra={"format": "int64"})]
Count = Annotated[int, Field(ge=0, le=MAX_ID, json_schema_extra={"format": "int64"})]
FIRST_DAY = date(1800, 1, 1)
LAST_DAY = date(2199, 12, 31)
"""Of what can be asked for: no trade is older, and every moment between is one in any zone."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def _within_days(value: datetime) -> datetime:
    if not FIRST_DAY.year <= value.year <= LAST_DAY.year:
        message = f"expected a moment from {FIRST_DAY} to {LAST_DAY}"
        raise ValueError(message)
    return value


def _as_written(value: Any) -> Any:  # noqa: ANN401  # whatever was sent; pydantic takes seconds since 1970, too
    if isinstance(value, str) and _DAY.fullmatch(value) is None:
        message = "expected a day such as 2024-03-04"
        raise ValueError(message)
    return value


Moment = Annotated[
    AwareDatetime,
    Field(description="ISO 8601 with a zone, such as 2024-03-04T09:00:00Z."),
    AfterValidator(_within_days),
]
Day = Annotated[date, BeforeValidator(_as_written), Field(ge=FIRST_DAY, le=LAST_DAY)]
CommaSeparated = BeforeValidator(_split)
"""For a tuple in a query: values separated by commas."""

JsonObject = Annotated[dict[str, Any], WithJsonSchema({"type": "object", "additionalProperties": True})]


class Problem(Answer):
    """What went wrong (RFC 9457)."""

    type: str = Field(description="A relative URI of the kind of problem: /problems/ and the code.")
    title: str
    status: int
    detail: str = Field(description="What was found, what was expected, where.")
    instance: str = Field(description="The path that was asked for.")
    code: str = Field(description="Stable; see docs/reference/errors.md.")
    hint: str = Field(description="What to do next, or empty.")
    retryable: bool = Field(description="Whether the same request may succeed later.")
    errors: list[ProblemPlace] = Field(description="Each wrong parameter or part of the body.")
    request_id: str = Field(description="Also in X-Request-ID, and in the server's log.")


class ProblemPlace(Answer):
    """One thing that is wrong with a request."""

    pointer: str = Field(description="A JSON pointer into the body, or /query/NAME.")
    detail: str


class ErrorInfo(Answer):
    """An error that the ledger keeps."""

    code: str
    message: str
    hint: str = ""
    retryable: bool = False


class PageQuery(Request):
    """Which page of a list."""

    limit: int = Field(50, ge=1, le=MAX_PAGE, description="At most so many items.")
    cursor: str | None = Field(
        None,
        min_length=1,
        max_length=4000,
        description="`next_cursor` of the page before, with the same filters and sort.",
    )


class CountedQuery(PageQuery):
    """Which page of a list that is counted on request."""

    include: Annotated[tuple[Literal["total"], ...], CommaSeparated] = Field(
        (), max_length=1, description="`total`: also say how many there are; costs more than the page."
    )


class CountedPage(Answer):
    """What a page of such a list has beside its items."""

    total: int | None = Field(
        None, description="With `include=total`: how many there are with these filters, counted up to 10,000."
    )
    total_is_exact: bool | None = Field(None, description="False: there are at least `total`.")
