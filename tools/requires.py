"""Print requirements from pyproject.toml, one a line.

``requires.py run`` prints what the package needs to be built and to run; ``requires.py <extra>`` prints one extra.
So that make can install them without building the package a second time.
"""

import sys
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"


def main(name: str) -> None:
    """Print the requirements called `name`."""
    settings = tomllib.loads(PYPROJECT.read_text("utf-8"))
    project = settings["project"]
    if name == "run":
        requirements = settings["build-system"]["requires"] + project["dependencies"]
    else:
        requirements = project["optional-dependencies"][name]
    print("\n".join(requirements))


if __name__ == "__main__":
    main(sys.argv[1])
