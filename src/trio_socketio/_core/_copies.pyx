"""Detects messages that a bus delivers twice, by their numbers."""

cimport cython
from libc.stdint cimport uint64_t
from libc.string cimport memset


cdef enum:
    #: How many numbers, the highest one included, are remembered of each source.
    WINDOW = 1024
    WORDS = 16


@cython.final
cdef class _Source:
    """The numbers of one source: the highest, and a bit for each of the last ``WINDOW``, at its number modulo it."""

    cdef uint64_t highest
    cdef uint64_t[WORDS] bits

    cdef bint has(self, uint64_t number) noexcept:
        return self.bits[number % WINDOW // 64] >> number % 64 & 1

    cdef void put(self, uint64_t number) noexcept:
        self.bits[number % WINDOW // 64] |= <uint64_t>1 << number % 64

    cdef void clear(self, uint64_t number) noexcept:
        self.bits[number % WINDOW // 64] &= ~(<uint64_t>1 << number % 64)

    cdef void rise(self, uint64_t number) noexcept:
        """Make a higher number the highest."""
        cdef uint64_t passed
        if number - self.highest >= WINDOW:
            memset(self.bits, 0, sizeof(self.bits))
        else:
            passed = self.highest + 1
            while passed < number:
                self.clear(passed)
                passed += 1
        self.highest = number
        self.put(number)


@cython.final
cdef class Copies:
    """The numbers of the messages received last, by source.

    A source is one server on one channel. Different channels have different delays: a stream that is read after an
    outage lags far behind the channel for answers. The numbers of one source have gaps, because a server counts its
    messages on all channels together. A message whose number is 1024 or more below the highest one of its source is
    taken for a copy.

    Args:
        most_sources: how many sources are remembered. The oldest are forgotten.
    """

    def __cinit__(self, Py_ssize_t most_sources=10_000):
        self._most_sources = most_sources
        self._sources = {}

    def is_copy(self, str uid not None, str channel not None, uint64_t seq):
        """Return whether the message was received before, and remember it."""
        cdef tuple key = (uid, channel)
        cdef _Source source = self._sources.get(key)
        if source is None:
            if len(self._sources) >= self._most_sources:
                del self._sources[next(iter(self._sources))]
            source = self._sources[key] = _Source.__new__(_Source)
            source.highest = seq
            source.put(seq)
            return False
        if seq > source.highest:
            source.rise(seq)
            return False
        if source.highest - seq >= WINDOW or source.has(seq):
            return True
        source.put(seq)
        return False
