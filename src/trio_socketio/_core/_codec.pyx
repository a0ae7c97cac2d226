"""Stateless codecs: Engine.IO payloads and the head of a Socket.IO packet."""

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


ctypedef tsio_status (*_next_packet)(tsio_eio_splitter *, tsio_eio_packet *, c_bool *) noexcept nogil


cdef tuple _split(const uint8_t[::1] body, uint32_t max_packets, _next_packet next_packet, bint binary_is_base64):
    """All packets before the first bad one, and what is wrong with that."""
    cdef tsio_eio_splitter splitter
    cdef tsio_eio_packet packet
    cdef c_bool more = True
    cdef tsio_status status
    cdef const uint8_t *start = &body[0] if body.shape[0] else NULL
    cdef list packets = []
    cdef object decoded
    tsio_eio_splitter_init(&splitter, start, <size_t>body.shape[0], max_packets)
    while True:
        status = next_packet(&splitter, &packet, &more)
        if status != TSIO_OK:
            return packets, _failure(status)
        if not more:
            return packets, None
        if not packet.binary:
            decoded = _decode_text(&packet)
            if decoded is None:
                return packets, Failure("packet is not valid UTF-8", 0)
        elif binary_is_base64:
            decoded = _decode_base64(packet.packet, packet.len)
            if decoded is None:
                return packets, _failure(TSIO_E_BASE64)
        else:
            decoded = PyBytes_FromStringAndSize(<const char *>packet.packet, <Py_ssize_t>packet.len)
        packets.append(decoded)


def split_payload(const uint8_t[::1] body not None, uint32_t max_packets):
    """Split an Engine.IO revision 4 payload into its packets.

    Args:
        body: the whole body of a polling request.
        max_packets: how many packets one payload may hold.

    Returns:
        The packets before the first bad one (text packets as ``str`` with their type digit, binary
        messages as ``bytes``), and a ``Failure`` or None.

    Source: Engine.IO protocol revision 4, "Payload encoding"; base64 after RFC 4648 section 4, strict but for line breaks, which
    are skipped.
    """
    return _split(body, max_packets, tsio_eio_splitter_next, True)


def split_payload3(const uint8_t[::1] body not None, uint32_t max_packets, bint binary=False):
    """Split an Engine.IO revision 3 payload into its packets.

    Args:
        body: the whole body of a polling request.
        max_packets: how many packets one payload may hold, empty ones included.
        binary: whether the body is of the binary form.

    Returns:
        The packets before the first bad one, as a WebSocket carries them (text packets as ``str``, binary ones as
        ``bytes``), and a ``Failure`` or None.

    Source: Engine.IO protocol revision 3, "Payload".
    """
    return _split(body, max_packets, tsio_eio3_binary_splitter_next if binary else tsio_eio3_splitter_next, False)


def unwrap_binary3(packet not None):
    """The binary message in a packet of Engine.IO revision 3.

    Args:
        packet: its type in a byte and the data, or text that begins with ``b``, the type digit and base64.

    Returns:
        The data; or a ``Failure`` if the packet is no message, or not base64 (RFC 4648 section 4, strict but for
        line breaks, which are skipped).
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


def scan_head(bytes data not None, uint32_t max_attachments):
    """Scan the head of a Socket.IO packet.

    Args:
        data: an Engine.IO text message, without the Engine.IO type digit.
        max_attachments: how many attachments a packet may announce.

    Returns:
        A ``PacketHead``, whose JSON is not looked at; or a ``Failure``.

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
