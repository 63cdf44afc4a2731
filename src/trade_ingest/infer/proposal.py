"""A contract proposed for what was found in the samples."""

from __future__ import annotations

import re

from trade_ingest.infer.cells import null_keys, own_columns, place_of, print_amount, reference_to
from trade_ingest.infer.columns import FoundColumn
from trade_ingest.infer.draft import Draft, DraftColumn
from trade_ingest.infer.findings import Findings, Relaxed
from trade_ingest.infer.formats import ignore_without, set_format
from trade_ingest.infer.header import snake_name, snake_names
from trade_ingest.infer.kinds import FileKind
from trade_ingest.infer.moment import Moment, find_moment, stand_in
from trade_ingest.infer.vocabulary import Role

_LAYOUT = "trade_print"
_NOT_TRADES = {
    FileKind.ORDER_EVENTS: "the rows are order events, not trades",
    FileKind.BARS: "the rows are bars, not trades",
    FileKind.QUOTES: "the rows are quotes, not trades",
    FileKind.SUMMARIES: "the rows are summaries of days, not trades",
    FileKind.STATEMENT: "the rows are all movements of an account, not only trades",
    FileKind.UNKNOWN: "the rows are of an unknown kind",
}
_LEG = re.compile(r"(?:.* )?(?:far )?leg[ _-]?[12]\b.*", re.IGNORECASE)
_MOST_NAME = 50  # characters of a table's name: its partitions have longer ones


def propose(findings: Findings, relaxed: Relaxed) -> Draft:
    """The contract, into the shared layout where that holds the rows, else into a table of the file's own."""
    moment = find_moment(findings.roles, findings.path)
    if relaxed.no_time:
        moment = stand_in("no time can be read")
    why_own = relaxed.why_own or _why_own(findings, moment)
    name = feed_name(findings)
    draft = Draft(
        name=name,
        description=f"{findings.kind.kind.value.capitalize()} as in {findings.samples[0].name}",
        head=[],
        format={},
        format_comments={},
        columns=[],
        event_time="",
        table=name,
    )
    set_format(draft, findings)
    if relaxed.no_trailer:
        draft.format.pop("trailer", None)
    if relaxed.ignores_without_time and moment.cells:
        ignore_without(draft, findings, moment)
    if why_own:
        _fill_own(draft, findings, moment, relaxed)
        draft.target_comment = f"A table of its own: {why_own}."
    else:
        _fill_print(draft, findings, moment)
    names = {column.name for column in draft.columns}
    draft.totals = tuple(
        total for total in ("quantity", "quote_quantity") if total in names and _is_number(draft, total)
    )
    uses_symbol = any(column.keys.get("path_group") == "symbol" for column in draft.columns)
    if findings.path.regex and (uses_symbol or moment.uses_path):
        draft.path = findings.path.regex
        draft.path_comment = "What only the files' names say."
    return draft


def _is_number(draft: Draft, name: str) -> bool:
    column = next(column for column in draft.columns if column.name == name)
    return column.type == "integer" or column.type.startswith("decimal")


def feed_name(findings: Findings) -> str:
    """What the contract and its table are called: the file's name without its date and endings."""
    stem = re.sub(r"\d{4}[-_.]?\d{2}[-_.]?\d{2}|\d{4}[-_]\d{2}(?!\d)", "", findings.samples[0].name)
    name = snake_name(stem)[:_MOST_NAME].strip("_")
    if re.fullmatch(r"[a-z][a-z0-9_]?", name):
        name = f"{name}_feed"
    return name if re.fullmatch(r"[a-z][a-z0-9_]{2,}", name) else "proposed_feed"


def _why_own(findings: Findings, moment: Moment) -> str:
    """Why the layout `trade_print` does not hold the rows; empty: it does."""
    roles = findings.roles
    price, quantity, symbol = roles.get(Role.PRICE), roles.get(Role.QUANTITY), roles.get(Role.SYMBOL)
    if findings.kind.kind != FileKind.TRADES:
        return _NOT_TRADES[findings.kind.kind]
    if price is None or quantity is None:
        return f"no column is the {'price' if price is None else 'quantity'}"
    if any(_LEG.match(column.header or "") for column in findings.columns):
        return "deals have several legs, and the layout trade_print has one price and one quantity"
    if moment.expression or "constant" in moment.keys:
        return "the time has to be made of texts" if moment.expression else "no column is a time"
    needed = [*moment.cells, quantity, *([symbol] if symbol else [])]
    if empty := next((column for column in needed if not column.is_full), None):
        return f"{empty.label} is empty in some rows"
    return _why_no_amounts(price, quantity)


def _why_no_amounts(price: FoundColumn, quantity: FoundColumn) -> str:
    for column in (price, quantity):
        if column.numbers is not None and not column.numbers.fits_print:
            return f"{column.label} has up to {column.numbers.decimals} decimals"
    if any(column.numbers is not None and column.numbers.unit for column in (price, quantity)):
        return "amounts have their currency in the same cell"
    return ""


def _time_column(name: str, moment: Moment, findings: Findings) -> DraftColumn:
    keys = dict(moment.keys)
    if moment.template:
        text = "".join(part if isinstance(part, str) else reference_to(part, findings) for part in moment.template)
        keys = {"template": text, **keys}
    elif moment.is_one_cell:
        keys = {**place_of(moment.cells[0], findings), **keys, **null_keys(moment.cells[0])}
    if moment.has_nanoseconds:
        keys["nanoseconds"] = f"{name}_ns"
    places = tuple(column.position for column in moment.cells)
    return DraftColumn(name, "timestamp", keys, moment.evidence, moment.confirm, of=places)


def _fill_print(draft: Draft, findings: Findings, moment: Moment) -> None:
    """Columns of the shared layout; what it has none for goes to `extra`."""
    roles = findings.roles
    draft.layout, draft.table = _LAYOUT, _LAYOUT
    draft.target_comment = "Trades of all feeds in one table."
    draft.event_time = "executed_at"
    venue = roles.get(Role.VENUE)
    if venue is not None and venue.is_full and venue.kind == "text":
        draft.columns.append(
            DraftColumn("venue", "text", place_of(venue, findings), venue.evidence_of_text, of=(venue.position,))
        )
    else:
        draft.columns.append(DraftColumn("venue", "text", {"constant": "unknown"}, confirm="put in the venue's name"))
    draft.columns.append(_symbol(findings))
    trade_id, key = roles.get(Role.TRADE_ID), findings.key
    if trade_id is not None and key.is_unique and trade_id.is_full:
        draft.columns.append(
            DraftColumn(
                "trade_id", "text", place_of(trade_id, findings), trade_id.evidence_of_text, of=(trade_id.position,)
            )
        )
        draft.key = ("trade_id", "symbol", "venue")
        draft.key_comment = f"{key.evidence}; CONFIRM: unique in every file, too"
    else:
        draft.key_comment = key.evidence
    draft.columns.append(_time_column("executed_at", moment, findings))
    for role in (Role.PRICE, Role.QUANTITY):
        draft.columns.append(print_amount(roles.columns[role], role.value, findings))
        if roles.is_guessed:
            draft.columns[-1].confirm = f"taken for the {role.value} by its values"
    quote = roles.get(Role.QUOTE_QUANTITY)
    if quote is not None and quote.numbers is not None and quote.numbers.fits_print and not quote.numbers.unit:
        draft.columns.append(print_amount(quote, "quote_quantity", findings))
        draft.columns[-1].keys["required"] = False
    if (side := roles.get(Role.SIDE)) is not None and roles.sides:
        draft.columns.append(_side(side, findings))
    if (currency := roles.get(Role.CURRENCY)) is not None:
        keys = {**place_of(currency, findings), "required": False}
        draft.columns.append(DraftColumn("currency", "text", keys, currency.evidence_of_text, of=(currency.position,)))
    sequence = roles.get(Role.SEQUENCE)
    if sequence is not None:
        keys = {**place_of(sequence, findings), "required": False}
        draft.columns.append(
            DraftColumn("sequence_number", "integer", keys, sequence.evidence, of=(sequence.position,))
        )
    _add_extra(draft, findings)


def _symbol(findings: Findings) -> DraftColumn:
    symbol = findings.roles.get(Role.SYMBOL)
    if symbol is not None:
        return DraftColumn("symbol", "text", place_of(symbol, findings), symbol.evidence_of_text, of=(symbol.position,))
    if findings.path.symbol:
        found = f"{findings.path.symbol}, of the file's name"
        return DraftColumn(
            "symbol", "text", {"path_group": "symbol"}, found, confirm="the symbol is in the file's name"
        )
    return DraftColumn("symbol", "text", {"constant": "UNKNOWN"}, confirm="neither the rows nor the name have one")


def _side(side: FoundColumn, findings: Findings) -> DraftColumn:
    keys = {**place_of(side, findings), "values": findings.roles.sides, **null_keys(side), "required": False}
    found = DraftColumn("side", "enum", keys, side.evidence, of=(side.position,))
    words = set(findings.roles.sides)
    if side.kind == "boolean" or words <= {"0", "1", "2", "-1"}:
        found.confirm = "which of them bought; and is it the aggressor's side?"
    return found


def _add_extra(draft: Draft, findings: Findings) -> None:
    """What no column takes, as JSON."""
    taken = {place for column in draft.columns for place in column.of}
    left = [column for column in findings.columns if column.position not in taken]
    if not findings.by_position:
        if left:
            comment = (
                f"the other columns: {', '.join(column.label for column in left[:6])}{' …' if len(left) > 6 else ''}"  # noqa: PLR2004
            )
            draft.columns.append(DraftColumn("extra", "json", {"members": "rest", "required": False}, comment))
        return
    left = [column for column in left if not column.is_empty]
    if left:
        names = snake_names(column.header or f"field_{column.position}" for column in left)
        members = {name: str(column.position) for name, column in zip(names, left, strict=True)}
        draft.columns.append(DraftColumn("extra", "json", {"members": members, "required": False}, "the other columns"))
    if max((place for place in taken | {c.position for c in left}), default=0) < findings.dialect.width:
        draft.ignores_unknown = True  # the last columns are always empty


def _fill_own(draft: Draft, findings: Findings, moment: Moment, relaxed: Relaxed) -> None:
    """A column for each of the file's, and one for the event time if that is none of them."""
    names = snake_names(column.header or f"field_{column.position}" for column in findings.columns)
    if findings.roles.is_guessed:
        names = _names_by_role(findings, names)
    if findings.kind.names:
        names = [*findings.kind.names, *names[len(findings.kind.names) :]]
    event_time = ""
    for column, name in zip(findings.columns, names, strict=True):
        found = own_columns(column, name, findings)
        if moment.expression and any(cell is column for cell in moment.cells):  # SQL takes it apart as a text
            kept = {key: value for key, value in found[0].keys.items() if key in {"position", "source", "required"}}
            found = [DraftColumn(name, "text", kept, column.evidence_of_text, of=(column.position,))]
        if moment.is_one_cell and moment.cells[0] is column and "constant" not in moment.keys:
            event_time = name
            found = [_time_column(name, moment, findings)]
        draft.columns += [_relaxed(made, relaxed) if made.name != event_time else made for made in found]
    taken = {column.name for column in draft.columns}
    if not event_time:
        event_time = next(
            name for name in ("executed_at", "happened_at", "event_time_utc", "event_at_") if name not in taken
        )
        draft.columns.append(_made_time(event_time, moment, findings, names))
    draft.event_time = event_time
    key_names = tuple(names[column.position - 1] for column in findings.key.columns)
    is_full = all(column.is_full for column in findings.key.columns)
    if findings.key.is_unique and is_full and findings.kind.kind == FileKind.TRADES:
        draft.key = tuple(dict.fromkeys(key_names))
        draft.key_comment = f"{findings.key.evidence}; CONFIRM: unique in every file, too"
        for made in draft.columns:
            if made.name in draft.key:
                made.keys.pop("required", None)
    else:
        draft.key_comment = findings.key.evidence


def _made_time(name: str, moment: Moment, findings: Findings, names: list[str]) -> DraftColumn:
    if not moment.expression:
        return _time_column(name, moment, findings)
    texts = [names[column.position - 1] for column in moment.cells]
    keys: dict[str, object] = {"expression": moment.expression.format(*texts)}
    return DraftColumn(name, "timestamp", keys, moment.evidence, moment.confirm)


def _relaxed(column: DraftColumn, relaxed: Relaxed) -> DraftColumn:
    if column.name in relaxed.as_text:
        kept = {key: value for key, value in column.keys.items() if key in {"position", "source", "template"}}
        column.type, column.keys, column.confirm = "text", {**kept, "required": False}, ""
        column.comment += "; text, as some cells are otherwise"
    elif column.name in relaxed.optional:
        column.keys["required"] = False
    return column


def _names_by_role(findings: Findings, names: list[str]) -> list[str]:
    """Names for columns without a header, by what they are taken for."""
    roles = {Role.TIME: "happened_at", Role.DATE: "date", Role.CLOCK: "time"}
    found = {column.position: roles.get(role, role.value) for role, column in findings.roles.columns.items()}
    return [found.get(i, name) for i, name in enumerate(names, 1)]
