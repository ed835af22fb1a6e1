"""Secrets: named in the configuration, read when they are used, never shown.

A key that holds a secret says where it lies: `env:NAME`, `file:PATH` or `keyring:SERVICE/NAME`.
What has been revealed once is remembered, so that `scrub` can take it out of any text on its way to
a log or a screen.
"""

import importlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, NoReturn

from core.config.opening import read_plain_file, reason
from core.domain.errors import Usage

HIDDEN = "***"
_SOURCES = ("env", "file", "keyring")
_BYTES_MAX = 64 * 1024
# Replacing shorter ones would riddle every text with stars and protect nothing.
_SCRUBBED_LENGTH_MIN = 4
_PUT_IT_THERE = "put it there, or write in the configuration where it lies"


class Secret:
    """A reference to a secret; printing it in any way gives stars."""

    __slots__ = ("_environment", "_root", "reference")
    _revealed: ClassVar[set[str]] = set()

    def __init__(self, reference: str, *, root: Path, environment: Mapping[str, str]):
        source, _, where = reference.partition(":")
        if source not in _SOURCES or not where or (source == "keyring" and "/" not in where):
            # The text itself stays out of the message: it may be the secret.
            raise ValueError(
                "write where the secret lies, as env:NAME or file:PATH or keyring:SERVICE/NAME"
            )
        self.reference = reference
        self._root = root
        self._environment = environment

    def reveal(self) -> str:
        """The secret itself; a Usage error when it is not there or not kept private."""
        source, _, where = self.reference.partition(":")
        if source == "env":
            text = self._environment.get(where, "")
        elif source == "keyring":
            text = read_keyring(*where.rsplit("/", 1))
        else:
            text = read_secret_file(self._root / Path(where).expanduser())
        if not text:
            raise Usage(f"the secret {self.reference} is empty or not set", hint=_PUT_IT_THERE)
        Secret._revealed.update(_spellings(text))
        return text

    def __repr__(self) -> str:
        return HIDDEN

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return HIDDEN

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.reference == self.reference

    def __hash__(self) -> int:
        return hash(self.reference)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written down")


def scrub(text: str) -> str:
    """The text without any secret revealed so far; to be asked before a text is cut."""
    # The longest first: one secret may be the beginning of another.
    for secret in sorted(Secret._revealed, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def defect_text(error: BaseException) -> str:
    """What an error says that was not made to be shown: whatever it quotes is without secrets."""
    name = type(error).__name__
    return scrub(f"{name}: {error}" if str(error) else name)


def _spellings(secret: str) -> set[str]:
    """The secret as it is, and as it looks once somebody has quoted it for a text of theirs."""
    # Imported here: most commands reveal nothing.
    from html import escape
    from urllib.parse import quote, quote_plus, unquote, urlsplit

    told = {secret}
    # An address is a secret for what stands in it, and others may take it apart.
    with suppress(ValueError):
        if "://" in secret and (password := urlsplit(secret).password):
            told |= {password, unquote(password)}
    told |= {quoted(each) for each in told for quoted in (quote, quote_plus, escape)}
    told |= {quote(each, safe="") for each in told}
    # An error's text is quoted once more where the error is told by another one.
    for _ in range(2):
        told |= {
            json.dumps(each, ensure_ascii=bool(plain))[1:-1] for each in told for plain in (0, 1)
        }
        told |= {repr(each)[1:-1] for each in told}
    return {each for each in told if len(each) >= _SCRUBBED_LENGTH_MIN}


def read_keyring(service: str, name: str) -> str:
    """What the desktop's keyring holds under these names; empty when it holds nothing."""
    try:
        # An optional companion, paid for only by those who keep secrets there.
        keyring = importlib.import_module("keyring")
    except ImportError:
        raise Usage(
            f"the secret keyring:{service}/{name} needs the keyring package, which is not there",
            hint="pip install keyring, or keep the secret as env:NAME or file:PATH",
        ) from None
    try:
        return str(keyring.get_password(service, name) or "")
    except keyring.errors.KeyringError as error:
        raise Usage(
            f"the keyring does not give keyring:{service}/{name}: {type(error).__name__}",
            hint="unlock the keyring, or keep the secret as env:NAME or file:PATH",
        ) from None


def read_secret_file(path: Path) -> str:
    """The one secret in a file that only its owner may read."""
    try:
        content, status = read_plain_file(path, _BYTES_MAX)
    except OSError as error:
        raise Usage(f"the secret file {path} {reason(error)}", hint=_PUT_IT_THERE) from None
    if status.st_mode & 0o077:
        raise Usage(
            f"the secret file {path} can be used by others (mode {status.st_mode & 0o777:04o})",
            hint=f"chmod 600 {path}",
        )
    if status.st_uid not in (0, os.geteuid()):
        raise Usage(f"the secret file {path} belongs to another user")
    try:
        return content.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise Usage(f"the secret file {path} is not UTF-8 text") from None
