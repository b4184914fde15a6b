"""Removes credentials from texts that people read: messages, logs, records of failures."""

import re

# From the scheme to the last @ before a blank: a password may contain any other character, unescaped by mistake. One
# slash is enough, since a path keeps one of two.
_USER_IN_URL = re.compile(r"\b([a-z][a-z0-9+.-]*:/+)\S*@", re.IGNORECASE)
_NAMED = re.compile(
    r"\b((?:\w*(?:password|passwd|passphrase|secret)|(?:access_|auth_|eida_)?token|api_?key)=)[^\s&;,'\"]+",
    re.IGNORECASE,
)


def masked(text: str) -> str:
    """Return a text without the user and password of any URL and without `password=…`, `token=…` and the like."""
    return _NAMED.sub(r"\1***", _USER_IN_URL.sub(r"\1***@", text))
