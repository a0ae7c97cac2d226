"""The public members of the public classes: which there are, and which are async."""

import inspect

import pytest

import trio_socketio
from trio_socketio import BroadcastOperator, EngineServer, Namespace, Server, Socket
from trio_socketio.engine_server._from_thread import SendFromThread
from trio_socketio.engine_server._iteration import MessageIterator
from trio_socketio.handlers import SocketNursery
from trio_socketio.server._from_thread import FromThread
from trio_socketio.server._inbox import EventIterator
from trio_socketio.server._socket_operator import SocketOperator

#: Classes that no name of the package stands for, and whose objects applications receive.
RECEIVED = [EventIterator, FromThread, MessageIterator, SendFromThread, SocketNursery, SocketOperator]

CHOOSING = "compress except_ in_ local to volatile"
EMITTING = "call emit emit_nowait from_thread send"
REGISTERING = "listeners listeners_any off off_any on on_any once prepend_any remove_all_listeners"
BROADCASTING = (
    f"{CHOOSING} {EMITTING} disconnect_sockets fetch_sockets server_side_call server_side_emit sockets_join"
    " sockets_leave"
)
SERVING = "asgi config drain guest health join_workers path run serve serve_listeners serve_stream serve_unix"
CONN = "buffered close connected driver id on request transport"

MEMBERS = {
    "Ack": "wanted",
    "AdapterHealth": "dropped gaps published queued_bytes queued_packets received rejected state unconfirmed",
    "AdapterState": "DEGRADED DOWN UP",
    "Answers": "is_complete missing missing_count silent silent_count unnamed values",
    "ArgumentsError": "",
    "BroadcastOperator": BROADCASTING,
    "ClusterTimeout": "",
    "ConnectRefused": "",
    "CookieOptions": "domain expires header http_only make max_age name partitioned path same_site secure",
    "Cors": "allowed_headers allows credentials exposed_headers headers is_open make max_age methods"
    " options_success_status origin preflight preflight_continue",
    "DisconnectReason": "CLIENT_NAMESPACE_DISCONNECT FORCED_CLOSE FORCED_SERVER_CLOSE PARSE_ERROR PING_TIMEOUT"
    " SERVER_NAMESPACE_DISCONNECT SERVER_SHUTTING_DOWN TRANSPORT_CLOSE TRANSPORT_ERROR",
    "Disconnected": "",
    "EngineConn": CONN,
    "EngineObserver": "close data drain flush heartbeat open packet packet_create upgrade upgrading",
    "EngineRequest": "address base64 deflate eio headers jsonp method new_sid origin path query referer_origin"
    " response_headers revision secure settle sid target upgrade",
    "EngineServer": f"{SERVING} clients clients_count observer on refused use",
    "EngineServerOptions": "",
    "EngineSocket": f"{CONN} dropped flush from_thread nursery ready send send_nowait",
    "Event": "ack args name",
    "EventIterator": "",
    "Forbidden": "",
    "GuestTaskCancelled": "",
    "FromThread": "emit emit_soon",
    "Handshake": "address auth headers issued query request secure time url xdomain",
    "Health": "adapter clients_count status uptime",
    "HttpCompression": "level make threshold worker_bytes",
    "LocalProtocolError": "",
    "MessageIterator": "",
    "Namespace": f"{BROADCASTING} {REGISTERING} on_room on_server sockets use",
    "Outbox": "core_policy max_bytes max_packets policy",
    "PerMessageDeflate": "level make max_bytes mem_level threshold window_bits",
    "RemoteProtocolError": "",
    "RemoteHandshake": "address auth headers issued query secure time url xdomain",
    "RemoteSocket": "call data disconnect emit handshake id join leave rooms",
    "ReservedEventError": "",
    "SendFromThread": "send send_soon",
    "Server": f"{BROADCASTING} {REGISTERING} {SERVING} connect_timeout engine of on_adapter_state on_error on_room"
    " on_server serve_client set_default_adapter sockets use",
    "ServerOptions": "",
    "Socket": f"{CHOOSING} {EMITTING} {REGISTERING} broadcast conn connected data disconnect dropped flush"
    " handshake id join leave nsp nursery ready request rooms transport",
    "SocketIOError": "",
    "SocketNursery": "cancel_scope close start start_soon",
    "SocketOperator": f"{CHOOSING} {EMITTING} broadcast",
}


def classes() -> list[type]:
    exported = [getattr(trio_socketio, name) for name in trio_socketio.__all__]
    return [*filter(inspect.isclass, exported), *RECEIVED]


def public(names: list[str]) -> set[str]:
    return {name for name in names if not name.startswith("_")}


def own_members(cls: type) -> set[str]:
    """The public members of a class, without those of the classes of Python that it is derived from."""
    foreign = [base for base in cls.__mro__ if not base.__module__.startswith("trio_socketio")]
    return public(dir(cls)).difference(*map(dir, foreign))


@pytest.mark.parametrize("cls", classes(), ids=lambda cls: cls.__name__)
def test_public_class_has_only_the_listed_members(cls: type) -> None:
    assert own_members(cls) == set(MEMBERS[cls.__name__].split())


def test_each_class_of_the_list_exists() -> None:
    assert {cls.__name__ for cls in classes()} == set(MEMBERS)


@pytest.mark.parametrize(
    ("make", "attributes"),
    [
        (Server, ""),
        (EngineServer, ""),
        (lambda: Server().of("/"), "name server"),
        (lambda: Server().to("room"), ""),
        (lambda: Server().from_thread, ""),
    ],
    ids=["server", "engine", "namespace", "operator", "from_thread"],
)
def test_object_has_only_the_listed_attributes(make, attributes: str) -> None:
    made = make()
    assert public(dir(made)) - public(dir(type(made))) == set(attributes.split())


OPERATORS = (Server, Namespace, BroadcastOperator)


@pytest.mark.parametrize(
    ("names", "owners", "is_async"),
    [
        ("join leave disconnect ready", (Socket,), False),
        ("on off", (Server, Namespace, Socket), False),
        ("emit_nowait", (Socket, *OPERATORS), False),
        ("call flush", (Socket,), True),
        ("emit", (Socket, *OPERATORS), True),
        ("fetch_sockets sockets_join sockets_leave disconnect_sockets server_side_emit", OPERATORS, True),
    ],
)
def test_public_methods_are_plain_or_async_as_documented(
    names: str, owners: tuple[type, ...], is_async: bool
) -> None:
    for owner in owners:
        for name in names.split():
            assert inspect.iscoroutinefunction(getattr(owner, name)) is is_async, (owner, name)


def test_public_names_have_the_package_as_their_module() -> None:
    for name in trio_socketio.__all__:
        if name != "__version__":
            assert getattr(trio_socketio, name).__module__ == "trio_socketio", name
