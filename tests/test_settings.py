"""Where a setting comes from, and that a wrong one is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.settings import Settings, load_settings


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
    given = {
        "GATEWAY_DATA_DIR": "d",
        "GATEWAY_DATABASE_URL": "postgresql://db/gateway",
        "GATEWAY_REDIS_URL": "redis://r",
        "GATEWAY_HOST": "::",
        "GATEWAY_PORT": "1",
        "GATEWAY_ALLOW_PRIVATE": " 10.0.0.0/8, pms.internal ,",
        "GATEWAY_TRUSTED_PROXIES": "10.1.0.0/16, ::1",
        "GATEWAY_LOG_LEVEL": "WARNING",
        "GATEWAY_LOG_JSON": "true",
        "GATEWAY_WORKERS": "0",
        "GATEWAY_METRICS_TOKEN": "t",
        "GATEWAY_BACKUP_TO": "s3://bucket/gateway",
        "GATEWAY_BACKUP_PASSPHRASE": "p",
        "GATEWAY_S3_ENDPOINT": "https://s3.lan",
        "GATEWAY_S3_REGION": "eu-south-1",
        "GATEWAY_S3_ACCESS_KEY": "a",
        "GATEWAY_S3_SECRET_KEY": "s",
        "GATEWAY_ALERT_WEBHOOK": "https://ops.lan/alerts",
        "GATEWAY_ALERT_WEBHOOK_SECRET": "whsec_",
        "GATEWAY_ALERT_MAIL_TO": "ada@example.com, bob@example.com",
        "GATEWAY_ALERT_MAIL_FROM": "gateway@example.com",
        "GATEWAY_SMTP_URL": "smtp://mail.lan",
        "GATEWAY_ALERT_LANGUAGE": "zh",
        "GATEWAY_ALERT_LAG_S": "60",
        "GATEWAY_ALERT_FAILURES": "3",
        "GATEWAY_ALERT_UNACKNOWLEDGED_S": "0",
        "GATEWAY_ALERT_PAYMENT_DIFFERENCES": "7",
        "GATEWAY_ALERT_CLOCK_SKEW_S": "10",
        "GATEWAY_ALERT_DISK_FREE_PERCENT": "5",
        "GATEWAY_ALERT_REPEAT_H": "24",
        "GATEWAY_KEEP_BODIES_DAYS": "30",
        "GATEWAY_KEEP_MESSAGES_DAYS": "60",
        "GATEWAY_KEEP_JOURNAL_DAYS": "90",
        "GATEWAY_KEEP_CODES_DAYS": "0",
        "GATEWAY_CARD_VAULT": "safe",
    }
    assert {name.removeprefix("GATEWAY_").lower() for name in given} == set(Settings.__struct_fields__)
    settings = load_settings(given, file)
    assert settings == Settings(
        data_dir="d",
        database_url="postgresql://db/gateway",
        redis_url="redis://r",
        host="::",
        port=1,
        allow_private=("10.0.0.0/8", "pms.internal"),
        trusted_proxies=("10.1.0.0/16", "::1"),
        log_level="warning",
        log_json=True,
        workers=False,
        metrics_token="t",
        backup_to="s3://bucket/gateway",
        backup_passphrase="p",
        s3_endpoint="https://s3.lan",
        s3_region="eu-south-1",
        s3_access_key="a",
        s3_secret_key="s",
        alert_webhook="https://ops.lan/alerts",
        alert_webhook_secret="whsec_",
        alert_mail_to=("ada@example.com", "bob@example.com"),
        alert_mail_from="gateway@example.com",
        smtp_url="smtp://mail.lan",
        alert_language="zh",
        alert_lag_s=60,
        alert_failures=3,
        alert_unacknowledged_s=0,
        alert_payment_differences=7,
        alert_clock_skew_s=10,
        alert_disk_free_percent=5,
        alert_repeat_h=24,
        keep_bodies_days=30,
        keep_messages_days=60,
        keep_journal_days=90,
        keep_codes_days=0,
        card_vault="safe",
    )
    assert settings.database == "postgresql://db/gateway"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "eighty"),
        ("port", "0"),
        ("port", "65536"),
        ("log_json", "maybe"),
        ("workers", "2"),
        ("log_level", "loud"),
    ],
)
def test_a_bad_value_is_named(file: Path, name: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"{name}.*GATEWAY_{name.upper()}"):
        load_settings({f"GATEWAY_{name.upper()}": value}, file)


@pytest.mark.parametrize("value", ["proxy.lan", "*", "10.0.0.1/8", "0.0.0.0/0", "::/0"])
def test_a_trusted_proxy_is_a_network_and_not_everybody(file: Path, value: str) -> None:
    with pytest.raises(ValueError, match=r"settings: .*(network|everybody|host bits|IPv4)"):
        load_settings({"GATEWAY_TRUSTED_PROXIES": value}, file)


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
