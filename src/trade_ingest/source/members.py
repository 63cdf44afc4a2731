"""Members of archives, as they are addressed: ``archive.zip!/folder/member.csv``. Reads nothing."""

from __future__ import annotations

import re

_ADDRESS = re.compile(r"(?P<archive>.*?\.zip)!(?:/(?P<member>.*))?", re.IGNORECASE | re.DOTALL)


def is_archive(path: str) -> bool:
    """Whether a listing looks into a file of this name."""
    return path[-4:].lower() == ".zip"


def member_uri(archive: str, name: str) -> str:
    """The URI of a member."""
    return f"{archive}!/{name}"


def split_member(path: str) -> tuple[str, str] | None:
    """The archive and the member (a name, a pattern, or empty: all of them) of a path, key or URI; None: no member."""
    found = _ADDRESS.fullmatch(path)
    return None if found is None else (found["archive"], found["member"] or "")


def archive_path(path: str) -> str:
    """The file that is stored: the archive of a member, else the path itself."""
    found = split_member(path)
    return path if found is None else found[0]


def archive_version(version: str) -> str:
    """The version of the archive, from that of a member."""
    return version.rpartition("!")[0]


def member_version(archive: str, crc32: int) -> str:
    """The version of a member: that of its archive, and its own checksum."""
    return f"{archive}!{crc32:08x}"


def name_problem(name: str) -> str | None:
    """Why a member's name is no path within the archive; None if it is one."""
    if any(ord(letter) < ord(" ") for letter in name):
        return "has control characters"
    if name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:[\\/]", name):
        return "is an absolute path"
    if any(part in {"", ".", ".."} for part in re.split(r"[/\\]", name)):
        return "has empty parts, '.' or '..'"
    return None
