"""Session ids that tell which worker has the session.

An id is base64url of 14 random bytes and one byte: the worker's instance number, masked by a keyed hash of the random
bytes. Only processes with the key can read the number. The parent makes the key when it starts.
"""

from __future__ import annotations

import os
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2s

__all__ = ["KEY_BYTES", "MOST_INSTANCES", "InstanceNumbers", "SessionIds"]

#: The size of the key, in bytes.
KEY_BYTES = 32

#: How many workers can run at the same time, including those that end during a rolling restart.
MOST_INSTANCES = 256

#: The random bytes of an id.
RANDOM_BYTES = 14

_ID = re.compile(r"[A-Za-z0-9_-]{20}", re.ASCII)


class SessionIds:
    """Makes and reads the session ids of one worker.

    Args:
        instance: the number of the worker, from 0 to 255.
        key: the key that all workers share: 32 bytes.

    Attributes:
        instance: the number of the worker.
    """

    __slots__ = ("_keyed", "instance")

    def __init__(self, instance: int, key: bytes) -> None:
        if not 0 <= instance < MOST_INSTANCES:
            raise ValueError(f"the number of a worker is below {MOST_INSTANCES}, unlike {instance}")
        if len(key) != KEY_BYTES:
            raise ValueError(f"the key of session ids has {KEY_BYTES} bytes, not {len(key)}")
        self.instance = instance
        self._keyed = blake2s(key=key, digest_size=1)

    def _mask(self, random: bytes) -> int:
        keyed = self._keyed.copy()
        keyed.update(random)
        return int.from_bytes(keyed.digest(), "big")

    def make(self) -> str:
        """Return a new id: 20 characters, with 112 random bits."""
        random = os.urandom(RANDOM_BYTES)
        return urlsafe_b64encode(random + bytes((self.instance ^ self._mask(random),))).decode("ascii")

    def read(self, sid: str) -> int | None:
        """Return the number of the worker that made an id; None if no worker can have made it.

        A forged id names any number. The worker of that number does not have the session.
        """
        if _ID.fullmatch(sid) is None:
            return None
        raw: bytes = urlsafe_b64decode(sid)
        return raw[RANDOM_BYTES] ^ self._mask(raw[:RANDOM_BYTES])


class InstanceNumbers:
    """The numbers of workers, as the parent gives them out.

    A number is free when its process has ended, as its sessions have ended with it. The number that has been free for
    the longest time is given out first. An old session id then names no worker for a while, and later one that does not
    have the session; in both cases the answer is that the session is unknown.
    """

    def __init__(self) -> None:
        self._free: dict[int, None] = dict.fromkeys(range(MOST_INSTANCES))

    def take(self) -> int:
        """Return a free number.

        Raises:
            ValueError: 256 workers run.
        """
        if not self._free:
            raise ValueError(f"{MOST_INSTANCES} workers run at most")
        number = next(iter(self._free))
        del self._free[number]
        return number

    def release(self, number: int) -> None:
        """Take back a number, because its process has ended."""
        self._free[number] = None
