"""Workers: several processes on one host that serve one port together."""

from trio_socketio.workers._program import serve_workers
from trio_socketio.workers._worker import main as run_worker

__all__ = ["run_worker", "serve_workers"]
