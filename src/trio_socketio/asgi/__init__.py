"""An ASGI application beside the engine: ``Server(asgi=app)`` serves both on one port."""

from trio_socketio.asgi._application import Application
from trio_socketio.asgi._lifespan import Lifespan

__all__ = ["Application", "Lifespan"]
