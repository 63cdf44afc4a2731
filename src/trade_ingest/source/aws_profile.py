"""The profiles of the AWS command line: ``~/.aws/config`` and ``~/.aws/credentials``."""

from __future__ import annotations

import configparser
from collections.abc import Mapping
from pathlib import Path

from trade_ingest.errors import StoreAuthenticationError

_FILES = (("AWS_CONFIG_FILE", "config", "profile "), ("AWS_SHARED_CREDENTIALS_FILE", "credentials", ""))


def read_profile(profile: str, variables: Mapping[str, str]) -> dict[str, str] | None:
    """What both files say of a profile, the credentials' file winning; None if neither has it.

    Raises:
        StoreAuthenticationError: one of the files cannot be read.
    """
    found: dict[str, str] = {}
    is_there = False
    for variable, name, prefix in _FILES:
        path = Path(variables.get(variable) or f"~/.aws/{name}").expanduser()
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (OSError, configparser.Error, UnicodeDecodeError):
            message = f"{path}: cannot be read as a file of AWS profiles"
            raise StoreAuthenticationError(message, hint="write it again with: aws configure") from None
        section = profile if profile == "default" else f"{prefix}{profile}"
        if parser.has_section(section):
            is_there = True
            found |= dict(parser.items(section))
    return found if is_there else None
