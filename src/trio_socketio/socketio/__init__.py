"""Socket.IO protocol, revisions 5 and 4, without I/O: packets, the parser, connections and rooms."""

from trio_socketio.socketio._connection import (
    AckReceived,
    ConnectionOptions,
    ConnectReceived,
    DisconnectReceived,
    EventReceived,
    Incoming,
    Protocol4Connection,
    SocketIOConnection,
    UndecodedEvent,
)
from trio_socketio.socketio._json import (
    encode_json,
    encode_plainly,
    insert_attachments,
    plain_with_binary,
    without_lone_surrogates,
)
from trio_socketio.socketio._packet import MAX_ACK_ID, RESERVED_EVENTS, Packet, PacketType
from trio_socketio.socketio._parser import Decoder, Undecoded, encode, encode_ack, encode_event, packet_writer
from trio_socketio.socketio._rooms import RoomIndex, Target

__all__ = [
    "MAX_ACK_ID",
    "RESERVED_EVENTS",
    "AckReceived",
    "ConnectReceived",
    "ConnectionOptions",
    "Decoder",
    "DisconnectReceived",
    "EventReceived",
    "Incoming",
    "Packet",
    "PacketType",
    "Protocol4Connection",
    "RoomIndex",
    "SocketIOConnection",
    "Target",
    "Undecoded",
    "UndecodedEvent",
    "encode",
    "encode_ack",
    "encode_event",
    "encode_json",
    "encode_plainly",
    "insert_attachments",
    "packet_writer",
    "plain_with_binary",
    "without_lone_surrogates",
]
