"""Who is at the keyboard, as audit rows, approvals and the sentinel name them."""

import os
import pwd
from collections.abc import Mapping


def login_name(environment: Mapping[str, str]) -> str:
    """The user; behind sudo the one who called it. $USER is not asked: anyone may set it."""
    if name := environment.get("SUDO_USER"):
        return name
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"uid {os.geteuid()}"
