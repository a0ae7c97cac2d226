"""Certificates for servers and clients of tests."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme

__all__ = ["certificate_in"]


def certificate_in(folder: Path) -> tuple[ssl.SSLContext, str]:
    """A context for clients of ``localhost``, and the path of a file with that server's certificate and key."""
    authority = trustme.CA()
    certificate = folder / "certificate.pem"
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context, str(certificate)
