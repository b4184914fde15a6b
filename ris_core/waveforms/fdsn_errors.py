"""What can go wrong with a data centre: the error for the user, and those that decide whether a request is repeated."""

from __future__ import annotations


class DataCentreError(OSError):
    """A data centre could not be asked, or did not give what was asked for; the message says what to do."""


class RequestFailedError(Exception):
    """An HTTP request was not answered with 200 and a whole body.

    Attributes
    ----------
    url
        Address of the request, after redirects.
    status
        HTTP status; none where no answer was received.
    retry_after
        How long the data centre wants to be left alone, s; none where it does not say.
    """

    def __init__(self, said: str, url: str, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(said)
        self.url = url
        self.status = status
        self.retry_after = retry_after


class PassingError(Exception):
    """A failure that may pass; `retry_after` is how long the data centre wants to be left alone, s."""

    def __init__(self, cause: str, retry_after: float | None = None) -> None:
        super().__init__(cause)
        self.retry_after = retry_after


class NothingThereError(Exception):
    """The data centre has nothing of what was asked for."""


class RefusedError(Exception):
    """Access is refused; the text says how to get it."""
