"""Where a setting comes from, and that a wrong one is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.settings import Settings, load_settings

# Each setting as it is written there, and what it then is.
IN_THE_ENVIRONMENT: dict[str, tuple[str, Any]] = {
    "data_dir": ("d", "d"),
    "database_url": ("postgresql://db/gateway", "postgresql://db/gateway"),
    "redis_url": ("redis://r", "redis://r"),
    "host": ("::", "::"),
    "port": ("1", 1),
    "allow_private": (" 10.0.0.0/8, pms.internal ,", ("10.0.0.0/8", "pms.internal")),
    "trusted_proxies": ("10.1.0.0/16, ::1", ("10.1.0.0/16", "::1")),
    "log_level": ("WARNING", "warning"),
    "log_json": ("true", True),
    "workers": ("0", False),
    "metrics_token": ("t", "t"),
    "backup_to": ("s3://bucket/gateway", "s3://bucket/gateway"),
    "backup_passphrase": ("p", "p"),
    "s3_endpoint": ("https://s3.lan", "https://s3.lan"),
    "s3_region": ("eu-south-1", "eu-south-1"),
    "s3_access_key": ("a", "a"),
    "s3_secret_key": ("s", "s"),
    "alert_webhook": ("https://ops.lan/alerts", "https://ops.lan/alerts"),
    "alert_webhook_secret": ("whsec_", "whsec_"),
    "alert_mail_to": ("ada@example.com, bob@example.com", ("ada@example.com", "bob@example.com")),
    "alert_mail_from": ("gateway@example.com", "gateway@example.com"),
    "smtp_url": ("smtp://mail.lan", "smtp://mail.lan"),
    "alert_language": ("zh", "zh"),
    "alert_lag_s": ("60", 60),
    "alert_failures": ("3", 3),
    "alert_unacknowledged_s": ("0", 0),
    "alert_payment_differences": ("7", 7),
    "alert_clock_skew_s": ("10", 10),
    "alert_disk_free_percent": ("5", 5),
    "alert_repeat_h": ("24", 24),
    "keep_bodies_days": ("30", 30),
    "keep_messages_days": ("60", 60),
    "keep_journal_days": ("90", 90),
    "keep_codes_days": ("0", 0),
    "card_vault": ("safe", "safe"),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "gateway.toml"


def test_defaults_are_safe(file: Path) -> None:
    settings = load_settings({}, file)
    assert settings == Settings()
    assert (settings.host, settings.allow_private) == ("127.0.0.1", ())
    assert settings.database == "sqlite:///data/gateway.sqlite"


def test_the_environment_is_over_the_file_and_the_file_over_the_defaults(file: Path) -> None:
    file.write_text('port = 9000\nhost = "0.0.0.0"\nallow_private = ["10.0.0.0/8"]\nworkers = false\n')
    settings = load_settings({"GATEWAY_PORT": "9001", "GATEWAY_DATA_DIR": "/var/lib/gateway"}, file)
    assert (settings.port, settings.host, settings.workers) == (9001, "0.0.0.0", False)
    assert settings.allow_private == ("10.0.0.0/8",)
    assert settings.database == "sqlite:////var/lib/gateway/gateway.sqlite"
    assert settings.log_level == "info"


def test_every_setting_can_come_from_the_environment(file: Path) -> None:
    assert set(IN_THE_ENVIRONMENT) == set(Settings.__struct_fields__)
    given = {f"GATEWAY_{name.upper()}": text for name, (text, _) in IN_THE_ENVIRONMENT.items()}
    settings = load_settings(given, file)
    assert settings == Settings(**{name: value for name, (_, value) in IN_THE_ENVIRONMENT.items()})
    assert settings.database == "postgresql://db/gateway"


def test_a_bad_value_in_the_file_is_named(file: Path) -> None:
    file.write_text('port = "eighty"\n')
    with pytest.raises(ValueError, match="port"):
        load_settings({}, file)


def test_a_misspelt_setting_in_the_file_is_named(file: Path) -> None:
    file.write_text("prot = 9000\n")
    with pytest.raises(ValueError, match="prot"):
        load_settings({}, file)


def test_a_file_that_cannot_be_read_is_named(file: Path) -> None:
    for text in ("port = \n", "port = 1\nport = 2\n"):
        file.write_text(text)
        with pytest.raises(ValueError, match=r"gateway\.toml.*line"):
            load_settings({}, file)
