"""Write the tables of docs/clients.md: which clients are tested over which transports, and what they cannot do.

They are made of what the tests are parametrised with, tests/clients/combinations.py. A test of the documentation
fails when the page says something else; ``python tools/matrix.py`` puts it right.
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

#: What a test that needs it is about, for the readers of the page; what is not here is about the tests alone.
NAMES = {
    "auth": "`auth` at connecting",
    "query": "the query of a namespace as `auth`",
    "retry": "connecting again after a refusal, on the same connection",
    "timeout": "a time limit for its own acknowledgements",
    "unicode": "text beyond ASCII",
    "empty": "receiving binary of no bytes",
    "farewell": "telling the server that it leaves",
}


def table(*rows: tuple[str, ...]) -> str:
    """Markdown of a table; its first row is the head."""
    head, *body = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join([head, f"|{' --- |' * len(rows[0])}", *body])


def where(combination: Combination) -> str:
    """What this client runs in, that is driven so."""
    own = "Python" if combination.version.startswith("python") else "Node"
    places = [own] * (combination in ALL + ENGINES) + ["Chromium"] * (combination in IN_CHROMIUM)
    return ", ".join(places) or "no"


def tested() -> str:
    """Clients and transports."""
    rows = [("client", "Engine.IO", "Socket.IO", *TRANSPORTS, "JSONP")]
    for version, release in CLIENTS.items():
        one = Combination(version, TRANSPORTS[0])
        protocol = "none" if version in ENGINE_RELEASES else f"protocol {one.protocol}"
        cells = (where(Combination(version, way)) for way in (*TRANSPORTS, "jsonp"))
        rows.append((release, f"revision {one.revision}", protocol, *cells))
    return table(*rows)


def lacking() -> str:
    """What which client cannot do, and why."""
    rows = [("what", "who cannot do it", "why")]
    for need, what in NAMES.items():
        cases = [("", LACKS.get(need, {}))]
        cases += [(f", {way}", who) for (other, way), who in LACKS_ON.items() if other == need]
        for where, reasons in cases:
            for reason in dict.fromkeys(reasons.values()):
                who = [client for version, client in CLIENTS.items() if reasons.get(version) == reason]
                rows.append((what, "; ".join(who) + where, reason))
    return table(*rows)


def written(page: str) -> str:
    """The page with its tables as they should be."""
    for name, text in (("tested", tested()), ("lacking", lacking())):
        begin, found, rest = page.partition(f"<!-- {name} -->\n")
        _, end, rest = rest.partition("<!-- end -->\n")
        if not (found and end):
            sys.exit(f"{PAGE.name} has no place for the table {name!r}")
        page = f"{begin}{found}{text}\n{end}{rest}"
    return page


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
