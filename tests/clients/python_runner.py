"""Real python-socketio clients, driven by JSON lines as in ``runner.js``; it runs where they are installed."""

from __future__ import annotations

import base64
import contextlib
import json
import sys
import threading
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit

import socketio

clients: dict[str, Client] = {}
writing = threading.Lock()


def pack(value: Any) -> Any:
    if isinstance(value, bytes | bytearray):
        return {"$b": base64.b64encode(value).decode()}
    if isinstance(value, dict):
        return {key: pack(inner) for key, inner in value.items()}
    return [pack(inner) for inner in value] if isinstance(value, list | tuple) else value


def unpack(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {"$b"}:
            return base64.b64decode(value["$b"])
        return {key: unpack(inner) for key, inner in value.items()}
    return [unpack(inner) for inner in value] if isinstance(value, list) else value


def say(line: dict[str, Any], of: Client | None = None) -> None:
    """Write a line; nothing, if it is of a client that has been let go."""
    with writing:
        if of is None or clients.get(of.name) is of:
            print(json.dumps(line), flush=True)


class Client:
    """One client in one namespace, which has the main one besides if it is another."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.answers: dict[str, list[Any]] = {}
        self.sio = socketio.Client(reconnection=False)
        self.sio._trigger_event = self.seen  # all events, those without a handler among them
        self.eio = self.sio.eio
        self.eio._trigger_event = partial(self.in_order, self.eio._trigger_event)
        self.eio.disconnect = partial(self.hang_up, self.eio.disconnect)
        self.namespace = "/"

    # The Engine.IO client starts a thread for each message, so they, and even attachments, may overtake each other.
    # Here the thread that reads handles them; and it cannot wait for its own end.

    def in_order(self, trigger: Any, event: str, *args: Any, run_async: bool = False, **options: Any) -> Any:
        return trigger(event, *args, **options)

    def hang_up(self, disconnect: Any, abort: bool = False, **options: Any) -> None:
        disconnect(abort=abort or threading.current_thread() is self.eio.read_loop_task, **options)

    def report(self, event: str, *args: Any) -> None:
        say({"client": self.name, "event": event, "args": pack(args)}, of=self)

    def seen(self, event: str, namespace: str | None = None, *args: Any) -> Any:
        if namespace != self.namespace:
            return None
        if event == "connect":
            self.report(event, self.id)
        elif event == "connect_error" and isinstance(args[0], dict) and "data" in args[0]:
            self.report(event, args[0]["message"], args[0]["data"])
        elif event == "connect_error" and hasattr(self.sio, "get_sid"):  # protocol 5
            self.report(event, args[0]["message"] if isinstance(args[0], dict) else args[0], None)
        else:
            self.report(event, *args)
        return tuple(self.answers.get(event, ()))

    @property
    def id(self) -> str | None:
        get_sid = getattr(self.sio, "get_sid", None)
        return get_sid(self.namespace) if get_sid is not None else self.sio.sid

    def connect(self, url: str, opts: dict[str, Any], **_: Any) -> None:
        parts = urlsplit(url)
        namespace = parts.path or "/"
        self.namespace = namespace
        if parts.query and not hasattr(self.sio, "get_sid"):
            namespace += "?" + parts.query
        query = urlencode(opts.get("query", {}))
        auth = {"auth": opts["auth"], "wait": False} if "auth" in opts else {}
        if not auth and hasattr(self.sio, "get_sid"):
            auth = {"wait": False}
        self.sio.connect(
            f"{parts.scheme}://{parts.netloc}?{query}",
            transports=opts["transports"],
            namespaces=[namespace],
            **auth,
        )
        if len(opts["transports"]) > 1:
            self.report("upgrade", self.sio.transport())

    def emit(self, event: str, args: list[Any], **_: Any) -> None:
        self.sio.emit(event, tuple(unpack(args)) or None, namespace=self.namespace)

    def call(self, event: str, args: list[Any], **_: Any) -> Any:
        answered, values = threading.Event(), []

        def callback(*args: Any) -> None:
            values.extend(args)
            answered.set()

        self.sio.emit(event, tuple(unpack(args)) or None, namespace=self.namespace, callback=callback)
        answered.wait()
        return values

    def answer(self, event: str, args: list[Any]) -> None:
        self.answers[event] = unpack(args)

    def disconnect(self) -> None:
        self.eio.queue.join()  # what it is sending when it disconnects might be the last that it sends
        self.sio.disconnect()

    def state(self) -> dict[str, Any]:
        return {
            "connected": self.sio.connected,
            "id": self.id,
            "session": self.sio.eio.sid,
            "transport": self.sio.transport(),
        }


def reset() -> None:
    with writing:  # nothing is said of them behind the answer
        former = list(clients.values())
        clients.clear()
    for client in former:
        if client.sio.connected:
            with contextlib.suppress(Exception):
                client.eio.disconnect(abort=True)  # else it waits for its own threads, sometimes for 30 s


def obey(command: dict[str, Any]) -> None:
    number, do, name = command.pop("id"), command.pop("do"), command.pop("client", "")
    try:
        if do == "reset":
            result = reset()
        else:
            client = clients.get(name) or clients.setdefault(name, Client(name))
            result = getattr(client, do)(**command)
        say({"id": number, "result": pack(result)})
    except Exception as error:
        say({"id": number, "error": f"{type(error).__name__}: {error}"})


for line in sys.stdin:
    command = json.loads(line)
    if command["do"] in ("connect", "call"):  # they wait for the server
        threading.Thread(target=obey, args=[command], daemon=True).start()
    else:
        obey(command)
