"""The message objects that outboxes share, over ``csrc/message.h``."""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE

from trio_socketio._core._base cimport check_memory


cdef extern from "Python.h":
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL


@cython.final
cdef class Dialect:
    """The properties of a client that change the encoding of its messages. Many connections share one object.

    Args:
        revision: the revision of the Engine.IO protocol, 3 or 4.
        base64: whether binary messages are sent as base64 text; ignored in revision 4.
        deflate: compresses the client's outbound messages and inflates its inbound ones; None: no compression. It
            cannot be changed later.
    """

    def __cinit__(self, int revision=4, bint base64=False, Deflate deflate=None):
        if revision not in (3, 4):
            raise ValueError(f"revision must be 3 or 4, not {revision}")
        self._dialect.revision = <uint8_t>revision
        self._dialect.base64 = base64
        self._dialect.deflate = NULL if deflate is None else deflate._deflate
        self.deflate = deflate

    @property
    def revision(self):
        """The revision of the Engine.IO protocol."""
        return self._dialect.revision

    @property
    def base64(self):
        """Whether binary messages are sent as base64 text."""
        return bool(self._dialect.base64)


cdef set _forms(const tsio_message *message, str prefix):
    cdef set made = set()
    cdef const tsio_message_forms *forms = message.forms
    if message.polling.len:
        made.add(prefix + "payload 4")
    if forms is NULL:
        return made
    if forms.text_payload.len:
        made.add(prefix + "text payload 3")
    if forms.binary_payload.len:
        made.add(prefix + "binary payload 3")
    if forms.typed is not NULL:
        made.add("typed")
        made |= _forms(forms.typed, "typed, ")
    if forms.base64 is not NULL:
        made.add("base64")
        made |= _forms(forms.base64, "base64, ")
    if forms.deflated is not NULL:
        made.add(prefix + "deflated")
    return made


@cython.final
cdef class Message:
    """One immutable packet of the layer above. All its recipients share it, and each encoding is made only once.

    Args:
        text: the text part, as ``str`` or as UTF-8 ``bytes``; None for a message that only has attachments.
        attachments: binary parts, which are sent directly after the text and never separated from it.
        packet_type: the Engine.IO packet type digit that precedes the text.
        key: the key that the policy ``latest_per_event`` compares, below 2**64; 0: none.

    Attributes:
        compress: whether the message may be compressed. Set it before the message is queued anywhere.
    """

    def __cinit__(self):
        self._message = tsio_message_new(0, 0)
        if self._message is NULL:
            raise MemoryError("message")

    def __init__(self, text, attachments=(), *, str packet_type not None="4", uint64_t key=0):
        cdef const uint8_t[::1] view
        cdef Py_ssize_t size = 0
        cdef const char *chars = NULL
        if self._message.parts:
            raise TypeError("a message cannot be initialized twice")
        if len(packet_type) != 1 or not "0" <= packet_type <= "9":
            raise ValueError(f"packet_type must be one digit, not {packet_type!r}")
        if type(text) is bytes:  # fast path for packets: a memory view would cost 0.3 µs
            chars = PyBytes_AS_STRING(text)
            size = PyBytes_GET_SIZE(text)
        elif isinstance(text, str):
            chars = PyUnicode_AsUTF8AndSize(text, &size)
        elif text is not None:
            view = text
            size = view.shape[0]
            chars = <const char *>&view[0] if size else NULL
        self._message.key = key
        if text is not None:
            check_memory(tsio_message_add_text(
                self._message, <uint8_t>ord(packet_type), <const uint8_t *>chars, <size_t>size
            ))
        for attachment in attachments:
            if attachment is None:
                raise TypeError("an attachment must be a bytes-like object, not None")
            view = attachment
            check_memory(tsio_message_add_binary(
                self._message, &view[0] if view.shape[0] else NULL, <size_t>view.shape[0]
            ))
        if self._message.parts == 0:
            raise ValueError("a message needs a text or attachments")

    def __dealloc__(self):
        if self._message is not NULL:
            tsio_message_unref(self._message)

    def __len__(self):
        """Return the size that an outbox counts, in bytes."""
        return tsio_message_bytes(self._message)

    @property
    def compress(self):
        """Whether the message may be compressed."""
        return not self._message.never_compress

    @compress.setter
    def compress(self, bint value):
        self._message.never_compress = not value

    @property
    def forms(self):
        """The names of the encodings that were made so far for clients which cannot receive the plain frames."""
        return frozenset(_forms(self._message, ""))

    def payload(self):
        """Return the message in the form of a polling payload (Engine.IO revision 4)."""
        cdef const uint8_t *data = NULL
        cdef size_t length = 0
        check_memory(tsio_message_polling(self._message, &data, &length))
        return PyBytes_FromStringAndSize(<const char *>data, <Py_ssize_t>length)


cdef Message message_of(const tsio_piece *pieces, size_t count):
    """Create a message of one text, which begins with the Engine.IO packet type."""
    cdef Message message = Message.__new__(Message)
    check_memory(tsio_message_add_pieces(message._message, pieces, count))
    return message
