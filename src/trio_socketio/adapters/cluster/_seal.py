"""Authenticates messages of a bus with a secret that the servers of a cluster share."""

from __future__ import annotations

import hashlib
import hmac

from trio_socketio.adapters.cluster._wire import Malformed

__all__ = ["NoSeal", "Seal"]


class NoSeal:
    """Messages as they are, for clusters without a secret."""

    size = 0

    def seal(self, channel: str, payload: bytes) -> bytes:
        """Return the payload."""
        return payload

    def unseal(self, channel: str, sealed: bytes) -> bytes:
        """Return the payload."""
        return sealed


class Seal(NoSeal):
    """Puts an HMAC-SHA256 (RFC 2104) of channel and message before each message.

    It proves that a server with the secret has sent the message to this channel. It does not encrypt, and a message
    that is recorded and sent again is accepted.

    Args:
        secret: the secret, at least 16 bytes.
    """

    size = 32

    def __init__(self, secret: bytes) -> None:
        if len(secret) < 16:
            raise ValueError(f"secret must have at least 16 bytes, not {len(secret)}")
        self._secret = secret

    def _digest(self, channel: str, payload: bytes) -> bytes:
        name = channel.encode("utf-8", "surrogatepass")
        return hmac.digest(self._secret, len(name).to_bytes(4, "big") + name + payload, hashlib.sha256)

    def seal(self, channel: str, payload: bytes) -> bytes:
        """Return the sealed message."""
        return self._digest(channel, payload) + payload

    def unseal(self, channel: str, sealed: bytes) -> bytes:
        """Return the payload of a sealed message.

        Raises:
            Malformed: the seal is missing or wrong.
        """
        payload = sealed[self.size :]
        if not hmac.compare_digest(sealed[: self.size], self._digest(channel, payload)):
            raise Malformed("signature")
        return payload
