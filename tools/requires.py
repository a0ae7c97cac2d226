"""Print requirements from pyproject.toml, one a line.

``requires.py run`` prints the requirements for building and running the package. ``requires.py <extra>`` prints those
of one extra. With this, make can install them without building the package a second time.
"""

import sys
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"


def main(name: str) -> None:
    """Print the requirements for running, or those of the extra `name`."""
    settings = tomllib.loads(PYPROJECT.read_text("utf-8"))
    project = settings["project"]
    if name == "run":
        requirements = settings["build-system"]["requires"] + project["dependencies"]
    else:
        requirements = project["optional-dependencies"][name]
    print("\n".join(requirements))


if __name__ == "__main__":
    main(sys.argv[1])
