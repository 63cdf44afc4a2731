"""Reference pages from the code: ``python -m trade_ingest.cli.reference cli|errors|reject-codes``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from inspect import cleandoc

import click

from trade_ingest.cli.main import COMMANDS, make_program
from trade_ingest.errors import OUTCOMES, TradeIngestError
from trade_ingest.parse.reject import ReasonCode

_CLI = """\
# Commands

This page is generated from the program (`make docs`); `trade-ingest COMMAND --help` says the same.

Options that name an environment variable are settings: they can also be set in the environment, in `.env` and in
`trade-ingest.toml`. `trade-ingest config show --origin` shows what is in effect. stdout is data, stderr is progress and
hints. `--quiet`, `--debug`, `--log-level` and `--config-file` may stand before or after the command.
"""

_ERRORS = """\
# Errors

This page is generated from `trade_ingest.errors.OUTCOMES` (`make docs`).

The program writes `error[code]: what was found, expected, where` and `hint: what to do next` to stderr and ends with
the exit code of the error. `-o json` has `code`, `message`, `hint` and `retryable` for each file that failed. A run
ends with 3 if all files that failed did so with retryable errors, with 1 if one did not. The HTTP status is what a
server that wraps the functions should answer.
"""

_REJECT_CODES = """\
# Reject codes

This page is generated from `trade_ingest.parse.reject.ReasonCode` (`make docs`).

Each reject has one reason or more; each reason has a code, and a column and a value where one cell is to blame. The
name of a rule of the contract is a code too.
"""

REASONS: dict[ReasonCode, tuple[str, str]] = {
    ReasonCode.MALFORMED_RECORD: (
        "row",
        "Its quotes break the format's rules, or it is longer than `max_record_bytes`.",
    ),
    ReasonCode.FIELD_COUNT: ("row", "It has more or fewer fields than the header, or than the contract's positions."),
    ReasonCode.NUL_BYTE: ("row", "It has a NUL byte."),
    ReasonCode.BAD_ENCODING: ("row", "It has bytes that are not text in the file's encoding."),
    ReasonCode.NULL_VALUE: ("cell", "It is empty or a null token, and the column is required."),
    ReasonCode.INVALID_INTEGER: ("cell", "It is no whole number."),
    ReasonCode.INTEGER_OUT_OF_RANGE: ("cell", "It is a whole number beyond 64 bits."),
    ReasonCode.INVALID_DECIMAL: ("cell", "It is no number."),
    ReasonCode.SCALE_EXCEEDED: ("cell", "It has more decimals than the type; zeros at the end do not count."),
    ReasonCode.PRECISION_EXCEEDED: ("cell", "It has more digits before the decimal mark than the type."),
    ReasonCode.INVALID_BOOLEAN: ("cell", "It is neither one of `true_tokens` nor of `false_tokens`."),
    ReasonCode.INVALID_DATE: ("cell", "It is no date of the declared format, or a day that does not exist."),
    ReasonCode.INVALID_TIMESTAMP: ("cell", "It is no time of the declared format, or one that does not exist."),
    ReasonCode.TIMESTAMP_TOO_PRECISE: (
        "cell",
        "It has digits below the microsecond, and the column no `nanoseconds`; or digits below the nanosecond.",
    ),
    ReasonCode.TIMESTAMP_OUT_OF_RANGE: (
        "cell",
        "It is not in the years 1 to 9999 in UTC, or its nanoseconds do not fit 64 bits.",
    ),
    ReasonCode.AMBIGUOUS_TIME: ("cell", "The local time happens twice in its zone, as clocks are set back."),
    ReasonCode.NONEXISTENT_TIME: ("cell", "The local time never happens in its zone, as clocks are set forward."),
    ReasonCode.INVALID_UUID: ("cell", "It is no UUID in the form 8-4-4-4-12."),
    ReasonCode.INVALID_JSON: ("cell", "It is no JSON, or JSON that a `jsonb` cannot hold."),
    ReasonCode.NOT_IN_VALUES: ("cell", "It is none of the enum's `values`."),
    ReasonCode.BELOW_MIN: ("cell", "It is below `min`, or not above `greater_than`; an event time before 1900."),
    ReasonCode.ABOVE_MAX: ("cell", "It is above `max`, or not below `less_than`; an event time after 2100."),
    ReasonCode.TOO_LONG: ("cell", "It has more characters than `max_length`."),
    ReasonCode.REGEX_MISMATCH: ("cell", "It does not match `regex` as a whole."),
    ReasonCode.FAILED_CHECK: ("cell", "It is not in the code list, or its check digit is wrong (`check`)."),
    ReasonCode.EXPRESSION_FAILED: (
        "row",
        "The column's `expression` gives no value, and the column is required; or a rule fails: `value` names it.",
    ),
    ReasonCode.KEY_CONFLICT: (
        "row",
        "A row with its key is loaded already, with other content; `value` names the file.",
    ),
}
"""What each code is about, a row or a cell, and when it is given."""


def cli_text() -> str:
    """The page of commands, in Markdown, with a final newline."""
    program = make_program()
    context = click.Context(program, info_name="trade-ingest")
    lines = [_CLI]
    for name, (_, summary) in COMMANDS.items():
        command = program.get_command(context, name)
        assert command is not None
        lines += _command(command, click.Context(command, info_name=name, parent=context), summary, level=2)
    lines += ["## Options of all commands\n", *_options(program, context), "\n## Exit codes\n"]
    epilog = cleandoc(program.epilog or "")
    codes = next(part for part in epilog.split("\b\n") if part.startswith("Exit codes:"))
    lines += ["```text", codes.partition("\n")[2].partition("\n\n")[0], "```"]
    return "\n".join(lines) + "\n"


def _command(command: click.Command, context: click.Context, summary: str, *, level: int) -> Iterator[str]:
    yield f"{'#' * level} {context.command_path.removeprefix('trade-ingest ')}\n"
    about, _, examples = cleandoc(command.help or "").partition("\b\n")
    yield f"{_paragraphs(about) or summary}\n"
    pieces = " ".join(command.collect_usage_pieces(context))
    yield f"```text\n{context.command_path} {pieces}\n```\n"
    if options := list(_options(command, context)):
        yield from [*options, ""]
    if examples:
        yield "\n".join(["```sh", *(line.strip() for line in examples.splitlines()[1:]), "```\n"])
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from _command(child, click.Context(child, info_name=name, parent=context), "", level=level + 1)


def _paragraphs(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in text.strip().split("\n\n"))


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    records = [
        record
        for option in command.get_params(context)
        if isinstance(option, click.Option)
        and "--help" not in option.opts
        and (record := option.get_help_record(context))
    ]
    if not records:
        return
    yield "| option | |"
    yield "|---|---|"
    for names, text in records:
        cells = (f"`{names}`".replace("|", "\\|"), " ".join(text.split()).replace("|", "\\|"))
        yield "| " + " | ".join(cells) + " |"


def errors_text() -> str:
    """The page of errors, in Markdown, with a final newline."""
    rows = [
        f"| `{cls.code}` | {_first_sentence(cls)} | {outcome.exit_code} | {outcome.http_status}"
        f" | {'yes' if cls.retryable else ''} | `{cls.__name__}` |"
        for cls, outcome in OUTCOMES.items()
    ]
    head = ["| code | meaning | exit code | HTTP | retryable | class |", "|---|---|---|---|---|---|"]
    return "\n".join([_ERRORS, *head, *rows]) + "\n"


def _first_sentence(cls: type[TradeIngestError]) -> str:
    text = "Something that is not foreseen: a defect." if cls is TradeIngestError else cleandoc(cls.__doc__ or "")
    return text.splitlines()[0].replace("``", "`")


def reject_codes_text() -> str:
    """The page of reject codes, in Markdown, with a final newline."""
    rows = [f"| `{code}` | {REASONS[code][0]} | {REASONS[code][1]} |" for code in ReasonCode]
    return "\n".join([_REJECT_CODES, "| code | of a | meaning |", "|---|---|---|", *rows]) + "\n"


PAGES = {"cli": cli_text, "errors": errors_text, "reject-codes": reject_codes_text}
"""The pages by name: ``docs/reference/<name>.md``."""


if __name__ == "__main__":
    sys.stdout.write(PAGES[sys.argv[1]]())
