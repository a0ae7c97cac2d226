"""The extension modules; everything else about the package stands in pyproject.toml.

Environment:
    TSIO_SANITIZE=1: build with the address and undefined-behaviour sanitizers.
    TSIO_WERROR=1: warnings of the C compiler are errors.
"""

import os
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

SANITIZE = os.environ.get("TSIO_SANITIZE") == "1"
WERROR = os.environ.get("TSIO_WERROR") == "1"

COMPILE_ARGS = ["-std=c11", "-Wall", "-Wextra", "-Wno-unused-parameter", "-fvisibility=hidden"]
LINK_ARGS = []
if SANITIZE:
    # Python's own flags hold -DNDEBUG; here the assertions are wanted.
    COMPILE_ARGS += ["-O1", "-g", "-UNDEBUG", "-fno-omit-frame-pointer"]
    COMPILE_ARGS += ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
    LINK_ARGS += ["-fsanitize=address,undefined"]
else:
    COMPILE_ARGS += ["-O3", "-g0"]
if WERROR:
    COMPILE_ARGS += ["-Werror"]

# Each module links what it calls: nothing in csrc keeps state of which there must be one copy only.
MESSAGE = "base utf8 mask base64 ws_frame buf message message_forms deflate"
CONNECTION = f"{MESSAGE} outbox front wheel conn conn_in conn_out conn_timer"
HEADERS = sorted(str(path) for path in Path("csrc").glob("*.h"))


def extension(name: str, csrc: str) -> Extension:
    """The module ``trio_socketio._core.<name>`` with the files of csrc/ it stands on."""
    stems = csrc.split()
    sources = [f"src/trio_socketio/_core/{name}.pyx", *(f"csrc/{stem}.c" for stem in stems)]
    return Extension(
        f"trio_socketio._core.{name}",
        sources,
        include_dirs=["csrc"],
        libraries=["m", *(["z"] if "deflate" in stems else [])],
        depends=HEADERS,
        extra_compile_args=COMPILE_ARGS,
        extra_link_args=LINK_ARGS,
    )


setup(
    ext_modules=cythonize(
        [
            extension("_callee", ""),
            extension("_codec", "base utf8 base64 eio_payload sio_packet"),
            extension("_collector", ""),
            extension("_conn", CONNECTION),
            extension("_deflate", "base utf8 mask buf ws_frame deflate"),
            extension("_event_queue", ""),
            extension("_message", MESSAGE),
            extension("_packets", "base sio_packet"),
            extension("_rooms", f"{CONNECTION} rooms"),
            extension("_wheel", "base buf wheel"),
            *([extension("_reactor", f"{CONNECTION} reactor")] if sys.platform == "linux" else []),
        ],
        build_dir="build/cython",
        show_all_warnings=True,
        compiler_directives={
            "language_level": 3,
            # Without these two, every class gains methods that its stub would have to declare.
            "auto_pickle": False,
            "autotestdict": False,
            "binding": True,
            "boundscheck": False,
            "embedsignature": False,
            "wraparound": False,
        },
    ),
)
