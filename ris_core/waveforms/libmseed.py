"""libmseed's functions and structures as pymseed has them in C, beyond pymseed's documented API.

pymseed's own records are Python objects; a day has tens of thousands of records, which are parsed here without them.
`tests/unit/test_adapter_pymseed.py` fails when another version of pymseed changes what `miniseed`, `encodings` and
`unpacking` rely on.
"""

from ris_core.relied_upon import relying_on

with relying_on("pymseed", __name__):
    from pymseed.clib import clibmseed, ffi
    from pymseed.logging import ensure_thread_logging

__all__ = ["clibmseed", "ensure_thread_logging", "ffi"]
