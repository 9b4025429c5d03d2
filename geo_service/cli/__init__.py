"""
The command line: argv in, text out.

Every command asks one question of the floors below, prints its answer for a person, or with
``--json`` for a program. Exit codes: 0 done, 1 refused by the facts (nothing open, no way,
a stale edit, damaged data), 2 refused by the input.
"""

import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from geo_service.cli import (
    drawing,
    handing_out,
    importing,
    keeping,
    packing,
    past,
    plan_areas,
    planning,
    questions,
    tending,
    upkeep,
)
from geo_service.cli.output import one_line, print_error
from geo_service.cli.words import cli
from geo_service.errors import GeoServiceError, InvalidInputError, NotFoundError

__all__ = [
    "cli",
    "drawing",
    "handing_out",
    "importing",
    "keeping",
    "main",
    "packing",
    "past",
    "plan_areas",
    "planning",
    "questions",
    "tending",
    "upkeep",
]


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """
    Run the command line and exit.

    Parameters
    ----------
    argv
        Arguments without the program's name; those of the process if absent.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        code = cli.main(arguments, prog_name="geo-service", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        code = 2
    except click.ClickException as error:
        print_error(
            InvalidInputError(f"{one_line(error.format_message())}; see --help"), "--json" in arguments
        )
        code = 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("geo-service: interrupted; the same command goes on where it stopped", err=True)
        code = 130
    except GeoServiceError as error:
        print_error(error, "--json" in arguments)
        code = 2 if isinstance(error, (InvalidInputError, NotFoundError)) else 1
    except BrokenPipeError:
        sys.stderr.close()
        code = 141
    sys.exit(code if isinstance(code, int) else 0)
