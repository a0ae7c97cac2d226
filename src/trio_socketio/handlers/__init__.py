"""Handlers of events: their registration, and the tasks that run them."""

from trio_socketio.handlers._ack import NO_ACK, Ack, values_of
from trio_socketio.handlers._boundary import (
    INTERNAL_ERROR,
    INTERRUPTS,
    contain,
    leaf,
    unwrap,
    without_disconnected,
)
from trio_socketio.handlers._handler import EventName, Handler, HandlerFunction
from trio_socketio.handlers._inbox import Event, Inbox, Reading
from trio_socketio.handlers._invoke import invoke, invoke_plain
from trio_socketio.handlers._mailbox import ENDED, HELD, IDLE, QUEUED, RUNNING, Mailbox, State
from trio_socketio.handlers._nursery import SocketNursery
from trio_socketio.handlers._ordering import KEYS, Key, concurrent, serial
from trio_socketio.handlers._outside import (
    emit_outside,
    require_task,
    require_task_to_call,
    require_task_to_emit,
)
from trio_socketio.handlers._owner import Owner, Spawner
from trio_socketio.handlers._registration import (
    function_name,
    require_arguments,
    require_event_name,
    require_function,
    require_hook,
    require_socket,
)
from trio_socketio.handlers._remedy import remedy
from trio_socketio.handlers._table import HandlerTable, JoinedTable, claim
from trio_socketio.handlers._workers import Workers

__all__ = [
    "ENDED",
    "HELD",
    "IDLE",
    "INTERNAL_ERROR",
    "INTERRUPTS",
    "KEYS",
    "NO_ACK",
    "QUEUED",
    "RUNNING",
    "Ack",
    "Event",
    "EventName",
    "Handler",
    "HandlerFunction",
    "HandlerTable",
    "Inbox",
    "JoinedTable",
    "Key",
    "Mailbox",
    "Owner",
    "Reading",
    "SocketNursery",
    "Spawner",
    "State",
    "Workers",
    "claim",
    "concurrent",
    "contain",
    "emit_outside",
    "function_name",
    "invoke",
    "invoke_plain",
    "leaf",
    "remedy",
    "require_arguments",
    "require_event_name",
    "require_function",
    "require_hook",
    "require_socket",
    "require_task",
    "require_task_to_call",
    "require_task_to_emit",
    "serial",
    "unwrap",
    "values_of",
    "without_disconnected",
]
