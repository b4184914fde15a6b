"""Test before a training whether an MLflow server answers."""

import os
import ssl

from ris_core.masking import masked

_TRIES, _ANSWER_S, _LONGEST_WAIT_S = 3, 10, 4
_CLIENT_CERTIFICATE = "MLFLOW_TRACKING_CLIENT_CERT_PATH"


def why_silent(uri: str) -> str:
    """Return why an MLflow server does not answer a request for its health; empty if it does.

    MLflow's own client repeats any call for minutes before it fails. Every answer counts except an error of the server:
    a proxy in front may require a login, which only MLflow's client gives. No credentials are sent, so the server's
    certificate is not checked.

    Parameters
    ----------
    uri
        Address of the server.
    """
    import httpx
    from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

    retrying = Retrying(
        stop=stop_after_attempt(_TRIES),
        wait=wait_exponential(max=_LONGEST_WAIT_S),
        retry=retry_if_exception_type(httpx.HTTPError),
        reraise=True,
    )
    try:
        retrying(_ask, f"{uri.rstrip('/')}/health")
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, ImportError, OSError) as error:
        return masked(str(error)) or type(error).__name__
    return ""


def _ask(url: str) -> None:
    import httpx

    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    if certificate := os.environ.get(_CLIENT_CERTIFICATE):
        trusting.load_cert_chain(certificate)
    answer = httpx.get(url, timeout=_ANSWER_S, verify=trusting)
    if answer.is_server_error:
        answer.raise_for_status()
