"""``trade-ingest completion``: completion of commands and options in the shell."""

from __future__ import annotations

import click

SHELLS = ("bash", "zsh", "fish")
_VARIABLE = "_TRADE_INGEST_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    """Print the completion script of SHELL.

    \b
    Examples:
      trade-ingest completion bash > ~/.local/share/bash-completion/completions/trade-ingest
      trade-ingest completion zsh > ~/.zfunc/_trade-ingest
      trade-ingest completion fish > ~/.config/fish/completions/trade-ingest.fish
    """  # noqa: D301  # \b keeps click from joining the lines
    from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

    classes: dict[str, type[ShellComplete]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
    complete = classes[shell](click.Command("trade-ingest"), {}, "trade-ingest", _VARIABLE)
    # not .source(): for bash it starts the shell to ask for its version
    click.echo(complete.source_template % complete.source_vars())
