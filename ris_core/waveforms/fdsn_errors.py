"""Errors of a data centre: one for the user, and those that decide whether a request is repeated."""

from __future__ import annotations


class DataCentreError(OSError):
    """A request to a data centre failed, or gave something else than was requested; the message says what to do."""


class RequestFailedError(Exception):
    """An HTTP request was not answered with 200 and a whole body.

    Attributes
    ----------
    url
        Address of the request, after redirects.
    status
        HTTP status; none without an answer.
    retry_after
        Wait that the data centre asks for, s; none if it does not ask for one.
    """

    def __init__(self, said: str, url: str, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(said)
        self.url = url
        self.status = status
        self.retry_after = retry_after


class PassingError(Exception):
    """A failure that may be temporary; `retry_after` is the wait that the data centre asks for, s."""

    def __init__(self, cause: str, retry_after: float | None = None) -> None:
        super().__init__(cause)
        self.retry_after = retry_after


class NothingThereError(Exception):
    """The data centre has no data for the request."""


class RefusedError(Exception):
    """Access is refused; the text says how to get access."""
