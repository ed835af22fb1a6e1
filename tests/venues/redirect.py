"""Points a client library's addresses at a venue on loopback."""

import re
from typing import Any

_HOST = re.compile(r"^(http|ws)s?://[^/]*")


def redirect(addresses: Any, url: str) -> Any:
    """The same tree of addresses with every host replaced; paths and protocols stay."""
    if isinstance(addresses, dict):
        return {name: redirect(each, url) for name, each in addresses.items()}
    if not isinstance(addresses, str):
        return addresses
    host = url.partition("://")[2]
    return _HOST.sub(lambda match: f"{match.group(1)}://{host}", addresses)
