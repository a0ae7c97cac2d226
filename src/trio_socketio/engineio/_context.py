"""The objects that all sessions of one engine share."""

from __future__ import annotations

import logging
from collections.abc import Callable

from trio_socketio._core import Message
from trio_socketio.engineio._endings import Endings
from trio_socketio.engineio._options import EngineOptions
from trio_socketio.engineio._overdue import OverdueAnswers
from trio_socketio.engineio._packet import PacketType

__all__ = ["SessionContext"]


class SessionContext:
    """The part of an engine that its sessions and upgrade candidates use.

    Args:
        options: the options of the engine.
        logger: the logger for faults.
        forget: called with the id of each session that has ended.

    Attributes:
        endings: reports the end of sessions to the layer above.
        overdue_answers: decides how long to wait for clients whose answers to pings are late.
        ping: a ping packet.
        pong: a pong packet.
        probe_answer: the answer to the probe of an upgrade.
        initial_packet: the message that follows the open packet; None: there is none.
    """

    __slots__ = (
        "endings", "forget", "initial_packet", "logger", "options", "overdue_answers", "ping", "pong",
        "probe_answer",
    )  # fmt: skip

    def __init__(
        self, options: EngineOptions, logger: logging.Logger, forget: Callable[[str], object]
    ) -> None:
        self.options = options
        self.logger = logger
        self.forget = forget
        self.endings = Endings(logger)
        self.overdue_answers = OverdueAnswers(options.ping_interval, options.ping_timeout)
        self.ping = Message("", packet_type=PacketType.PING.value)
        self.pong = Message("", packet_type=PacketType.PONG.value)
        self.probe_answer = Message("probe", packet_type=PacketType.PONG.value)
        self.initial_packet = _message(options.initial_packet)


def _message(packet: str | bytes | None) -> Message | None:
    """Convert the option ``initial_packet`` to a message."""
    if packet is None:
        return None
    return Message(packet) if isinstance(packet, str) else Message(None, [packet])
