"""Write the tables of docs/clients.md: which clients are tested over which transports, and what they cannot do.

The tables are made from tests/clients/combinations.py, which also parametrises the tests. A test of the documentation
fails if the page differs. Then run ``python tools/matrix.py`` to update the page.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "clients.md"

sys.path.insert(0, str(ROOT / "tests"))

from clients.combinations import (  # noqa: E402
    ALL,
    CLIENTS,
    ENGINE_RELEASES,
    ENGINES,
    IN_CHROMIUM,
    LACKS,
    LACKS_ON,
    TRANSPORTS,
    Combination,
)

#: Descriptions of the capabilities that tests need, for the page. Others concern only the tests, and are left out.
NAMES = {
    "auth": "sending `auth` when it connects",
    "query": "sending the query of a namespace as `auth`",
    "retry": "sending CONNECT again after a refusal, on the same connection",
    "timeout": "a time limit for its own acknowledgements",
    "unicode": "sending text beyond ASCII",
    "empty": "receiving empty binary",
    "farewell": "sending that it disconnects",
}


def table(*rows: tuple[str, ...]) -> str:
    """Format a table as Markdown. The first row is the head."""
    head, *body = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join([head, f"|{' --- |' * len(rows[0])}", *body])


def where(combination: Combination) -> str:
    """Return the environments in which this combination of client and transport is tested, or "no"."""
    own = "Python" if combination.version.startswith("python") else "Node"
    places = [own] * (combination in ALL + ENGINES) + ["Chromium"] * (combination in IN_CHROMIUM)
    return ", ".join(places) or "no"


def tested() -> str:
    """Make the table of clients and transports."""
    rows = [("client", "Engine.IO", "Socket.IO", *TRANSPORTS, "JSONP")]
    for version, release in CLIENTS.items():
        one = Combination(version, TRANSPORTS[0])
        protocol = "none" if version in ENGINE_RELEASES else f"protocol {one.protocol}"
        cells = (where(Combination(version, way)) for way in (*TRANSPORTS, "jsonp"))
        rows.append((release, f"revision {one.revision}", protocol, *cells))
    return table(*rows)


def lacking() -> str:
    """Make the table of the capabilities that clients lack, with the reasons."""
    rows = [("what", "clients", "why")]
    for need, what in NAMES.items():
        cases = [("", LACKS.get(need, {}))]
        cases += [(f", {way}", who) for (other, way), who in LACKS_ON.items() if other == need]
        for where, reasons in cases:
            for reason in dict.fromkeys(reasons.values()):
                who = [client for version, client in CLIENTS.items() if reasons.get(version) == reason]
                rows.append((what, "; ".join(who) + where, reason))
    return table(*rows)


def written(page: str) -> str:
    """Return the page with updated tables."""
    for name, text in (("tested", tested()), ("lacking", lacking())):
        begin, found, rest = page.partition(f"<!-- {name} -->\n")
        _, end, rest = rest.partition("<!-- end -->\n")
        if not (found and end):
            sys.exit(f"{PAGE.name} has no place for the table {name!r}")
        page = f"{begin}{found}{text}\n{end}{rest}"
    return page


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
