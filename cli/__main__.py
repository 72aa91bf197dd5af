"""`vpnchain`: what a person types.

Exit status: 0 done; 1 no (clients do not get out, a wish was refused, something is
wrong); 2 a wrong command line or setting; 3 nobody answered.
"""

import logging

import click
from click.shell_completion import get_completion_class

from bus.link import VERSION
from cli.backup import backup, restore
from cli.doctor.command import doctor
from cli.init import init
from cli.look import events, status, watch
from cli.peers import peer
from cli.top import top
from cli.wishes import drain, reconnect, request, undrain, use

PROGRAM = "vpnchain"

EPILOG = """\b
Exit status:
  0  done; of status: clients get out
  1  no: clients do not get out, a wish was refused, something is wrong
  2  the command line or a setting is wrong
  3  the broker, or whoever was asked, did not answer

Colours are off when the output is no terminal, or NO_COLOR is set."""


@click.group(epilog=EPILOG)
@click.version_option(VERSION, prog_name=PROGRAM)
def main() -> None:
    """WireGuard clients leave for the internet through L2TP/IPsec exits."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes SHELL complete commands, options and exits.

    For bash, in ~/.bashrc: eval "$(vpnchain completion bash)"
    """
    kind = get_completion_class(shell)
    if kind is not None:
        variable = f"_{PROGRAM.upper()}_COMPLETE"
        click.echo(kind(main, {}, PROGRAM, variable).source())


for command in (
    *(status, watch, top, events),
    *(use, drain, undrain, reconnect, request),
    *(init, peer, backup, restore, doctor, completion),
):
    main.add_command(command)


if __name__ == "__main__":
    main(prog_name=PROGRAM)
