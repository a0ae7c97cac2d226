from typing import Any

def messages_of(
    replies: list[Any], names: dict[bytes, str], skipped: tuple[bytes, ...]
) -> tuple[list[tuple[str, bytes]], list[Any]]: ...
