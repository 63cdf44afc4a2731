"""The settings of the embedded server: fast bulk loads without giving up durability."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

MIB = 1024 * 1024
_CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


class Setting(NamedTuple):
    """One server setting and why it has its value."""

    name: str
    value: str
    reason: str


def settings_for(memory_bytes: int) -> tuple[Setting, ...]:
    """The settings of a server on a machine with that much memory."""
    shared_buffers_mib = min(max(memory_bytes // 8 // MIB, 256), 1024)
    return (
        Setting("fsync", "on", "durability: a commit is on disk before it is acknowledged"),
        Setting("synchronous_commit", "on", "durability: the ledger says 'loaded' only for what survives a power cut"),
        Setting("full_page_writes", "on", "durability: a page half written at a power cut is repaired"),
        Setting("wal_level", "minimal", "COPY into a table made in the same transaction need not be logged"),
        Setting("max_wal_senders", "0", "wal_level minimal requires it; nothing replicates from this server"),
        Setting("max_wal_size", "4GB", "fewer checkpoints in a bulk load, so fewer full pages in the log"),
        Setting("checkpoint_timeout", "15min", "the same"),
        Setting(
            "shared_buffers", f"{shared_buffers_mib}MB", "an eighth of memory, 256 MB to 1 GB: loaders need it too"
        ),
        Setting("maintenance_work_mem", "256MB", "indexes are built after a load; sorting in memory is faster"),
        Setting("autovacuum", "on", "statistics stay fresh and dead rows of replaced files are reclaimed"),
        Setting("max_connections", "50", "a loader per core, the API and a few people; each costs memory"),
        Setting("listen_addresses", "''", "no TCP: whoever may enter the socket's directory may connect, nobody else"),
        Setting("unix_socket_permissions", "0700", "a second lock beside the directory's"),
        Setting("timezone", "'UTC'", "times look the same on every machine"),
        Setting("log_timezone", "'UTC'", "the same in the server's log"),
        Setting("log_checkpoints", "off", "the log stays small: it holds problems only"),
    )


def render_settings(memory_bytes: int, *, socket_dir: Path, port: int, overrides: Mapping[str, str]) -> str:
    """The text of a PostgreSQL configuration file; each setting follows its reason. `overrides` win."""
    lines = ["# Written by trade-ingest at every start. To change a setting, use ALTER SYSTEM: it wins over this file."]
    lines.append(f"unix_socket_directories = '{_quoted(str(socket_dir))}'")
    lines.append(f"port = {port}")
    for setting in settings_for(memory_bytes):
        lines.append(f"\n# {setting.reason}")
        lines.append(f"{setting.name} = {setting.value}")
    lines += [f"{name} = {value}" for name, value in overrides.items()]
    return "\n".join(lines) + "\n"


def memory_bytes() -> int:
    """The memory that this process may use: the machine's, or its container's limit if that is less."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in _CGROUP_LIMITS:
        try:
            limits.append(int(path.read_text(encoding="ascii")))
        except (OSError, ValueError):  # no such file, or "max"
            continue
    return min(limits)


def _quoted(value: str) -> str:
    return value.replace("'", "''")
