"""One invocation of the program: the options common to all commands, and what follows from them.

A command declares which of the common options it has, and takes the invocation::

    @click.command()
    @common_options("database", "contract", "output")
    @click.pass_obj
    def command(invocation: Invocation) -> None:
        files = list_ledger_files(invocation.database)
        invocation.output.table(files, COLUMNS, schema="trade-ingest.files/1")
        invocation.say("see one with: trade-ingest files ID")
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import click

from trade_ingest.cli.output import FORMATS, Output
from trade_ingest.source.location import shown_source

if TYPE_CHECKING:
    from trade_ingest.contract.model import Contract
    from trade_ingest.settings import Settings

_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])

LOG_LEVELS = ("debug", "info", "warning", "error")


@dataclass
class Invocation:
    """What the user asked for, apart from the command's own arguments.

    Attributes:
        flags: settings given as options, by setting name; only those that were given.
        is_debug: show tracebacks and log all.
        is_quiet: no progress, no hints; results and errors only.
        config_file: instead of ``trade-ingest.toml`` in the current folder.
        secret_settings: settings that win over all others and are in no message: secrets.
        outcome: what a run did, once it has ended.
        failure: what ended the command, if something did.
        files_from: the file that names the files to load, one on a line; ``-``: stdin.
    """

    flags: dict[str, Any] = field(default_factory=dict)
    is_debug: bool = False
    is_quiet: bool = False
    config_file: str | None = None
    secret_settings: dict[str, Any] = field(default_factory=dict, repr=False)
    outcome: dict[str, Any] | None = None
    failure: BaseException | None = None
    files_from: str | None = None

    @cached_property
    def settings(self) -> Settings:
        """The settings, options included.

        Raises:
            ConfigurationError: settings are wrong; all problems are listed.
        """
        from trade_ingest.settings import load_settings

        settings = load_settings(flags={**self.flags, **self.secret_settings}, config_file=self.config_file)
        _set_up_logging("debug" if self.is_debug else settings.log_level)
        return settings

    @cached_property
    def output(self) -> Output:
        """Writes results to stdout in the form asked for."""
        return Output.of(self.settings.output)

    @cached_property
    def database(self) -> str:
        """The URL of the database; starts the embedded server if no other is configured, and says so.

        Raises:
            EmbeddedDatabaseError: it cannot be started.
        """
        from trade_ingest.settings import resolve_database

        if self.settings.database_url is None:
            self.say_embedded()
        return resolve_database(self.settings)

    @cached_property
    def contract(self) -> Contract:
        """The contract asked for: a built-in one, a file, or an object such as ``s3://bucket/contract.yaml``.

        Raises:
            UnknownContractError: there is none of that name.
            ContractError: it is wrong; all problems are listed.
            StoreError: the object cannot be read; the subclass says why.
        """
        from trade_ingest.contract.loading import load_contract, parse_contract

        name = self.settings.contract
        if "://" not in name:
            return load_contract(name)
        from trade_ingest.source.small_objects import read_small

        text = read_small(name, self.settings.store_connections).decode("utf-8-sig", "replace")
        return parse_contract(text, origin=shown_source(name))

    def say_embedded(self) -> None:
        """Say that the embedded server is used, and where its data is."""
        from trade_ingest.settings import embedded_data_dir

        self.say(f"no --database: using the embedded PostgreSQL in {embedded_data_dir(self.settings)}")

    def say(self, message: str = "") -> None:
        """Tell the user something that is no result, on stderr; nothing with ``--quiet``."""
        if not self.is_quiet:
            print(message, file=sys.stderr, flush=True)  # noqa: T201


def common_options(*names: str) -> Callable[[_Decorated], _Decorated]:
    """Add options of ``database``, ``contract`` and ``output`` to a command; their values go to the invocation."""

    def decorate(function: _Decorated) -> _Decorated:
        for name in reversed(names):
            function = _COMMON[name](function)
        return function

    return decorate


def is_given(parameter: str, ctx: click.Context | None = None) -> bool:
    """Whether the user gave a parameter of the current command, though it may be as its default."""
    source = (ctx or click.get_current_context()).get_parameter_source(parameter)
    return source is click.core.ParameterSource.COMMANDLINE


def setting_option(*declarations: str, setting: str, **attributes: Any) -> Callable[[_Decorated], _Decorated]:
    """An option that, if it is given, overrides a setting; a flag given as its default counts as given too."""

    def note(ctx: click.Context, parameter: click.Parameter, value: object) -> None:
        if is_given(str(parameter.name), ctx):
            ctx.ensure_object(Invocation).flags[setting] = value

    attributes["help"] = f"{attributes.get('help', '')} [env: TRADE_INGEST_{setting.upper()}]"
    return click.option(*declarations, callback=note, expose_value=False, **attributes)


_COMMON: dict[str, Callable[[Any], Any]] = {
    "database": setting_option(
        "--database", setting="database_url", metavar="URL", help="PostgreSQL URL; default: the embedded server."
    ),
    "contract": setting_option(
        "--contract", setting="contract", metavar="NAME|FILE", help="A built-in contract or a YAML file."
    ),
    "output": setting_option(
        "-o", "--output", setting="output", type=click.Choice(FORMATS), help="How results are printed."
    ),
}


def add_global_options(command: click.Command, *, hidden: bool = True) -> None:
    """Let a command and its subcommands take the global options too, so that they may stand anywhere."""
    known = {name for parameter in command.params for name in parameter.opts}
    for option in _global_options(hidden=hidden):
        if not known & set(option.opts):
            command.params.append(option)
    if isinstance(command, click.Group) and hidden:
        for subcommand in command.commands.values():
            add_global_options(subcommand)


def _global_options(*, hidden: bool) -> list[click.Option]:
    common: dict[str, Any] = {"expose_value": False, "hidden": hidden}
    return [
        click.Option(
            ["-q", "--quiet"], is_flag=True, callback=_note("is_quiet"), help="No progress and hints.", **common
        ),
        click.Option(
            ["--debug"], is_flag=True, callback=_note("is_debug"), help="Log everything; show tracebacks.", **common
        ),
        click.Option(
            ["--log-level"],
            type=click.Choice(LOG_LEVELS),
            callback=_note_log_level,
            help="What is logged to stderr. [env: TRADE_INGEST_LOG_LEVEL]",
            **common,
        ),
        click.Option(
            ["--config-file"],
            metavar="FILE",
            callback=_note("config_file"),
            help="Instead of trade-ingest.toml in this folder.",
            **common,
        ),
    ]


def _note(attribute: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def note(ctx: click.Context, parameter: click.Parameter, value: object) -> None:  # noqa: ARG001  # click's order
        if value:
            setattr(ctx.ensure_object(Invocation), attribute, value)

    return note


def _note_log_level(ctx: click.Context, parameter: click.Parameter, value: str | None) -> None:  # noqa: ARG001
    if value is not None:
        ctx.ensure_object(Invocation).flags["log_level"] = value


def show_version(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:  # noqa: ARG001, FBT001
    """Print the program's version and end."""
    if value:
        from importlib.metadata import version

        click.echo(f"trade-ingest {version('trade-ingest')}")
        ctx.exit()


def _set_up_logging(level: str) -> None:
    handler = _StderrHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("trade_ingest").setLevel(level.upper())


class _StderrHandler(logging.Handler):
    """Writes to what ``sys.stderr`` is at the time, which a live display replaces."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stderr)  # noqa: T201
