"""A secret is revealed to whoever asks for it by name, and to no log, screen or message."""

import copy
import html
import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from core.config.secret import Secret, defect_text, read_secret_file, scrub
from core.domain.errors import Usage

CANARY = "canary-5f0e1d"


def private(path: Path, text: str = CANARY, mode: int = 0o600) -> Path:
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return path


def secret(reference: str, root: Path = Path("/"), **environment: str) -> Secret:
    return Secret(reference, root=root, environment=environment)


def test_it_comes_from_a_variable() -> None:
    assert secret("env:KEY", KEY=CANARY).reveal() == CANARY


def test_it_comes_from_a_private_file_below_the_home(tmp_path: Path) -> None:
    private(tmp_path / "key", CANARY + "\n")
    assert secret("file:key", tmp_path).reveal() == CANARY


@pytest.mark.parametrize("printed", [repr, str, "{}".format, "{:>20}".format, "%s".__mod__])
def test_it_is_never_printed(printed: object) -> None:
    assert callable(printed)
    told = secret("env:KEY", KEY=CANARY)
    told.reveal()
    assert "***" in printed(told)
    assert CANARY not in printed(told)


def test_it_is_never_written_down() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(secret("env:KEY", KEY=CANARY))
    with pytest.raises(TypeError):
        copy.deepcopy(secret("env:KEY", KEY=CANARY))


def test_once_revealed_it_is_scrubbed_from_any_text() -> None:
    assert scrub("key=canary-77 rest") == "key=canary-77 rest"
    secret("env:KEY", KEY="canary-77").reveal()
    assert scrub("key=canary-77 rest") == "key=*** rest"


def test_a_missing_variable_is_named() -> None:
    with pytest.raises(Usage, match="env:KEY is empty or not set"):
        secret("env:KEY").reveal()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o666])
def test_a_file_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    path = private(tmp_path / "key", mode=mode)
    with pytest.raises(Usage, match=f"can be used by others .mode {mode:04o}") as refusal:
        read_secret_file(path)
    assert refusal.value.hint == f"chmod 600 {path}"


def test_a_link_is_refused(tmp_path: Path) -> None:
    private(tmp_path / "key")
    (tmp_path / "link").symlink_to(tmp_path / "key")
    with pytest.raises(Usage, match="is a symbolic link"):
        read_secret_file(tmp_path / "link")


def test_a_directory_a_pipe_and_nothing_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name, why in ((".", "is a directory"), ("pipe", "not a regular"), ("no", "does not exist")):
        with pytest.raises(Usage, match=why):
            read_secret_file(tmp_path / name)


def test_binary_junk_and_a_huge_file_are_refused(tmp_path: Path) -> None:
    path = private(tmp_path / "key")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(Usage, match="not UTF-8"):
        read_secret_file(path)
    path.write_bytes(b"x" * 70_000)
    with pytest.raises(Usage, match="larger than 64 KiB"):
        read_secret_file(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_the_file_of_another_user_is_refused(tmp_path: Path) -> None:
    path = private(tmp_path / "key")
    os.chown(path, 12345, 12345)
    with pytest.raises(Usage, match="belongs to another user"):
        read_secret_file(path)


@pytest.mark.parametrize(
    "quoted",
    [
        json.dumps,
        lambda text: json.dumps(text, ensure_ascii=False),
        repr,
        lambda text: repr(repr(text)),
        lambda text: str(KeyError(f"no {text}")),
        lambda text: json.dumps(repr(text)),
        quote,
        quote_plus,
        lambda text: quote(text, safe=""),
        html.escape,
    ],
)
def test_it_is_scrubbed_as_others_spell_it(quoted: Callable[[str], str]) -> None:
    """Whoever repeats a secret may have escaped it for a text of theirs."""
    told = 'canary-78/+="\\&<é> 78-canary'
    secret("env:KEY", KEY=told).reveal()
    scrubbed = scrub(f"told: {quoted(told)}")
    assert "***" in scrubbed
    assert "canary" not in scrubbed


def test_an_address_hides_its_password_too() -> None:
    secret("env:URL", URL="amqp://trader:canary%2F79@queue.example:5672/v").reveal()
    assert scrub("queue.example refused trader:canary%2F79") == "queue.example refused trader:***"
    assert scrub("login with canary/79 failed") == "login with *** failed"
    secret("env:KEY", KEY="canary://[83").reveal()
    assert scrub("canary://[83") == "***"


def test_a_secret_that_begins_another_one_leaves_no_rest() -> None:
    secret("env:KEY", KEY="canary-82").reveal()
    secret("env:KEY", KEY="canary-82-and-more").reveal()
    assert scrub("key=canary-82-and-more") == "key=***"


def test_a_defect_that_quotes_it_is_told_without_it() -> None:
    secret("env:KEY", KEY="canary-84").reveal()
    assert defect_text(RuntimeError("no key canary-84")) == "RuntimeError: no key ***"
    assert defect_text(KeyError()) == "KeyError"
