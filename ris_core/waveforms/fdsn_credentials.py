"""Credentials for a data centre: a login or an EIDA token, only from the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ris_core.masking import masked
from ris_core.waveforms.fdsn_errors import DataCentreError

USER, PASSWORD, EIDA_TOKEN = "RIS_FDSN_USER", "RIS_FDSN_PASSWORD", "RIS_FDSN_EIDA_TOKEN"
HOW_TO_GIVE_THEM = f"set {USER} and {PASSWORD}, or {EIDA_TOKEN}, in the environment of every process that fetches"


@dataclass(frozen=True)
class Credentials:
    """Credentials for a data centre; their text representation says which kind there is and never shows a secret."""

    user: str | None = None
    password: str | None = None
    eida_token: str | None = None

    def __repr__(self) -> str:
        return f"Credentials({self.kind})"

    @property
    def kind(self) -> str:
        """The kind of credentials, in words for an error message."""
        return "EIDA token" if self.eida_token else "user and password" if self.user else "no credentials"

    def hidden(self, text: str) -> str:
        """Return a text on one line, without secrets."""
        text = " ".join(text.split())
        for secret in (self.password, self.eida_token):
            if secret:
                text = text.replace(" ".join(secret.split()), "***")
        return masked(text)


def credentials_from_environment(provider: str) -> Credentials:
    """Return the credentials of the environment; raises `DataCentreError` if they contradict each other."""
    user, password, token = (os.environ.get(name) or None for name in (USER, PASSWORD, EIDA_TOKEN))
    if (user is None) != (password is None):
        given, absent = (USER, PASSWORD) if user else (PASSWORD, USER)
        raise DataCentreError(f"{provider}: {given} is set, but {absent} is not; set both or none")
    if user and token:
        raise DataCentreError(f"{provider}: both {USER} and {EIDA_TOKEN} are set; only one can be used")
    # A text of several lines is not a path, and may be too long for one.
    if token and "\n" not in token.strip():
        try:
            token = Path(token).expanduser().read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            # The error would repeat the value, which may be a token.
            raise DataCentreError(
                f"{provider}: {EIDA_TOKEN} is neither the text of a token nor a file that can be read "
                f"({type(error).__name__})"
            ) from None
    return Credentials(user, password, token)
