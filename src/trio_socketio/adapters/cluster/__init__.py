"""Clusters: servers that are connected by a bus behave as one.

A bus (``Bus``) publishes and receives. ``Cluster`` is one server's part: it keeps the bus connected, and bounds what
waits. ``ClusterAdapter`` is the adapter of one namespace, and ``EnvelopeAdapter`` gives its messages the format of
Node's cluster adapters. ``BusAdapter`` puts them together.
"""

from trio_socketio._adapter_health import AdapterHealth, AdapterState
from trio_socketio.adapters.cluster._adapter import ClusterAdapter, stays_here
from trio_socketio.adapters.cluster._backoff import Backoff
from trio_socketio.adapters.cluster._bus import Bus, BusError, BusMoved, BusRefused
from trio_socketio.adapters.cluster._bus_adapter import BusAdapter
from trio_socketio.adapters.cluster._cluster import Cluster
from trio_socketio.adapters.cluster._envelope_adapter import EMITTER, EnvelopeAdapter
from trio_socketio.adapters.cluster._messages import MessageType, Options, options_of
from trio_socketio.adapters.cluster._requests import Request, Requests
from trio_socketio.adapters.cluster._wire import (
    Envelope,
    Malformed,
    decode,
    decode_data,
    encode,
    pack,
    pack_binary,
    portable,
    unpack,
)

__all__ = [
    "EMITTER",
    "AdapterHealth",
    "AdapterState",
    "Backoff",
    "Bus",
    "BusAdapter",
    "BusError",
    "BusMoved",
    "BusRefused",
    "Cluster",
    "ClusterAdapter",
    "Envelope",
    "EnvelopeAdapter",
    "Malformed",
    "MessageType",
    "Options",
    "Request",
    "Requests",
    "decode",
    "decode_data",
    "encode",
    "options_of",
    "pack",
    "pack_binary",
    "portable",
    "stays_here",
    "unpack",
]
