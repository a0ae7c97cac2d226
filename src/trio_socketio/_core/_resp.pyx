"""The most frequent command to Redis, PUBLISH, and the most frequent replies: its integers, and messages (RESP2).

hiredis parses all other replies. A message of this server that comes back becomes no Python object here, while hiredis
makes five of it.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.string cimport memchr, memcmp, memcpy


cdef enum:
    #: The most digits of a number. More would not fit in 64 bits.
    MOST_DIGITS = 18
    #: ``reply_end`` measures arrays of so many items, or fewer.
    MOST_ITEMS = 16


def pack_messages(bytes command not None, messages):
    """Return the commands that publish messages.

    Args:
        command: PUBLISH or SPUBLISH.
        messages: pairs of channel and content. Lone surrogates of a channel stay.
    """
    cdef dict prefixes = {}
    cdef Py_ssize_t size = 0
    cdef bytes prefix
    cdef bytes payload
    cdef bytes result
    cdef char *at
    for channel, payload in messages:
        prefix = prefixes.get(channel)
        if prefix is None:
            prefix = prefixes[channel] = _prefix(command, channel.encode("utf-8", "surrogatepass"))
        size += PyBytes_GET_SIZE(prefix) + _digits(PyBytes_GET_SIZE(payload)) + PyBytes_GET_SIZE(payload) + 4
    result = PyBytes_FromStringAndSize(NULL, size)
    at = PyBytes_AS_STRING(result)
    for channel, payload in messages:
        prefix = prefixes[channel]
        at = _add(at, PyBytes_AS_STRING(prefix), PyBytes_GET_SIZE(prefix))
        at = _add_number(at, PyBytes_GET_SIZE(payload))
        at = _add(at, b"\r\n", 2)
        at = _add(at, PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload))
        at = _add(at, b"\r\n", 2)
    return result


cdef bytes _prefix(bytes command, bytes channel):
    """Return what a command begins with, up to the length of its content."""
    return b"*3\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n$" % (len(command), command, len(channel), channel)


cdef inline Py_ssize_t _digits(Py_ssize_t number) noexcept:
    cdef Py_ssize_t count = 1
    while number >= 10:
        number //= 10
        count += 1
    return count


cdef inline char *_add(char *at, const char *piece, Py_ssize_t size) noexcept:
    memcpy(at, piece, <size_t>size)
    return at + size


cdef inline char *_add_number(char *at, Py_ssize_t number) noexcept:
    cdef char *end = at + _digits(number)
    cdef char *digit = end
    while digit != at:
        digit -= 1
        digit[0] = <char>(c"0" + number % 10)
        number //= 10
    return end


cdef struct Cursor:
    const char *at
    const char *end


cdef struct Text:
    const char *start
    Py_ssize_t size


cdef enum:
    INCOMPLETE = 0
    OTHER = -1


cdef Py_ssize_t _number(Cursor *cursor, char kind, Py_ssize_t *number) noexcept:
    """Take a line of a kind with a number that is not negative; return 1, INCOMPLETE or OTHER."""
    cdef const char *at = cursor.at
    cdef const char *first
    if at == cursor.end:
        return INCOMPLETE
    if at[0] != kind:
        return OTHER
    at += 1
    first = at
    number[0] = 0
    while at != cursor.end and c"0" <= at[0] <= c"9":
        if at - first == MOST_DIGITS:
            return OTHER
        number[0] = 10 * number[0] + (at[0] - c"0")
        at += 1
    if at == cursor.end:
        return INCOMPLETE
    if at == first or at[0] != c"\r":
        return OTHER
    if at + 1 == cursor.end:
        return INCOMPLETE
    if at[1] != c"\n":
        return OTHER
    cursor.at = at + 2
    return 1


cdef Py_ssize_t _text(Cursor *cursor, Text *text) noexcept:
    """Take a bulk string; return 1, INCOMPLETE or OTHER."""
    cdef Py_ssize_t status = _number(cursor, c"$", &text.size)
    if status != 1:
        return status
    text.start = cursor.at
    if cursor.end - cursor.at < text.size + 2:
        return INCOMPLETE
    if cursor.at[text.size] != c"\r" or cursor.at[text.size + 1] != c"\n":
        return OTHER
    cursor.at += text.size + 2
    return 1


cdef bint _begins_with(Text text, tuple prefixes) except -1:
    cdef bytes prefix
    cdef Py_ssize_t length
    for prefix in prefixes:
        length = PyBytes_GET_SIZE(prefix)
        if length <= text.size and memcmp(text.start, PyBytes_AS_STRING(prefix), <size_t>length) == 0:
            return True
    return False


cdef bint _is_message(Text kind, Py_ssize_t items) noexcept:
    if items == 4:
        return kind.size == 8 and memcmp(kind.start, b"pmessage", 8) == 0
    if kind.size == 8:
        return memcmp(kind.start, b"smessage", 8) == 0
    return kind.size == 7 and memcmp(kind.start, b"message", 7) == 0


cdef bint _take_message(Cursor *cursor, tuple skipped, list replies) except -1:
    """Take a message, and append it as a list, unless it begins with one of ``skipped``; return whether it is there."""
    cdef Cursor copy = cursor[0]
    cdef Text[4] texts
    cdef Py_ssize_t items, item
    if _number(&copy, c"*", &items) != 1 or not 3 <= items <= 4:
        return False
    for item in range(items):
        if _text(&copy, &texts[item]) != 1:
            return False
    if not _is_message(texts[0], items):
        return False
    cursor[0] = copy
    if not _begins_with(texts[items - 1], skipped):
        replies.append([PyBytes_FromStringAndSize(texts[item].start, texts[item].size) for item in range(items)])
    return True


def frequent_replies(bytes data not None, Py_ssize_t at, tuple skipped not None, list replies not None):
    """Parse replies as long as they are integers that are not negative, or messages.

    Args:
        data: complete replies, and the begin of one more.
        at: where to begin. A reply begins there.
        skipped: messages whose content begins with one of these are left out.
        replies: the replies are appended to it, as hiredis would return them.

    Returns:
        The position after the last of these replies.
    """
    cdef const char *start = PyBytes_AS_STRING(data)
    cdef Cursor cursor
    cdef Py_ssize_t number
    cursor.end = start + PyBytes_GET_SIZE(data)
    if not 0 <= at <= PyBytes_GET_SIZE(data):
        raise ValueError(at)
    cursor.at = start + at
    while True:
        if _number(&cursor, c":", &number) == 1:
            replies.append(number)
        elif not _take_message(&cursor, skipped, replies):
            return cursor.at - start


cdef Py_ssize_t _skip_line(Cursor *cursor) noexcept:
    cdef const char *last = cursor.at
    while True:
        last = <const char *>memchr(last, c"\n", <size_t>(cursor.end - last))
        if last is NULL:
            return INCOMPLETE
        last += 1
        if (last - 2)[0] == c"\r":  # a line is not empty: it begins with its kind
            cursor.at = last
            return 1


cdef Py_ssize_t _skip(Cursor *cursor, int depth) noexcept:
    """Skip one reply; return 1, INCOMPLETE or OTHER."""
    cdef Text text
    cdef Py_ssize_t number, status
    if cursor.at == cursor.end:
        return INCOMPLETE
    if cursor.at[0] == c":" or cursor.at[0] == c"+" or cursor.at[0] == c"-":
        return _skip_line(cursor)
    if cursor.at[0] != c"$" and cursor.at[0] != c"*":
        return OTHER
    if cursor.end - cursor.at > 1 and cursor.at[1] == c"-":  # a null
        return _skip_line(cursor)
    if cursor.at[0] == c"$":
        return _text(cursor, &text)
    status = _number(cursor, c"*", &number)
    if status == 1 and (depth == 0 or number > MOST_ITEMS):
        return OTHER
    while status == 1 and number:
        status = _skip(cursor, depth - 1)
        number -= 1
    return status


def reply_end(bytes data not None, Py_ssize_t at):
    """Return where a reply ends that begins at a position; 0: it is incomplete; -1: only hiredis can tell."""
    cdef const char *start = PyBytes_AS_STRING(data)
    cdef Cursor cursor
    cdef Py_ssize_t status
    if not 0 <= at <= PyBytes_GET_SIZE(data):
        raise ValueError(at)
    cursor.at = start + at
    cursor.end = start + PyBytes_GET_SIZE(data)
    status = _skip(&cursor, 2)
    return cursor.at - start if status == 1 else status
