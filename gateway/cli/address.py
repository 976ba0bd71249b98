"""Where the gateway listens, for the commands that serve."""

from __future__ import annotations

import argparse

import msgspec

from gateway.settings import Settings


def with_address(arguments: argparse.Namespace, settings: Settings) -> Settings:
    """The settings with what was given on the command line."""
    host = getattr(arguments, "host", None)
    return msgspec.structs.replace(settings, host=host or settings.host, port=arguments.port or settings.port)
