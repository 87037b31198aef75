"""Commands with examples in their help, groups of them in sections, and how both are run."""

import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Any

import click

from console.answers import Answer, give
from console.exits import (
    EXIT_UNREAD,
    EXIT_USAGE,
    GO_ON,
    drop_output,
    open_streams,
    run_command,
)
from console.options import json_is_wanted

_SHORT_HELP_WIDTH = 90
_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class _Unread(click.Command):
    """A command whose help and version may go unread, as any output may: click has its own code."""

    def make_context(self, *given: Any, **settings: Any) -> click.Context:
        """Read the command line; what is asked for by `--help` and `--version` is shown here."""
        try:
            return super().make_context(*given, **settings)
        except BrokenPipeError:
            drop_output()
            raise click.exceptions.Exit(EXIT_UNREAD) from None


class Verb(_Unread):
    """A command: its function gives an exit code, or an answer that `--json` can show.

    Parameters
    ----------
    examples
        Command lines that its help shows.
    interrupted
        What to say after Ctrl-C.
    """

    def __init__(
        self,
        name: str | None,
        *,
        examples: Sequence[str] = (),
        interrupted: str = GO_ON,
        **settings: Any,
    ) -> None:
        super().__init__(name, context_settings=_SETTINGS, **settings)
        self.examples = tuple(examples)
        self._interrupted = interrupted

    def invoke(self, ctx: click.Context) -> int:
        """Run it; gives the exit code."""
        work: Callable[[], Answer | int] = lambda: super(Verb, self).invoke(ctx)  # noqa: E731
        return run_command(lambda: give(work, as_json=json_is_wanted(ctx)), self._interrupted)

    def format_epilog(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature, here and below
        formatter: click.HelpFormatter,
    ) -> None:
        """Write the examples below the options, each in a line of its own."""
        with formatter.section("Examples"):
            for example in self.examples:
                formatter.write(f"{'':{formatter.current_indent}}{example}\n")


def verb(
    name: str, *examples: str, interrupted: str = GO_ON
) -> Callable[[Callable[..., Answer | int]], Verb]:
    """Make a function a command; its docstring is the help."""

    def make(function: Callable[..., Answer | int]) -> Verb:
        return click.command(name, cls=Verb, examples=examples, interrupted=interrupted)(function)

    return make


class Verbs(_Unread, click.Group):
    """Commands in named sections, listed in the order in which they are given."""

    def __init__(self, summary: str, sections: Mapping[str, Sequence[click.Command]]) -> None:
        commands = [command for section in sections.values() for command in section]
        super().__init__(
            help=summary,
            commands={str(command.name): command for command in commands},
            context_settings=_SETTINGS,
        )
        self._sections = sections

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Name the commands in their order."""
        return list(self.commands)

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002
        formatter: click.HelpFormatter,
    ) -> None:
        """Write each section with one line per command."""
        for title, commands in self._sections.items():
            rows = [
                (str(command.name), command.get_short_help_str(_SHORT_HELP_WIDTH))
                for command in commands
            ]
            with formatter.section(title):
                formatter.write_dl(rows)


def run(command: click.Command, arguments: Sequence[str] | None, *, name: str) -> int:
    """Run a command line; gives the exit code.

    Parameters
    ----------
    arguments
        What follows the program's name; `None` takes the process's own.
    name
        What the help calls the program.
    """
    open_streams()
    return run_command(lambda: _run(command, arguments, name))


def _run(command: click.Command, arguments: Sequence[str] | None, name: str) -> int:
    given = None if arguments is None else list(arguments)
    try:
        return int(command.main(given, prog_name=name, standalone_mode=False) or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
    except click.UsageError as error:
        sys.stderr.write(f"error: {_sentence(error)}\n")
    except click.Abort:
        raise KeyboardInterrupt from None
    return EXIT_USAGE


def _sentence(error: click.UsageError) -> str:
    """What is wrong with the command line, and who says how it is right."""
    if type(error) is click.BadParameter and error.param is not None:
        what = f"{'/'.join(error.param.opts)} {error.message.rstrip('.')}"
    else:
        text = error.format_message().rstrip(".")
        what = text[:1].lower() + text[1:]
    return f"{what} (`{error.ctx.command_path} --help` shows how)" if error.ctx else what


def end_like_interrupted() -> None:
    """Let the process end in order when it is told to end, as after Ctrl-C."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, interrupt)
