"""Make the secrets that compose.yaml asks for, in a folder that only its owner enters; those that are there stay.

Usage: make_secrets.py FOLDER

`FOLDER/env` has one NAME=value a line; `FOLDER/spark-defaults.conf` is what Spark's processes have in common. This one
is mounted into containers whose user is another one, so that the folder's mode protects it, not its own.
"""

import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path


def fernet_key() -> str:
    """32 bytes in the alphabet of base64 for URLs, as Airflow's Fernet takes them."""
    return secrets.token_urlsafe(32) + "="


# In hexadecimal: nothing in them has to be escaped in URLs, JSON, SQL, Spark's properties or this file.
SECRETS: dict[str, Callable[[], str]] = {
    "TARGET_ADMIN_PASSWORD": lambda: secrets.token_hex(24),
    "LOADER_PASSWORD": lambda: secrets.token_hex(24),
    "STORAGE_ACCESS_KEY": lambda: secrets.token_hex(10).upper(),
    "STORAGE_SECRET_KEY": lambda: secrets.token_hex(24),
    "SPARK_SECRET": lambda: secrets.token_hex(24),
    "AIRFLOW_DB_PASSWORD": lambda: secrets.token_hex(24),
    "AIRFLOW_ADMIN_PASSWORD": lambda: secrets.token_hex(12),
    "AIRFLOW_FERNET_KEY": fernet_key,
    "AIRFLOW_JWT_SECRET": lambda: secrets.token_hex(64),
    "AIRFLOW_SECRET_KEY": lambda: secrets.token_hex(32),
}

SPARK_DEFAULTS = """\
# Made by `make up`. Master, worker and drivers have to know one secret before they talk to each other.
spark.authenticate                            true
spark.authenticate.secret                     {SPARK_SECRET}
spark.network.crypto.enabled                  true
spark.master.rest.enabled                     false
spark.worker.cleanup.enabled                  true
spark.executor.logs.rolling.strategy          size
spark.executor.logs.rolling.maxSize           10000000
spark.executor.logs.rolling.maxRetainedFiles  3
"""


def main(folder: str) -> None:
    """Add what is missing to `FOLDER/env`, which then has mode 0600, and write the other file anew."""
    path = Path(folder, "env")
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.parent.chmod(0o700)
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    values = {name: value for name, _, value in (line.partition("=") for line in lines) if value}
    missing = SECRETS.keys() - values.keys()
    lines = [line for line in lines if line.partition("=")[0] not in missing]
    for name, make in SECRETS.items():
        if name in missing:
            values[name] = make()
            lines.append(f"{name}={values[name]}")
    _write(path, "\n".join(lines) + "\n", mode=0o600)
    _write(path.with_name("spark-defaults.conf"), SPARK_DEFAULTS.format_map(values), mode=0o644)


def _write(path: Path, text: str, *, mode: int) -> None:
    """Replace a file in one step; nobody reads the new one before it has its mode."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as output:
        output.write(text)
    new.chmod(mode)
    new.replace(path)


if __name__ == "__main__":
    main(sys.argv[1])
