"""`completion`: the script that lets a shell complete `petrostream`."""

from typing import Final

import click
from click.shell_completion import get_completion_class

from console.options import OneOf
from console.speech import say
from console.verbs import verb
from petrostream.errors import UsageError

PROGRAM: Final = "petrostream"
VARIABLE: Final = "_PETROSTREAM_COMPLETE"
_SHELLS: Final = ("bash", "zsh", "fish")


@verb(
    "completion",
    "petrostream completion bash > ~/.local/share/bash-completion/completions/petrostream",
    "petrostream completion zsh > ~/.zfunc/_petrostream",
    "petrostream completion fish > ~/.config/fish/completions/petrostream.fish",
)
@click.argument("shell", type=OneOf(_SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> int:
    """Print the script that completes verbs and options.

    For this session alone: eval "$(petrostream completion bash)".
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise UsageError(f"nothing completes for {shell}")
    say(kind(ctx.find_root().command, {}, PROGRAM, VARIABLE).source().rstrip("\n"))
    return 0
