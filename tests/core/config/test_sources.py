"""Secrets in the environment: the value itself, or the file that holds it."""

from pathlib import Path

import pytest

from core.config.keys import Key
from core.config.secret import Secret
from core.config.sources import Collected, from_environment, variable_of
from core.config.values import Surroundings, read_value

CANARY = "canary-env-77"
SECRET_KEY = Key(name="api_key", kind=Secret | None, default=None, limits={"meaning": ""})


def spoken(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> Collected:
    keys = [("ACCOUNTS.main.api_key", SECRET_KEY)]
    monkeypatch.setattr("core.config.sources.all_keys", lambda names: keys)
    return from_environment(environment, {})


def revealed(collected: Collected, root: Path, environment: dict[str, str]) -> str:
    (given,) = collected.given
    secret = read_value(given.key, given.node, Surroundings(root, environment, from_file=False))
    assert isinstance(secret, Secret)
    return secret.reveal()


def test_a_variable_holds_the_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment = {"TRUEUP_ACCOUNTS__MAIN__API_KEY": CANARY}
    collected = spoken(monkeypatch, environment)
    assert CANARY not in repr(collected)
    assert revealed(collected, tmp_path, environment) == CANARY


def test_a_variable_names_the_file_that_holds_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text(CANARY, "utf-8")
    (tmp_path / "key").chmod(0o600)
    environment = {"TRUEUP_ACCOUNTS__MAIN__API_KEY_FILE": "key"}
    assert revealed(spoken(monkeypatch, environment), tmp_path, environment) == CANARY


def test_the_variable_of_a_key() -> None:
    assert variable_of("DRY_RUN") == "TRUEUP_DRY_RUN"
    assert variable_of("RECONCILE.stage_ttl") == "TRUEUP_RECONCILE__STAGE_TTL"
    assert variable_of("ACCOUNTS.my-one.broker") == "TRUEUP_ACCOUNTS__MY_ONE__BROKER"
