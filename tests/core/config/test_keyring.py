"""A secret may lie in the desktop's keyring, which is asked only when it is there and needed."""

import sys
from pathlib import Path

import pytest

from core.config.secret import Secret
from core.domain.errors import Usage

# A keyring in one file, in the place of the real package.
KEYRING = """
class errors:
    class KeyringError(Exception):
        pass


def get_password(service, name):
    if service == "locked":
        raise errors.KeyringError("canary-81 is locked away")
    return {("trueup/live", "by1"): "canary-80"}.get((service, name))
"""


@pytest.fixture
def keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "keyring.py").write_text(KEYRING, "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "keyring", raising=False)


def secret(reference: str) -> Secret:
    return Secret(reference, root=Path("/"), environment={})


@pytest.mark.usefixtures("keyring")
def test_it_comes_from_the_keyring() -> None:
    assert secret("keyring:trueup/live/by1").reveal() == "canary-80"


@pytest.mark.usefixtures("keyring")
def test_what_the_keyring_does_not_hold_is_named() -> None:
    with pytest.raises(Usage, match="keyring:trueup/none is empty or not set"):
        secret("keyring:trueup/none").reveal()


@pytest.mark.usefixtures("keyring")
def test_a_locked_keyring_says_so_and_nothing_else() -> None:
    with pytest.raises(Usage, match="does not give keyring:locked/by1: KeyringError") as refusal:
        secret("keyring:locked/by1").reveal()
    assert "canary" not in str(refusal.value)


def test_without_the_package_the_message_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(Usage, match="needs the keyring package") as refusal:
        secret("keyring:trueup/by1").reveal()
    assert "env:NAME" in (refusal.value.hint or "")


@pytest.mark.parametrize("reference", ["keyring:", "keyring:by1", "vault:x/y", "plain-secret"])
def test_a_reference_that_leads_nowhere_is_refused(reference: str) -> None:
    with pytest.raises(ValueError, match="write where the secret lies"):
        secret(reference)
