"""The extension modules, and the C that they link; everything else about the package stands in pyproject.toml.

Environment:
    TSIO_SANITIZE=1: build with the address and undefined-behaviour sanitizers.
    TSIO_WERROR=1: warnings of the C compiler are errors.
"""

import os
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

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

HEADERS = sorted(str(path) for path in Path("csrc").glob("*.h"))
SOURCES = sorted(str(path) for path in Path("csrc").glob("*.c"))
if sys.platform != "linux":
    SOURCES.remove(os.path.join("csrc", "reactor.c"))

#: The modules, and the libraries each links. Of csrc/ it takes what it calls: nothing there keeps state of which there
#: must be one copy only.
CSRC = ["csrc", "m"]
MODULES = {
    "_callee": [],
    "_codec": CSRC,
    "_collector": [],
    "_conn": [*CSRC, "z"],
    "_deflate": [*CSRC, "z"],
    "_event_queue": [],
    "_message": [*CSRC, "z"],
    "_packets": CSRC,
    "_rooms": [*CSRC, "z"],
    "_wheel": CSRC,
}
if sys.platform == "linux":
    MODULES["_reactor"] = [*CSRC, "z"]


class BuildExtensions(build_ext):
    """Builds csrc/ before what links it, however it is called."""

    def run(self) -> None:
        self.run_command("build_clib")
        super().run()


def extension(name: str, libraries: list[str]) -> Extension:
    """The module ``trio_socketio._core.<name>``."""
    return Extension(
        f"trio_socketio._core.{name}",
        [f"src/trio_socketio/_core/{name}.pyx"],
        include_dirs=["csrc"],
        libraries=libraries,
        depends=[*HEADERS, *SOURCES] if libraries else [],
        extra_compile_args=COMPILE_ARGS,
        extra_link_args=LINK_ARGS,
    )


setup(
    cmdclass={"build_ext": BuildExtensions},
    options={"build_ext": {"parallel": True}},
    libraries=[
        (
            "csrc",
            {
                "sources": SOURCES,
                "obj_deps": {"": HEADERS},
                "include_dirs": ["csrc"],
                "cflags": COMPILE_ARGS,
            },
        )
    ],
    ext_modules=cythonize(
        [extension(name, libraries) for name, libraries in MODULES.items()],
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
