"""A server as an ASGI application, for ASGI servers that run Trio: ``io.asgi()``.

The foreign server has the connections and their framing. This package exchanges whole requests and messages with it.
"""

from trio_socketio.asgi_host._application import AsgiHost

__all__ = ["AsgiHost"]
