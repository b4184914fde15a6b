"""A certificate with its key that scheduler, workers and clients of one user show each other."""

from ris_core.relied_upon import relying_on


def new_certificate() -> tuple[str, str]:
    """Return a new certificate, which is its own authority, and its key, both as PEM.

    Raises
    ------
    ImportError
        The package cryptography is missing.
    """
    from distributed import Security

    made = Security.temporary()
    with relying_on("dask", __name__):
        return str(made.tls_ca_file), str(made.tls_scheduler_key)
