"""From a registered function to a running task."""

from trio_socketio.handlers._ack import NO_ACK, Ack
from trio_socketio.handlers._boundary import (
    CONTAINED,
    INTERRUPTS,
    contain,
    leaf,
    unwrap,
    without_disconnected,
)
from trio_socketio.handlers._handler import EventName, Handler, HandlerFunction
from trio_socketio.handlers._nursery import SocketNursery
from trio_socketio.handlers._outside import (
    emit_outside,
    require_task,
    require_task_to_call,
    require_task_to_emit,
)
from trio_socketio.handlers._registration import (
    function_name,
    require_arguments,
    require_event_name,
    require_function,
    require_hook,
    require_socket,
)
from trio_socketio.handlers._table import HandlerTable

__all__ = [
    "CONTAINED",
    "INTERRUPTS",
    "NO_ACK",
    "Ack",
    "EventName",
    "Handler",
    "HandlerFunction",
    "HandlerTable",
    "SocketNursery",
    "contain",
    "emit_outside",
    "function_name",
    "leaf",
    "require_arguments",
    "require_event_name",
    "require_function",
    "require_hook",
    "require_socket",
    "require_task",
    "require_task_to_call",
    "require_task_to_emit",
    "unwrap",
    "without_disconnected",
]
