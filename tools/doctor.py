"""Print in one sentence what this machine lacks to build the package with the Python that runs this file.

Exits with 0 and prints nothing if nothing is missing. The syntax is limited to that of Python 3.6, so that an old
Python prints that it is too old, and no syntax error.
"""

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig

OLDEST = (3, 11)
VERSION = "%d.%d.%d" % sys.version_info[:3]


def debian_package(suffix: str) -> str:
    """Return the Debian package of this Python, such as python3-dev for the system's Python, else python3.12-dev."""
    if os.path.realpath(sys.executable) == os.path.realpath("/usr/bin/python3"):
        return "python3-" + suffix
    return "python%d.%d-%s" % (sys.version_info[0], sys.version_info[1], suffix)


def old_python():
    """Return an error if this Python is too old."""
    if sys.version_info[:2] < OLDEST:
        found = "Python %s (%s) is too old" % (VERSION, sys.executable)
        return found + ": version 3.11 or newer is needed (Debian package: python3.11 or newer)."
    return None


def no_venv():
    """Return an error if virtual environments cannot be made. Debian has a separate package for this."""
    if importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip"):
        return None
    found = "Python %s (%s) cannot make a virtual environment with pip" % (VERSION, sys.executable)
    return found + " (Debian package: %s)." % debian_package("venv")


def no_compiler():
    """Return an error if the C compiler of this Python is missing."""
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")[0]
    if shutil.which(compiler):
        return None
    return "No C compiler: %s is not on PATH (Debian package: gcc)." % compiler


def no_python_h():
    """Return an error if Python's headers are missing."""
    folder = sysconfig.get_path("include")
    if os.path.exists(os.path.join(folder, "Python.h")):
        return None
    found = "Python %s (%s) has no headers: %s/Python.h does not exist" % (VERSION, sys.executable, folder)
    return found + " (Debian package: %s)." % debian_package("dev")


def complaint_about(header: str):
    """Compile a file that includes the header. Return the compiler's name and its error, which is empty on success."""
    command = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    command += ["-x", "c", "-fsyntax-only", "-"]
    source = b"#include <" + header.encode() + b">\n"
    done = subprocess.run(command, input=source, stderr=subprocess.PIPE, check=False)
    complaint = done.stderr.decode("utf-8", "replace").strip().split("\n")[0]
    return command[0], complaint if done.returncode else ""


def no_c_library():
    """Return an error if the compiler cannot compile, because the headers of the C library are missing."""
    compiler, reason = complaint_about("stdlib.h")
    if not reason:
        return None
    return "The C compiler %s does not work: %s (Debian package: libc6-dev)." % (compiler, reason)


def no_zlib():
    """Return an error if the headers of zlib are missing."""
    compiler, reason = complaint_about("zlib.h")
    if not reason:
        return None
    return "The C compiler %s finds no zlib.h: %s (Debian package: zlib1g-dev)." % (compiler, reason)


def main() -> int:
    """Print the first error. Return 1 if there is one, else 0."""
    for check in (old_python, no_venv, no_compiler, no_python_h, no_c_library, no_zlib):
        complaint = check()
        if complaint:
            sys.stderr.write(complaint + "\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
