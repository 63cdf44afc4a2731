"""Contracts as the ledger keeps them."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import psycopg
from psycopg.rows import class_row
from xxhash import xxh3_128_hexdigest

from trade_ingest.contract.model import Contract
from trade_ingest.errors import NotInLedgerError
from trade_ingest.ledger.files import register_contract
from trade_ingest.ledger.rights import naming_ledger_rights


def contract_id_of(connection: psycopg.Connection[Any], contract: Contract) -> int:
    """The ledger's id of a contract, which is stored if it is new; two different texts never share an id."""
    definition = contract.model_dump_json(by_alias=True)
    fingerprint = xxh3_128_hexdigest(definition.encode())
    with naming_ledger_rights(connection):
        return register_contract(connection, contract.name, contract.version, fingerprint, definition)


def stored_contract(connection: psycopg.Connection[Any], contract_id: int) -> Contract:
    """The contract as it was when it was used.

    Raises:
        NotInLedgerError: there is none with that id.
    """
    found = stored_contracts(connection, [contract_id])
    if not found:
        message = f"the ledger has no contract {contract_id}"
        raise NotInLedgerError(message, contract_id=contract_id)
    return found[contract_id]


def stored_contracts(connection: psycopg.Connection[Any], contract_ids: Collection[int]) -> dict[int, Contract]:
    """The contracts of these ids, as far as they are there."""
    rows = connection.execute(
        "SELECT contract_id, definition::text FROM ingest.contract WHERE contract_id = ANY(%s)", [list(contract_ids)]
    )
    return {contract_id: _contract_of(definition) for contract_id, definition in rows}


@lru_cache(maxsize=64)
def _contract_of(definition: str) -> Contract:
    return Contract.model_validate(json.loads(definition))


@dataclass(frozen=True, slots=True)
class StoredContract:
    """A contract that was used; ``fingerprint`` tells texts of the same name and version apart."""

    contract_id: int
    version: int
    fingerprint: str
    created_at: datetime


def list_stored(connection: psycopg.Connection[Any], name: str) -> list[StoredContract]:
    """The contracts of a name that were used, newest first; at most 100."""
    with connection.cursor(row_factory=class_row(StoredContract)) as cursor:
        return cursor.execute(
            "SELECT contract_id, version, fingerprint, created_at FROM ingest.contract WHERE name = %s"
            " ORDER BY contract_id DESC LIMIT 100",
            [name],
        ).fetchall()
