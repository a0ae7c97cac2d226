"""Makes certificates for the servers and clients of tests."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme

__all__ = ["certificate_in"]


def certificate_in(folder: Path) -> tuple[ssl.SSLContext, str]:
    """Return a TLS context for clients, and the path of a file with the certificate and key of ``localhost``."""
    authority = trustme.CA()
    certificate = folder / "certificate.pem"
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context, str(certificate)
