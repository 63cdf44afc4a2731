"""Contracts as the ledger keeps them."""

from __future__ import annotations

from typing import Any

import psycopg
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
    row = connection.execute("SELECT definition FROM ingest.contract WHERE contract_id = %s", [contract_id]).fetchone()
    if row is None:
        message = f"the ledger has no contract {contract_id}"
        raise NotInLedgerError(message, contract_id=contract_id)
    return Contract.model_validate(row[0])
