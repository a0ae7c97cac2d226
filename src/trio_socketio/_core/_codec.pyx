"""Stateless codecs: Engine.IO payloads and the head of a Socket.IO packet."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DecodeUTF8

from trio_socketio._core._base cimport TSIO_E_BASE64, TSIO_OK, tsio_status_close_code, tsio_status_text

from trio_socketio._core._types import Failure


cdef object _failure(tsio_status status):
    return Failure(tsio_status_text(status).decode(), tsio_status_close_code(status))


cdef object _decode_base64(const tsio_eio_packet *packet):
    cdef size_t length = 0
    cdef bytes decoded = PyBytes_FromStringAndSize(NULL, <Py_ssize_t>tsio_base64_decoded_max(packet.len))
    if not tsio_base64_decode(<uint8_t *>PyBytes_AS_STRING(decoded), &length, packet.packet, packet.len):
        return None
    return decoded if <Py_ssize_t>length == len(decoded) else decoded[:length]


def split_payload(const uint8_t[::1] body not None, uint32_t max_packets):
    """Split an Engine.IO revision 4 payload into its packets.

    Args:
        body: the whole body of a polling request.
        max_packets: how many packets one payload may hold.

    Returns:
        The packets before the first bad one (text packets as ``str`` with their type digit, binary
        messages as ``bytes``), and a ``Failure`` or None.

    Source: Engine.IO protocol revision 4, "Payload encoding"; base64 after RFC 4648 section 4, strict.
    """
    cdef tsio_eio_splitter splitter
    cdef tsio_eio_packet packet
    cdef c_bool more = True
    cdef tsio_status status
    cdef const uint8_t *start = &body[0] if body.shape[0] else NULL
    cdef list packets = []
    cdef object binary
    tsio_eio_splitter_init(&splitter, start, <size_t>body.shape[0], max_packets)
    while True:
        status = tsio_eio_splitter_next(&splitter, &packet, &more)
        if status != TSIO_OK:
            return packets, _failure(status)
        if not more:
            return packets, None
        if packet.binary:
            binary = _decode_base64(&packet)
            if binary is None:
                return packets, _failure(TSIO_E_BASE64)
            packets.append(binary)
        elif tsio_utf8_valid(packet.packet, packet.len):
            packets.append(PyUnicode_DecodeUTF8(<const char *>packet.packet, <Py_ssize_t>packet.len, NULL))
        else:
            return packets, Failure("packet is not valid UTF-8", 0)


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
