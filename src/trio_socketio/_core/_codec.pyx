"""Stateless codecs: Engine.IO payloads, the head of a Socket.IO packet, and the head of an HTTP request."""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DecodeUTF8

from trio_socketio._core._base cimport (
    TSIO_E_BASE64,
    TSIO_E_PACKET_TYPE,
    TSIO_OK,
    tsio_status_close_code,
    tsio_status_text,
)

from trio_socketio._core._types import Failure


cdef object _failure(tsio_status status):
    return Failure(tsio_status_text(status).decode(), tsio_status_close_code(status))


cdef object _decode_base64(const uint8_t *text, size_t size):
    cdef size_t length = 0
    cdef bytes decoded = PyBytes_FromStringAndSize(NULL, <Py_ssize_t>tsio_base64_decoded_max(size))
    if not tsio_base64_decode(<uint8_t *>PyBytes_AS_STRING(decoded), &length, text, size):
        return None
    return decoded if <Py_ssize_t>length == len(decoded) else decoded[:length]


cdef object _decode_text(const tsio_eio_packet *packet):
    if not tsio_utf8_valid(packet.packet, packet.len):
        return None
    return PyUnicode_DecodeUTF8(<const char *>packet.packet, <Py_ssize_t>packet.len, NULL)


@cython.final
cdef class PayloadReader:
    """An iterator over the packets of one payload. Each packet is decoded only when it is read.

    It yields the packets before the first bad one, in the form that a WebSocket carries: text packets as ``str`` with
    their type digit, binary packets as ``bytes``, which in revision 3 begin with their type.

    Args:
        body: the complete body of a polling request.
        revision: the revision of the Engine.IO protocol, 3 or 4.
        binary: whether the body has the binary form of revision 3.

    Attributes:
        failure: at the end, a ``Failure`` that describes what is wrong with the first bad packet; or None.

    Source: Engine.IO protocol, revisions 3 and 4, "Payload"; base64 as in RFC 4648 section 4, strict except that line
    breaks are skipped.
    """

    def __cinit__(self, bytes body not None, int revision=4, bint binary=False):
        self._body = body
        self._binary_is_base64 = revision == 4
        if revision == 4:
            self._next_packet = tsio_eio_splitter_next
        else:
            self._next_packet = tsio_eio3_binary_splitter_next if binary else tsio_eio3_splitter_next
        tsio_eio_splitter_init(
            &self._splitter, <const uint8_t *>PyBytes_AS_STRING(body), <size_t>PyBytes_GET_SIZE(body)
        )

    def __iter__(self):
        return self

    def __next__(self):
        cdef tsio_eio_packet packet
        cdef c_bool more = True
        cdef tsio_status status
        cdef object decoded
        if self.failure is not None:
            raise StopIteration
        status = self._next_packet(&self._splitter, &packet, &more)
        if status != TSIO_OK:
            self.failure = _failure(status)
        elif more:
            if not packet.binary:
                decoded = _decode_text(&packet)
                if decoded is None:
                    self.failure = Failure("packet is not valid UTF-8", 0)
            elif self._binary_is_base64:
                decoded = _decode_base64(packet.packet, packet.len)
                if decoded is None:
                    self.failure = _failure(TSIO_E_BASE64)
            else:
                decoded = PyBytes_FromStringAndSize(<const char *>packet.packet, <Py_ssize_t>packet.len)
            if self.failure is None:
                return decoded
        raise StopIteration


def unwrap_binary(str packet not None):
    """Decode the binary message in a text packet of Engine.IO revision 4.

    Args:
        packet: ``b`` and base64.

    Returns:
        The data; or a ``Failure`` if the base64 is invalid (RFC 4648 section 4, strict except that line breaks are
        skipped).
    """
    cdef bytes data = packet.encode("utf-8", "surrogatepass")
    cdef object decoded = _decode_base64(<const uint8_t *>PyBytes_AS_STRING(data) + 1, <size_t>len(data) - 1)
    return _failure(TSIO_E_BASE64) if decoded is None else decoded


def unwrap_binary3(packet not None):
    """Decode the binary message in a packet of Engine.IO revision 3.

    Args:
        packet: bytes: the type in one byte, and the data; or text: ``b``, the type digit, and base64.

    Returns:
        The data; or a ``Failure`` if the packet is not a message, or its base64 is invalid (RFC 4648 section 4, strict
        except that line breaks are skipped).
    """
    cdef bytes data
    cdef const uint8_t *start
    cdef object decoded
    if isinstance(packet, bytes):
        return packet[1:] if packet[:1] == b"\x04" else _failure(TSIO_E_PACKET_TYPE)
    data = packet.encode("utf-8", "surrogatepass")
    if data[:2] != b"b4":
        return _failure(TSIO_E_PACKET_TYPE)
    start = <const uint8_t *>PyBytes_AS_STRING(data)
    decoded = _decode_base64(start + 2, <size_t>len(data) - 2)
    return _failure(TSIO_E_BASE64) if decoded is None else decoded


cdef inline int _hex_value(uint8_t digit) noexcept nogil:
    if c"0" <= digit <= c"9":
        return digit - c"0"
    digit |= 0x20
    return digit - c"a" + 10 if c"a" <= digit <= c"f" else -1


def unquote_form(bytes text not None):
    """Decode the value of a form field: a plus sign is a space, and each percent sign begins an escape.

    Returns:
        The value; None: a percent sign does not begin a valid escape.

    Source: URL standard section 5.1.
    """
    cdef const uint8_t *src = <const uint8_t *>PyBytes_AS_STRING(text)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(text)
    cdef Py_ssize_t at = 0
    cdef Py_ssize_t written = 0
    cdef int high, low
    cdef bytes value = PyBytes_FromStringAndSize(NULL, size)
    cdef uint8_t *dst = <uint8_t *>PyBytes_AS_STRING(value)
    while at < size:
        if src[at] == c"%":
            if size - at < 3:
                return None
            high, low = _hex_value(src[at + 1]), _hex_value(src[at + 2])
            if high < 0 or low < 0:
                return None
            dst[written] = <uint8_t>(high << 4 | low)
            at += 3
        else:
            dst[written] = <uint8_t>(c" " if src[at] == c"+" else src[at])
            at += 1
        written += 1
    return value[:written]


def scan_head(bytes data not None, uint32_t max_attachments):
    """Scan the head of a Socket.IO packet.

    Args:
        data: an Engine.IO text message, without the Engine.IO type digit.
        max_attachments: how many attachments a packet may announce.

    Returns:
        A ``PacketHead``, whose JSON is not checked; or a ``Failure``.

    Source: Socket.IO protocol revision 5, "Packet encoding".
    """
    cdef const char *start = PyBytes_AS_STRING(data)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
    cdef tsio_sio_head head
    cdef object namespace = "/"
    cdef tsio_status status = tsio_sio_head_parse(<const uint8_t *>start, <size_t>size, max_attachments, &head)
    if status != TSIO_OK:
        return _failure(status)
    if head.nsp_len:
        try:
            namespace = PyUnicode_DecodeUTF8(<const char *>head.nsp, <Py_ssize_t>head.nsp_len, NULL)
        except UnicodeDecodeError:
            return Failure("packet is not valid UTF-8", 0)
    return (
        head.type,
        head.attachments,
        namespace,
        head.id if head.has_id else None,
        PyBytes_FromStringAndSize(start + head.json_offset, size - <Py_ssize_t>head.json_offset),
    )


def http_head_length(bytes data not None):
    """Return the length of the request head that these bytes begin with; 0: it is incomplete or ambiguous."""
    cdef c_bool is_plain
    return tsio_http_head_len(
        <const uint8_t *>PyBytes_AS_STRING(data), <size_t>PyBytes_GET_SIZE(data), &is_plain
    )


def plain_head_length(bytes data not None):
    """Return the length of the request head that these bytes begin with; 0: it is incomplete or not plain.

    Every HTTP parser reads a plain head in the same way; ``http_head.h`` has the conditions.
    """
    cdef c_bool is_plain
    cdef size_t length = tsio_http_head_len(
        <const uint8_t *>PyBytes_AS_STRING(data), <size_t>PyBytes_GET_SIZE(data), &is_plain
    )
    return length if is_plain else 0
