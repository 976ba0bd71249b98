"""``gateway completion``: a script for the shell, made from the parser itself, so that it cannot fall behind."""

from __future__ import annotations

import argparse
import re

from gateway.cli import exits
from gateway.cli.output import show
from gateway.settings import Settings

NAME = "completion"
HELP = "print a completion script: source <(gateway completion bash)"

_BASH = """\
_gateway() {{
    local current="${{COMP_WORDS[COMP_CWORD]}}" previous="${{COMP_WORDS[COMP_CWORD-1]}}"
    local command="${{COMP_WORDS[1]}}"
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "{commands}" -- "$current"))
        return
    fi
    case "$command $previous" in
{choices}
    esac
    case "$command" in
{options}
    esac
    if [ ${{#COMPREPLY[@]}} -eq 0 ] && [[ "$current" != -* ]]; then
        COMPREPLY=($(compgen -f -- "$current"))
    fi
}}
complete -o filenames -F _gateway gateway
"""

_ZSH = """\
#compdef gateway
_gateway() {{
    local -a commands
    commands=(
{commands}
    )
    if (( CURRENT == 2 )); then
        _describe command commands
        return
    fi
    case "$words[2]" in
{options}
    esac
}}
compdef _gateway gateway
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("shell", choices=("bash", "zsh", "fish"))


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Prints the script."""
    from gateway.cli import parser

    commands = subcommands(parser())
    script = {"bash": _bash, "zsh": _zsh, "fish": _fish}[arguments.shell](commands)
    show(arguments, {"shell": arguments.shell, "script": script}, script)
    return exits.DONE


def subcommands(parser: argparse.ArgumentParser) -> dict[str, tuple[argparse.ArgumentParser, str]]:
    """Every subcommand with its parser and its one line of help."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
            return {name: (sub, helps.get(name, "")) for name, sub in action.choices.items()}
    return {}


def _bash(commands: dict[str, tuple[argparse.ArgumentParser, str]]) -> str:
    options = [
        f'        {name}) COMPREPLY=($(compgen -W "{" ".join(_words(sub))}" -- "$current")) ;;'
        for name, (sub, _) in commands.items()
    ]
    choices = [
        f'        "{name} {option}") COMPREPLY=($(compgen -W "{" ".join(values)}" -- "$current")); return ;;'
        for name, (sub, _) in commands.items()
        for option, values in _choices(sub)
    ]
    return _BASH.format(commands=" ".join(commands), choices="\n".join(choices), options="\n".join(options))


def _zsh(commands: dict[str, tuple[argparse.ArgumentParser, str]]) -> str:
    described = [f"        '{name}:{_quoted(text)}'" for name, (_, text) in commands.items()]
    options = []
    for name, (sub, _) in commands.items():
        specs = []
        for action in _shown(sub):
            values = f"({' '.join(map(str, action.choices))})" if action.choices else "_files"
            text = _quoted(action.help or "")
            if action.option_strings:
                value = "" if action.nargs == 0 else f":value:{values}"
                specs += [f"'{option}[{text}]{value}'" for option in action.option_strings]
            else:
                specs.append(f"'*:{action.dest}:{values}'" if action.nargs == "*" else f"':{action.dest}:{values}'")
        options.append(f"        {name}) _arguments -C ':command:' {' '.join(specs)} ;;")
    return _ZSH.format(commands="\n".join(described), options="\n".join(options))


def _fish(commands: dict[str, tuple[argparse.ArgumentParser, str]]) -> str:
    lines = []
    for name, (sub, text) in commands.items():
        lines.append(f"complete -c gateway -f -n __fish_use_subcommand -a {name} -d '{_quoted(text)}'")
        seen = f"-n '__fish_seen_subcommand_from {name}'"
        for action in _shown(sub):
            values = f" -a '{' '.join(map(str, action.choices))}'" if action.choices else ""
            for option in action.option_strings:
                if option.startswith("--"):
                    needs = "" if action.nargs == 0 else " -r"
                    help_text = f" -d '{_quoted(action.help)}'" if action.help else ""
                    lines.append(f"complete -c gateway {seen} -l {option[2:]}{needs}{values}{help_text}")
            if not action.option_strings and values:
                lines.append(f"complete -c gateway -f {seen}{values}")
    return "\n".join(lines) + "\n"


def _shown(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [action for action in parser._actions if action.help != argparse.SUPPRESS]


def _words(parser: argparse.ArgumentParser) -> list[str]:
    """Long options, and what a positional argument may be."""
    words = [option for action in _shown(parser) for option in action.option_strings if option.startswith("--")]
    return words + [str(v) for action in _shown(parser) if not action.option_strings for v in action.choices or ()]


def _choices(parser: argparse.ArgumentParser) -> list[tuple[str, list[str]]]:
    return [
        (option, [str(value) for value in action.choices])
        for action in _shown(parser)
        if action.choices
        for option in action.option_strings
    ]


def _quoted(text: str) -> str:
    """For single quotes in every one of the shells, and without what zsh reads as part of a specification."""
    return re.sub(r"['\[\]:\\]", " ", text)
