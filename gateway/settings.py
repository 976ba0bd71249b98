"""Settings: ``GATEWAY_*`` environment variables over ``gateway.toml`` over safe defaults."""

from __future__ import annotations

import os
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

import msgspec

_PREFIX = "GATEWAY_"


_LISTS = ("allow_private", "alert_mail_to", "trusted_proxies")
Days = Annotated[int, msgspec.Meta(ge=0, le=36_500)]
Seconds = Annotated[int, msgspec.Meta(ge=0, le=7 * 86_400)]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``allow_private`` names hosts or networks (CIDR) that may be called although they are not public addresses.

    ``trusted_proxies`` are networks (CIDR) of proxies whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed.

    ``database_url`` empty is SQLite in ``data_dir``; ``redis_url`` empty keeps wake-ups within the process. Without
    ``workers`` a process serves the web only.

    ``backup_to`` is a folder or ``s3://bucket/prefix``; empty is ``backups`` in ``data_dir``. ``smtp_url`` is
    ``smtp://user:password@host:587`` (STARTTLS) or ``smtps://…:465``. The thresholds of alerts are those of properties
    that set none of their own; 0 for no such alert. What is kept for 0 days is kept for good, and
    ``keep_journal_days`` counts from the night that is spoken of (:mod:`gateway.flows.keeping.retain`). ``card_vault``
    names an installed card vault for the cards that come from now on; empty is the built-in one.
    """

    data_dir: str = "data"
    database_url: str = ""
    redis_url: str = ""
    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 8470
    allow_private: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    log_level: Literal["debug", "info", "warning", "error", "critical"] = "info"
    log_json: bool = False
    workers: bool = True
    metrics_token: str = ""
    backup_to: str = ""
    backup_passphrase: str = ""
    s3_endpoint: str = ""
    s3_region: str = "us-east-1"
    s3_access_key: str = ""
    s3_secret_key: str = ""
    alert_webhook: str = ""
    alert_webhook_secret: str = ""
    alert_mail_to: tuple[str, ...] = ()
    alert_mail_from: str = ""
    smtp_url: str = ""
    alert_language: Literal["en", "zh"] = "en"
    alert_lag_s: Seconds = 300
    alert_failures: Annotated[int, msgspec.Meta(ge=0, le=1_000)] = 5
    alert_unacknowledged_s: Seconds = 900
    alert_payment_differences: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 1
    alert_clock_skew_s: Seconds = 120
    alert_disk_free_percent: Annotated[int, msgspec.Meta(ge=0, le=99)] = 10
    card_vault: str = ""
    keep_bodies_days: Days = 400
    keep_messages_days: Days = 1_100
    keep_journal_days: Days = 1_100
    keep_codes_days: Days = 400
    alert_repeat_h: Annotated[int, msgspec.Meta(ge=1, le=24 * 30)] = 12

    def __post_init__(self) -> None:
        for text in self.trusted_proxies:
            if not ip_network(text).prefixlen:
                raise ValueError(f"trusted_proxies: {text!r} is everybody, and whatever anybody says would be believed")

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{Path(self.data_dir) / 'gateway.sqlite'}"


def load_settings(environ: Mapping[str, str] | None = None, file: Path = Path("gateway.toml")) -> Settings:
    """Raises :class:`ValueError` naming the setting that cannot be read."""
    environ = os.environ if environ is None else environ
    values: dict[str, object] = {}
    if file.exists():
        values.update(_read(file))
    for name in Settings.__struct_fields__:
        text = environ.get(_PREFIX + name.upper())
        if text is not None:
            values[name] = [part.strip() for part in text.split(",") if part.strip()] if name in _LISTS else text
    if isinstance(level := values.get("log_level"), str):
        values["log_level"] = level.lower()
    try:
        return msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        text, _, path = str(error).partition(" - at `$.")
        name = path.rstrip("`")
        raise ValueError(
            f"setting {name} ({_PREFIX}{name.upper()}): {text}" if name else f"settings: {text}"
        ) from error


def _read(file: Path) -> dict[str, object]:
    try:
        return msgspec.toml.decode(file.read_bytes(), type=dict[str, object])
    except msgspec.DecodeError as error:
        raise ValueError(f"{file} cannot be read: {error}") from error
