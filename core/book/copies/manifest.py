"""The `.json` beside a copy: written last but one, believed only when all of it reads back."""

import hashlib
from pathlib import Path

import msgspec

from core.book.copies.deadline import Deadline
from core.config.opening import read_plain_file, reason
from core.domain.backup import CopiedFile, Manifest

_BYTES_MAX = 1 << 20
_HASHED_AT_ONCE = 1 << 20


class BadManifest(Exception):
    """The manifest cannot be believed, and why."""


def write_manifest(manifest: Manifest, path: Path) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")


def read_manifest(path: Path) -> Manifest | None:
    """None when there is none; BadManifest when there is something else in its place."""
    try:
        content = read_plain_file(path, _BYTES_MAX)[0]
        manifest = msgspec.json.decode(content, type=Manifest)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadManifest(f"the manifest {path.name} {reason(error)}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadManifest(f"the manifest {path.name} does not read: {error}") from None
    if manifest.format_version.partition(".")[0] != "1":
        raise BadManifest(
            f"the manifest {path.name} has the unknown format {manifest.format_version!r:.20}"
        )
    if any(Path(name).name != name for name in manifest.files):
        raise BadManifest(f"the manifest {path.name} names files elsewhere")
    return manifest


def copied_file(path: Path, name: str, deadline: Deadline) -> CopiedFile:
    """Size and SHA-256 of a finished file, under the name it will have."""
    sha256, size = hashlib.sha256(), 0
    buffer = memoryview(bytearray(_HASHED_AT_ONCE))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            deadline.check()
            sha256.update(buffer[:count])
            size += count
    return CopiedFile(file=name, size=size, sha256=sha256.hexdigest())
