"""Sends failures to a webhook or by e-mail, as the environment says, and never shows secrets of the addresses.

``RIS_ALERT_WEBHOOK`` is a URL that takes a JSON POST. ``RIS_ALERT_SMTP_URL`` is ``smtp://[USER:PASSWORD@]HOST[:PORT]``
or ``smtps://...``; ``RIS_ALERT_SMTP_TO`` has the recipients, separated by commas, and ``RIS_ALERT_SMTP_FROM`` the
sender.
"""

import http.client
import json
import os
import smtplib
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from email.message import EmailMessage
from typing import Any, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

import tenacity

from ris_core.masking import masked
from ris_core.web.loopback import is_loopback

WEBHOOK = "RIS_ALERT_WEBHOOK"
SMTP_URL, SMTP_TO, SMTP_FROM = "RIS_ALERT_SMTP_URL", "RIS_ALERT_SMTP_TO", "RIS_ALERT_SMTP_FROM"

# The sum is well below the minute after which Dagster ends a tick.
_ATTEMPTS = 3
_TIMEOUT_S = 5
_WAIT_S = 1
_SERVER_ERROR = 500
_TOO_MANY = 429
_STARTTLS_PORT, _TLS_PORT = 587, 465


class AlertError(RuntimeError):
    """A message could not be sent, or its address cannot be used; the error contains no secret."""


class _TryAgainError(Exception):
    """An attempt failed for a cause that may be temporary."""


class Alert(NamedTuple):
    """An alert.

    Attributes
    ----------
    subject
        One line.
    text
        The whole message, for readers.
    details
        The same for programs, as values for JSON.
    """

    subject: str
    text: str
    details: Mapping[str, Any]


def without_secrets(text: str) -> str:
    """Return a text without credentials (`masked`) and without the values of the alerts' own variables."""
    for name in (WEBHOOK, SMTP_URL):
        value = os.environ.get(name, "")
        parts = _parts_of(value)
        for secret in (value, parts.password if parts else None, unquote(parts.password or "") if parts else None):
            if secret:
                text = text.replace(secret, f"({name})")
    return masked(text)


def send(alert: Alert) -> list[str]:
    """Send a message to every address of the environment and return their names, without secrets.

    Raises
    ------
    AlertError
        At least one address could not be reached; the others have the message.
    """
    done, problems = [], []
    for name, sender in _senders():
        try:
            done.append(sender(Alert(without_secrets(alert.subject), without_secrets(alert.text), alert.details)))
        except AlertError as error:
            problems.append(f"{name}: {error}")
    if problems:
        # Without its cause, which may contain the address with its secrets.
        raise AlertError(without_secrets("; ".join(problems))) from None
    return done


def _senders() -> Iterator[tuple[str, Callable[[Alert], str]]]:
    if os.environ.get(WEBHOOK):
        yield WEBHOOK, _post
    if os.environ.get(SMTP_URL):
        yield SMTP_URL, _mail


def _parts_of(value: str) -> SplitResult | None:
    try:
        parts = urlsplit(value)
        _ = parts.port  # also raises if it is not a number
    except ValueError:
        return None
    return parts


def _address(name: str, schemes: tuple[str, ...]) -> SplitResult:
    parts = _parts_of(os.environ[name])
    if parts is None or parts.scheme not in schemes or not parts.hostname:
        raise AlertError(f"its value is not a URL with {' or '.join(schemes)} and a host")
    return parts


def _persistently(attempt: Callable[[], None], where: str) -> None:
    """Repeat attempts until one succeeds or the failure is final."""
    tries = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(_ATTEMPTS),
        wait=tenacity.wait_exponential(_WAIT_S),
        retry=tenacity.retry_if_exception_type(_TryAgainError),
        reraise=True,
    )
    try:
        tries(attempt)
    except _TryAgainError as error:
        raise AlertError(f"{where}: {error}, {_ATTEMPTS} times") from None


def _post(alert: Alert) -> str:
    where = f"webhook at {_address(WEBHOOK, ('https', 'http')).hostname}"
    body = json.dumps({"text": f"{alert.subject}\n{alert.text}", **_masked_values(alert.details)}).encode()

    def attempt() -> None:
        request = urllib.request.Request(  # noqa: S310 - _address has seen that it is http or https
            os.environ[WEBHOOK], body, {"Content-Type": "application/json", "User-Agent": "ris-dagster"}
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S):  # noqa: S310 - as above
                return
        except urllib.error.HTTPError as error:
            said = f"it answered {error.code}"
            if error.code >= _SERVER_ERROR or error.code == _TOO_MANY:
                raise _TryAgainError(said) from None
            raise AlertError(f"{where}: {said}; check that the address is right and still valid") from None
        except OSError as error:
            raise _TryAgainError(_reason(error)) from None
        except (http.client.HTTPException, ValueError) as error:
            raise AlertError(f"{where}: {type(error).__name__}; check that the address is a correct URL") from None

    _persistently(attempt, where)
    return where


def _masked_values(values: Any) -> Any:
    if isinstance(values, Mapping):
        return {name: _masked_values(value) for name, value in values.items()}
    if isinstance(values, list | tuple):
        return [_masked_values(value) for value in values]
    return without_secrets(values) if isinstance(values, str) else values


def _mail(alert: Alert) -> str:
    parts = _address(SMTP_URL, ("smtp", "smtps"))
    to = os.environ.get(SMTP_TO, "")
    if not to:
        raise AlertError(f"{SMTP_TO} is not set; name the recipients, separated by commas")
    message = EmailMessage()
    try:
        message["Subject"] = " ".join(alert.subject.split())
        message["To"] = to
        message["From"] = os.environ.get(SMTP_FROM) or to.split(",")[0].strip()
    except (ValueError, IndexError):
        raise AlertError(f"{SMTP_TO} or {SMTP_FROM} holds no e-mail address") from None
    message.set_content(alert.text)
    where = f"mail server {parts.hostname}"
    _persistently(lambda: _deliver(message, parts, where), where)
    return f"{to} by {where}"


def _deliver(message: EmailMessage, parts: SplitResult, where: str) -> None:
    host = str(parts.hostname)
    try:
        with _connected(parts, host) as server:
            server.ehlo()
            if parts.scheme == "smtp" and server.has_extn("starttls"):
                server.starttls(context=ssl.create_default_context())
                server.ehlo()
            elif parts.scheme == "smtp" and parts.username and not is_loopback(host):
                raise AlertError(f"{where} offers no encryption, so the password was not sent; use smtps://")
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
            server.send_message(message)
    except smtplib.SMTPAuthenticationError as error:
        raise AlertError(f"{where} refused user and password ({error.smtp_code})") from None
    except smtplib.SMTPRecipientsRefused:
        raise AlertError(f"{where} refused all of {SMTP_TO}") from None
    except OSError as error:  # of which SMTPException is one
        raise _TryAgainError(_reason(error)) from None


def _connected(parts: SplitResult, host: str) -> smtplib.SMTP:
    if parts.scheme == "smtps":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(host, parts.port or _TLS_PORT, timeout=_TIMEOUT_S, context=context)
    return smtplib.SMTP(host, parts.port or _STARTTLS_PORT, timeout=_TIMEOUT_S)


def _reason(error: OSError) -> str:
    """Return the failure in words that cannot contain an address."""
    inner = getattr(error, "reason", None)
    found = inner if isinstance(inner, OSError) else error
    return found.strerror or type(found).__name__
