"""Settings: from options, environment variables, ``.env``, ``trade-ingest.toml`` and defaults, in this order.

A value counts when it is there, whatever it is: an explicit ``0`` or empty text wins over a lower layer. Empty text
means "none", which is how a layer takes back what a lower one says. Unknown names are errors, and all that is wrong is
said at once.

``pydantic-settings`` is not used to read them: it cannot say where a value is from, and its import takes 80 ms.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails

from trade_ingest.contract.suggestion import did_you_mean, near_misses
from trade_ingest.errors import ConfigurationError
from trade_ingest.source.connection import StoreConnection
from trade_ingest.source.location import shown_source
from trade_ingest.source.masking import mask_secrets

if TYPE_CHECKING:
    from trade_ingest.contract.model import RejectLimit

ENV_PREFIX = "TRADE_INGEST_"
CONFIG_FILE = "trade-ingest.toml"
ENV_FILE = ".env"

_OTHERS = re.compile(rf"{ENV_PREFIX}(TEST_.*|AIRFLOW_.*|COMMAND)")
"""Variables that are no settings: those of the tests, and of the DAGs in ``airflow_dags``."""
_MAX_REJECTS = re.compile(r"(?P<count>\d+)(?:\s*,\s*(?P<ratio>\d+(?:\.\d+)?)\s*%)?|(?P<only_ratio>\d+(?:\.\d+)?)\s*%")
_AFTER_LOAD = re.compile(r"keep|tag|delete|move:\S.*")
_LAKE = re.compile(r"(parquet|iceberg):\S.*")
_HIDDEN = "***"
_SECRET_NAME = re.compile(r"secret|passw|pwd|token|key|credential|\bsas\b|signature", re.IGNORECASE)


class Layer(StrEnum):
    """Where a value comes from, the strongest first."""

    FLAG = "flag"
    ENVIRONMENT = "environment"
    ENV_FILE = "env_file"
    CONFIG_FILE = "config_file"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from: the layer, and the option, variable or file."""

    layer: Layer
    where: str

    def __str__(self) -> str:
        return self.where


_MASKED_WHERE_WRONG = frozenset({"database_url", "notify", "spark_conf"})
"""Settings whose values are not repeated by what is said about them: a secret may be anywhere in them."""

_OPTIONS = {
    "api_host": "host",
    "api_max_runs": "max_runs",
    "api_port": "port",
    "database_url": "database",
    "spark_conf": "conf",
}
"""Settings whose options have other names."""

_DEFAULT = Origin(Layer.DEFAULT, "default")


class Settings(BaseModel):
    """All settings; each is an environment variable ``TRADE_INGEST_<NAME>`` and a key of ``trade-ingest.toml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    database_url: SecretStr | None = Field(
        None, description="URL of the PostgreSQL database; none: the embedded server is used, and started."
    )
    contract: str = Field("trade_event", min_length=1, description="A built-in contract's name, or a YAML file's path.")
    source: tuple[str, ...] = Field(
        (),
        description="Files, folders or globs that `run` without arguments loads; separated by commas, or a JSON list.",
    )
    engine: Literal["auto", "local", "spark"] = Field(
        "auto", description="What runs file loads in parallel; auto: Spark where it is configured, else this machine."
    )
    master: str | None = Field(
        None,
        description="Where Spark runs: local[*], spark://host:7077, yarn, or sc://host:15002 for Spark Connect;"
        " none: SPARK_REMOTE, SPARK_MASTER, else local[*].",
    )
    spark_conf: tuple[str, ...] = Field((), description="Settings of Spark, each NAME=VALUE; a JSON list.")
    max_connections: int | None = Field(
        None, ge=4, description="Connections to the database that a run may have open, on all machines; none: no limit."
    )
    parallelism: int | None = Field(
        None,
        ge=1,
        description="Files loaded at once; none: one per processor, and two more; on Spark packs, one per slot.",
    )
    on_changed: Literal["replace", "skip", "append", "fail"] | None = Field(
        None, description="What to do with a loaded file whose content has changed; none: as the contract says."
    )
    max_rejects: str | None = Field(
        None,
        description="Rejects that a file may have: 10, 1% or 10,1% (more than both fails); none: as the contract says.",
    )
    after_load: str = Field(
        "keep", description="What to do with a file once its rows are committed: keep, move:URI, tag or delete."
    )
    also: tuple[str, ...] = Field(
        (),
        description="Lakes that get the accepted rows, too: parquet:URI, iceberg:URI or"
        " iceberg:CATALOG:NAMESPACE.TABLE; separated by commas, or a JSON list.",
    )
    data_dir: Path | None = Field(
        None, description="Folder of the embedded PostgreSQL; none: one per user, in the system's place for data."
    )
    api_host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="Address that `serve` listens on; wider than this machine needs api_auth.",
    )
    api_port: int = Field(8480, ge=0, le=65535, description="Port that `serve` listens on; 0: a free one.")
    api_auth: Literal["none", "token"] = Field(
        "none", description="Who may use the API: none: everybody on this machine; token: who has a token."
    )
    api_hosts: tuple[str, ...] = Field(
        (),
        description="Names under which the API is reached, for the Host header; none: localhost, or any with api_auth.",
    )
    api_sources: tuple[str, ...] = Field(
        (), description="Folders and URI prefixes that the API may load from; none: those of source, else this folder."
    )
    api_max_runs: int = Field(2, ge=1, description="Runs that the API has at work at once; the others wait.")
    api_max_streams: int = Field(
        100, ge=1, le=1000, description="Live streams that a server process has at once; others are told to poll."
    )
    api_proxy_addresses: tuple[str, ...] = Field(
        (), description="Addresses or networks of proxies that may say who the user is, and from where."
    )
    api_proxy_user_header: str | None = Field(
        None, description="Header in which such a proxy names the user, such as X-Forwarded-User; none: proxies do not."
    )
    api_proxy_scope: Literal["read", "operate", "admin"] = Field(
        "read", description="What a user may do whom a proxy names."
    )
    api_oidc_issuer: str | None = Field(
        None, description="Issuer of OpenID Connect whose bearer tokens (JWT) are taken; none: only own tokens."
    )
    api_oidc_audience: str | None = Field(None, description="Audience that such a token must be for.")
    api_oidc_jwks_url: str | None = Field(
        None, description="Where the issuer's keys are; none: as its openid-configuration says."
    )
    api_oidc_claim: str = Field(
        "scope",
        min_length=1,
        description="Claim that has the scope, as trade-ingest:read, trade-ingest:operate or trade-ingest:admin.",
    )
    notify: tuple[SecretStr, ...] = Field(
        (),
        description="Where `serve` tells of failures, drift, lateness and gaps: URLs of Apprise, by commas.",
    )
    notify_late_hours: float | None = Field(
        None, gt=0, description="A target that got no new file for so many hours is late; none: none is."
    )
    connections: dict[str, StoreConnection] = Field(
        {}, description="How object stores are reached: tables [connections.NAME]; in JSON elsewhere."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("warning", description="What is logged to stderr.")
    output: Literal["text", "json", "jsonl", "csv"] = Field("text", description="How results are printed.")

    _origins: dict[str, Origin] = PrivateAttr(default_factory=dict)

    @field_validator(
        "database_url",
        "parallelism",
        "max_connections",
        "master",
        "on_changed",
        "data_dir",
        "api_proxy_user_header",
        "api_oidc_issuer",
        "api_oidc_audience",
        "api_oidc_jwks_url",
        "notify_late_hours",
        mode="before",
    )
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, value: SecretStr | None) -> SecretStr | None:
        text = "" if value is None else value.get_secret_value().strip()
        scheme, separator, _ = text.partition("://")
        if value is not None and (scheme not in {"postgresql", "postgres"} if separator else "=" not in text):
            message = "expected a URL such as postgresql://user@host:5432/name"
            raise ValueError(message)
        return value

    @field_validator(
        "source", "also", "spark_conf", "api_hosts", "api_sources", "api_proxy_addresses", "notify", mode="before"
    )
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        if value.lstrip().startswith("["):
            return _json_list(value)
        return tuple(part.strip() for part in value.split(",") if part.strip())

    @field_validator("spark_conf")
    @classmethod
    def _is_conf(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for item in value:
            if not re.fullmatch(r"[^=\s]+=.*", item, re.DOTALL):
                message = f"expected NAME=VALUE, found {_shown_conf(item)!r}"
                raise ValueError(message)
        return value

    @field_validator("connections", mode="before")
    @classmethod
    def _named(cls, value: object) -> object:
        if isinstance(value, str):
            value = _json_object(value) if value.strip() else {}
        if not isinstance(value, Mapping):
            message = "expected tables [connections.NAME]"
            raise ValueError(message)  # noqa: TRY004  # what pydantic takes
        return {name: {"name": name, **table} if isinstance(table, dict) else table for name, table in value.items()}

    @field_validator("max_rejects", mode="before")
    @classmethod
    def _is_limit(cls, value: object) -> object:
        if value is None or value == "":
            return None
        text = str(value).strip()
        match = _MAX_REJECTS.fullmatch(text)
        if isinstance(value, bool) or match is None or float(match["ratio"] or match["only_ratio"] or 0) > 100:  # noqa: PLR2004
            message = "expected a number (10), a percentage (1%) or both (10,1%)"
            raise ValueError(message)
        return text

    @field_validator("after_load", mode="before")
    @classmethod
    def _is_after_load(cls, value: object) -> object:
        text = str(value or "keep").strip()
        if not _AFTER_LOAD.fullmatch(text):
            message = "expected keep, move:URI, tag or delete"
            raise ValueError(message)
        return text

    @field_validator("also")
    @classmethod
    def _are_lakes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for lake in value:
            if not _LAKE.fullmatch(lake):
                expected = "expected parquet:URI, iceberg:URI or iceberg:CATALOG:NAMESPACE.TABLE"
                message = f"{expected}, found {shown_source(lake)!r}"
                raise ValueError(message)
        return value

    @field_validator("data_dir")
    @classmethod
    def _expanded(cls, value: Path | None) -> Path | None:
        return None if value is None else value.expanduser()

    @property
    def store_connections(self) -> tuple[StoreConnection, ...]:
        """The named connections, as listing and loading take them."""
        return tuple(self.connections.values())

    @property
    def reject_limit(self) -> RejectLimit | None:
        """``max_rejects`` as the loader takes it; None: as the contract says."""
        from trade_ingest.contract.model import RejectLimit

        match = _MAX_REJECTS.fullmatch(self.max_rejects or "")
        if match is None:
            return None
        ratio = float(match["ratio"] or match["only_ratio"] or 0) / 100
        return RejectLimit(max_count=int(match["count"] or 0), max_ratio=ratio)

    def with_origins(self, origins: Mapping[str, Origin]) -> Settings:
        """The same settings, which know where their values come from."""
        self._origins.update(origins)
        return self

    def origin_of(self, name: str) -> Origin:
        """Where the value of a setting comes from."""
        return self._origins.get(name, _DEFAULT)

    def shown(self, name: str) -> object:
        """A setting's value with secrets masked."""
        value = getattr(self, name)
        if name == "connections":
            return {key: connection.shown() for key, connection in value.items()}
        if name == "notify":  # the password may be anywhere in such a URL
            return tuple(f"{url.get_secret_value().partition('://')[0]}://{_HIDDEN}" for url in value)
        if isinstance(value, SecretStr):
            return mask_url(value.get_secret_value())
        if name == "spark_conf":
            return tuple(_shown_conf(item) for item in value)
        if isinstance(value, tuple):
            return tuple(shown_text(item) for item in value)
        return shown_text(value) if isinstance(value, str) else value


def load_settings(
    *,
    flags: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    config_file: str | None = None,
) -> Settings:
    """Read the settings.

    Args:
        flags: settings given as options; they win over all others.
        environment: the environment variables; None: those of the process.
        folder: where ``.env`` and ``trade-ingest.toml`` are looked for; None: the current folder.
        config_file: instead of ``trade-ingest.toml``; must exist.

    Raises:
        ConfigurationError: something is wrong; ``fields['problems']`` lists all of it, and no secret.
    """
    folder = folder or Path.cwd()
    problems: list[str] = []
    values: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    layers = [
        _from_file(folder, config_file, problems),
        _from_variables(_env_file_values(folder, problems), Layer.ENV_FILE, problems),
        _from_variables(os.environ if environment is None else environment, Layer.ENVIRONMENT, problems),
        _from_flags(flags or {}),
    ]
    for name, value, origin in (found for layer in layers for found in layer):
        values[name] = value
        origins[name] = origin
    settings = _validated(values, origins, problems)
    if settings is None or problems:
        hint = ".env.example describes each setting"
        raise ConfigurationError("\n".join(problems), hint=hint, problems=tuple(problems))
    return settings.with_origins(origins)


def option_of(setting: str) -> str:
    """The option of the command line for a setting."""
    return f"--{_OPTIONS.get(setting, setting).replace('_', '-')}"


def mask_url(url: str) -> str:
    """A database URL without its password."""
    masked = re.sub(r"(://[^/?#\s]*?:)[^/\s]*(@)", rf"\1{_HIDDEN}\2", url)
    return re.sub(r"(password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]+)", rf"\1{_HIDDEN}", masked, flags=re.IGNORECASE)


def _shown_conf(item: str) -> str:
    """A setting of Spark without its value, if that is a secret by its name, or what is one in its value."""
    name, separator, value = item.partition("=")
    if not separator or _SECRET_NAME.search(name):
        return f"{name.partition(' ')[0]}{separator}{_HIDDEN}"
    return f"{name}={shown_text(value)}"


def shown_text(text: str) -> str:
    """A text of a setting without user names, passwords, tokens and signatures of the addresses in it."""
    before, separator, address = text.partition("://")
    scheme = re.search(r"[\w+.-]*$", before)
    start = len(before) if scheme is None else scheme.start()
    shown = f"{before[:start]}{shown_source(before[start:] + separator + address)}" if separator else text
    return mask_secrets(mask_url(shown))


def embedded_data_dir(settings: Settings) -> Path:
    """The folder of the embedded server."""
    from trade_ingest.embedded import default_data_dir

    return settings.data_dir or default_data_dir()


def resolve_database(settings: Settings) -> str:
    """The URL of the database; starts the embedded server where none is configured.

    Raises:
        EmbeddedDatabaseError: the embedded server cannot be started.
    """
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    from trade_ingest.embedded import start

    return start(embedded_data_dir(settings))


_Found = tuple[str, Any, Origin]


def _from_flags(flags: Mapping[str, Any]) -> Iterator[_Found]:
    for name, value in flags.items():
        yield name, value, Origin(Layer.FLAG, option_of(name))


def _from_variables(variables: Mapping[str, str | None], layer: Layer, problems: list[str]) -> Iterator[_Found]:
    place = "" if layer == Layer.ENVIRONMENT else f" in {ENV_FILE}"
    known = {ENV_PREFIX + name.upper(): name for name in Settings.model_fields}
    for variable in sorted(variables):
        if not variable.upper().startswith(ENV_PREFIX) or _OTHERS.fullmatch(variable):
            continue
        if variable in known:
            yield known[variable], variables[variable] or "", Origin(layer, f"{variable}{place}")
        else:
            name = variable[len(ENV_PREFIX) :].lower()
            near = [f"{ENV_PREFIX}{match.upper()}" for match in near_misses(name, Settings.model_fields)]
            problems.append(_unknown(f"{variable}{place}", near))


def _from_file(folder: Path, config_file: str | None, problems: list[str]) -> Iterator[_Found]:
    path = folder / (config_file or CONFIG_FILE)
    name_of_file = config_file or CONFIG_FILE
    if config_file is None and not path.exists():
        return
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as exc:
        problems.append(f"{name_of_file}: {exc.strerror or exc}")
        return
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        problems.append(f"{name_of_file}: no valid TOML: {exc}")
        return
    for name, value in document.items():
        if name in Settings.model_fields:
            yield name, value, Origin(Layer.CONFIG_FILE, f"{name} in {name_of_file}")
        else:
            problems.append(_unknown(f"{name} in {name_of_file}", near_misses(name, Settings.model_fields)))


def _env_file_values(folder: Path, problems: list[str]) -> Mapping[str, str | None]:
    path = folder / ENV_FILE
    if not path.is_file():
        return {}
    from dotenv import dotenv_values

    try:
        return dotenv_values(path, interpolate=False)  # a $ in a password is a $
    except (OSError, UnicodeDecodeError) as exc:
        problems.append(f"{ENV_FILE}: {exc}")
        return {}


def _unknown(where: str, near: list[str]) -> str:
    return f"{where}: no such setting{f'; did you mean {near[0]}?' if near else ''}"


def _validated(values: Mapping[str, Any], origins: Mapping[str, Origin], problems: list[str]) -> Settings | None:
    try:
        return Settings(**values)
    except ValidationError as exc:
        for error in exc.errors(include_url=False):
            name = str(error["loc"][0])
            if name == "connections":
                problems.append(f"{origins.get(name, _DEFAULT)}: {_connection_problem(error)}")
                continue
            problems.append(f"{origins.get(name, _DEFAULT)}: {_described(name, values.get(name), error)}")
    return None


def _connection_problem(error: ErrorDetails) -> str:
    """What is wrong with a named connection, without its values: they may be secrets."""
    where = ".".join(map(str, error["loc"][1:])) or "it"
    match error["type"]:
        case "extra_forbidden":
            near = near_misses(str(error["loc"][-1]), StoreConnection.model_fields)
            return f"{where}: no such key{f'; did you mean {near[0]}?' if near else ''}"
        case "missing":
            return f"{where} is missing; expected the beginning of the URIs that it is for, such as s3://bucket/prefix"
        case "value_error":
            return f"{where}: {error.get('ctx', {})['error']}"
        case _:
            return f"{where} is not legal; {error['msg'][:1].lower()}{error['msg'][1:]}"


def _described(name: str, value: object, error: ErrorDetails) -> str:
    if error["type"] == "string_too_short":
        return "is empty; expected a value"
    shown = _HIDDEN if name in _MASKED_WHERE_WRONG else repr(shown_text(value) if isinstance(value, str) else value)
    return f"{shown} {_problem(str(value), error)}"


def _problem(value: str, error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    match error["type"]:
        case "literal_error":
            legal = re.findall(r"'([^']*)'", str(context["expected"]))
            suggestion = did_you_mean(value, legal)
            expected = f"is not legal; expected {', '.join(legal[:-1])} or {legal[-1]}"
            return f"{expected}{'; ' if suggestion else ''}{suggestion}"
        case "int_parsing" | "int_type" | "int_from_float":
            return "is not a whole number"
        case "greater_than_equal":
            return f"is too small; expected at least {context['ge']}"
        case "value_error":
            return f"is not legal; {context['error']}"
        case _:
            return f"is not legal; {error['msg'][:1].lower()}{error['msg'][1:]}"


def _json_object(text: str) -> object:
    import json

    try:
        return json.loads(text)
    except ValueError:
        message = "expected a JSON object of connections by name"
        raise ValueError(message) from None  # the text may have secrets


def _json_list(text: str) -> object:
    import json

    try:
        return json.loads(text)
    except ValueError as exc:
        message = f"expected names separated by commas, or a JSON list: {exc}"
        raise ValueError(message) from exc
