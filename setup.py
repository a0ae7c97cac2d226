"""Builds the extension modules and the C library that they share. pyproject.toml contains all other settings.

Environment:
    TSIO_SANITIZE=1: build with the address and undefined-behaviour sanitizers.
    TSIO_WERROR=1: treat warnings of the C compiler as errors.
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

SANITIZE = os.environ.get("TSIO_SANITIZE") == "1"
WERROR = os.environ.get("TSIO_WERROR") == "1"

# -MMD writes a file beside each object, which lists the headers that it includes.
COMPILE_ARGS = ["-std=c11", "-Wall", "-Wextra", "-Wno-unused-parameter", "-MMD"]
LINK_ARGS = []
if SANITIZE:
    # Python's own flags contain -DNDEBUG. -UNDEBUG enables the assertions again.
    COMPILE_ARGS += ["-O1", "-g", "-UNDEBUG", "-fno-omit-frame-pointer"]
    COMPILE_ARGS += ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
    LINK_ARGS += ["-fsanitize=address,undefined"]
else:
    COMPILE_ARGS += ["-O3", "-g0"]
if WERROR:
    COMPILE_ARGS += ["-Werror"]

#: The shared library of csrc/. It is linked once, so that its state (the allocator hook, and the system calls of the
#: reactor) exists once.
LIBRARY = "libtsio.so"
SOURCES = sorted(str(path) for path in Path("csrc").glob("*.c"))
if sys.platform == "darwin":
    LIBRARY_ARGS = ["-dynamiclib", f"-Wl,-install_name,@rpath/{LIBRARY}"]
    FIND_ARGS = ["-Wl,-rpath,@loader_path"]
else:
    # -Bsymbolic: calls inside of the library need no symbol lookup.
    LIBRARY_ARGS = [f"-Wl,-soname,{LIBRARY}", "-Wl,-Bsymbolic"]
    FIND_ARGS = ["-Wl,-rpath,$ORIGIN"]

#: The extension modules, and whether each calls csrc/.
MODULES = {
    "_broadcast": True,
    "_classic_event": True,
    "_codec": True,
    "_collector": False,
    "_conn_state": True,
    "_conn_timers": True,
    "_connection": True,
    "_copies": False,
    "_deflate": True,
    "_delivery": True,
    "_event_queue": False,
    "_event_writer": False,
    "_fast_call": False,
    "_message": True,
    "_outgoing": False,
    "_packets": True,
    "_resp": False,
    "_rooms": True,
    "_subscription": False,
    "_values": True,
    "_walk": False,
    "_wheel": True,
}
if sys.platform == "linux":
    MODULES |= {"_reactor": True, "_reactor_sockets": True}
else:
    SOURCES = [source for source in SOURCES if not Path(source).name.startswith("reactor")]


def made_from(target: str) -> list[str]:
    """Return the files that an object was made from, as listed by the compiler. Empty if it was never compiled."""
    notes = Path(target).with_suffix(".d")
    if not notes.exists():
        return []
    return notes.read_text("utf-8").partition(":")[2].replace("\\\n", " ").split()


def is_current(target: str, sources: list[str]) -> bool:
    """Return whether a file is at least as new as all files that it is made from."""
    try:
        made = os.stat(target).st_mtime
        return bool(sources) and all(os.stat(source).st_mtime <= made for source in sources)
    except FileNotFoundError:
        return False


class BuildExtensions(build_ext):
    """Builds the library and the modules. Compiles only what has changed."""

    #: The path of the library, beside the modules, because they search for it there.
    library: str

    def build_extensions(self) -> None:
        self.library = os.path.join(
            os.path.dirname(self.get_ext_fullpath("trio_socketio._core._connection")), LIBRARY
        )
        self.build_library()
        super().build_extensions()

    def build_library(self) -> None:
        """Compile csrc/, and link the library."""
        objects = self.compiler.object_filenames(SOURCES, output_dir=self.build_temp)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(self.compile_source, SOURCES, objects))
        if self.force or not is_current(self.library, objects):
            self.compiler.link_shared_object(
                objects, self.library, libraries=["m", "z"], extra_postargs=[*LINK_ARGS, *LIBRARY_ARGS]
            )

    def compile_source(self, source: str, target: str) -> None:
        """Compile one file of csrc/, unless its object is current."""
        if self.force or not is_current(target, made_from(target)):
            extra = [*COMPILE_ARGS, "-fno-semantic-interposition"]
            self.compiler.compile([source], self.build_temp, include_dirs=["csrc"], extra_postargs=extra)

    def build_extension(self, extension: Extension) -> None:
        (target,) = self.compiler.object_filenames(extension.sources, output_dir=self.build_temp)
        extension.depends = made_from(target)
        if MODULES[extension.name.rpartition(".")[2]]:
            extension.extra_link_args = [*extension.extra_link_args, self.library, *FIND_ARGS]
        super().build_extension(extension)

    def copy_extensions_to_source(self) -> None:
        super().copy_extensions_to_source()
        package = self.get_finalized_command("build_py").get_package_dir("trio_socketio._core")
        self.copy_file(self.library, os.path.join(package, LIBRARY))


setup(
    cmdclass={"build_ext": BuildExtensions},
    options={"build_ext": {"parallel": True}},
    ext_modules=cythonize(
        [
            Extension(
                f"trio_socketio._core.{name}",
                [f"src/trio_socketio/_core/{name}.pyx"],
                include_dirs=["csrc"],
                extra_compile_args=[*COMPILE_ARGS, "-fvisibility=hidden"],
                extra_link_args=LINK_ARGS,
            )
            for name in MODULES
        ],
        build_dir="build/cython",
        show_all_warnings=True,
        compiler_directives={
            "language_level": 3,
            # If these two are not off, every class gains methods that its stub has to declare.
            "auto_pickle": False,
            "autotestdict": False,
            "binding": True,
            "boundscheck": False,
            "embedsignature": False,
            "wraparound": False,
        },
    ),
)
