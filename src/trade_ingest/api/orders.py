"""What is asked for with a run: checked when it is asked for, kept in the ledger, read again by the run's process."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import psycopg
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trade_ingest.api.allowed import check_sources, offered_contract
from trade_ingest.api.schemas.base import Id, Text
from trade_ingest.contract.model import Contract
from trade_ingest.errors import UsageError
from trade_ingest.ledger.contracts import stored_contract
from trade_ingest.run import RunOptions
from trade_ingest.settings import Layer, Origin, Settings
from trade_ingest.source.dates import parse_dates
from trade_ingest.source.pattern import Selection

Connection = psycopg.Connection[Any]

_REQUEST = Origin(Layer.FLAG, "the request")

MAX_SOURCES = 10_000
MAX_GLOBS = 100

DateOrTime = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?)?$")]


TextOrEmpty = Text | Literal[""]

MaxRejects = Annotated[
    str | None,
    Field(
        pattern=r"^\d{1,18}(,\d{1,3}(\.\d+)?%)?$|^\d{1,3}(\.\d+)?%$",
        max_length=40,
        description="Rejects that a file may have: 10, 1% or 10,1% (more than both fails); none: as the contract says.",
    ),
]


class OrderOptions(BaseModel):
    """How the run works, where not as the server's settings say; Spark is set up by these alone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    engine: Literal["auto", "local", "spark"] | None = Field(None, description="What runs file loads in parallel.")
    parallelism: int | None = Field(None, ge=1, le=1024, description="Files loaded at once.")
    on_changed: Literal["replace", "skip", "append", "fail"] | None = Field(
        None, description="What to do with a loaded file whose content has changed; none: as the contract says."
    )
    max_rejects: MaxRejects = None
    reload: bool = Field(default=False, description="Load rolled-back files again.")


class OrderSelection(BaseModel):
    """Which of the sources' files are taken; what is not given is as the contract's `delivery` says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    include: tuple[Text, ...] = Field((), max_length=MAX_GLOBS, description="Only files that one of these globs fits.")
    exclude: tuple[Text, ...] = Field((), max_length=MAX_GLOBS, description="No files that one of these globs fits.")
    date_from: DateOrTime | None = Field(None, description="Only files from that date on, which `{date:…}` tells.")
    date_to: DateOrTime | None = Field(None, description="Only files up to that date, all of it.")
    settle_seconds: int | None = Field(None, ge=0, le=10**9, description="Leave younger files for later.")
    marker: TextOrEmpty | None = Field(None, description="Only files with that file beside them; empty: without.")
    manifest: TextOrEmpty | None = Field(
        None, description="Only files that this file of their folder lists; empty: without."
    )
    checksum: Literal["auto", "required", "off"] | None = Field(None, description="What is done with checksum files.")

    def chosen(self) -> Selection:
        """What it means.

        Raises:
            UsageError: a glob or a date is wrong.
        """
        values = self.model_dump(exclude={"date_from", "date_to"})
        return Selection(**values, dates=parse_dates(self.date_from, self.date_to))


class RunOrder(BaseModel):
    """What to load; no secrets."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sources: tuple[Text, ...] = Field(
        min_length=1, max_length=MAX_SOURCES, description="Files, folders or patterns, all within what the API allows."
    )
    contract: Text | None = Field(default=None, description="Name of a contract; none: the one that the server has.")
    contract_id: Id | None = Field(default=None, description="A contract as the ledger has it, instead of a name.")
    selection: OrderSelection = Field(default_factory=OrderSelection)
    options: OrderOptions = Field(default_factory=OrderOptions)

    def check(self, settings: Settings, allowed: Sequence[str], connection: Connection) -> None:
        """Refuse what could not be run, before it waits in the queue.

        Raises:
            SourceNotAllowedError, UsageError: a source is not allowed.
            UnknownContractError, NotInLedgerError, ContractError: the contract is none.
            UsageError: an option is wrong.
        """
        check_sources(self.sources, allowed)
        self.contract_of(settings, connection)
        self.run_options(settings)

    def contract_of(self, settings: Settings, connection: Connection) -> Contract:
        """The contract to load by."""
        if self.contract_id is not None:
            return stored_contract(connection, self.contract_id)
        return offered_contract(self.contract, settings)

    def run_options(self, settings: Settings) -> RunOptions:
        """The options of the run: those of the order, else those of the settings."""
        given = {name: getattr(settings, name) for name in settings.model_fields_set}
        asked = self.options.model_dump(exclude_none=True, exclude={"reload"})
        origins = {name: settings.origin_of(name) for name in given} | dict.fromkeys(asked, _REQUEST)
        try:
            settings = Settings(**given | asked).with_origins(origins)
        except ValidationError as exc:
            (problem, *_) = exc.errors(include_url=False, include_input=False)
            message = f"options.{problem['loc'][0]}: {problem['msg']}"
            raise UsageError(message, hint="see the specification of the API") from exc
        return RunOptions.of(settings, reload=self.options.reload, selection=self.selection.chosen())


def fingerprint(requested_by: str, path: str, body: BaseModel) -> bytes:
    """What tells two requests apart: who asks, and for what."""
    text = json.dumps([requested_by, path, body.model_dump(mode="json")], sort_keys=True)
    return hashlib.sha256(text.encode()).digest()
