from typing import final

from trio_socketio._core._reactor_sockets import ReactorSockets

@final
class Reactor(ReactorSockets):
    def turn(self, now: float) -> bool: ...
