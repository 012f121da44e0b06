"""Write the table of mistakes into docs/guide/errors.rst, from the rows of its test.

``python tools/mistakes_table.py`` does it; ``packages/nengo-dl/tests/test_mistakes.py``
proves the rows, and fails when the page has another table.
"""

import runpy
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "guide" / "errors.rst"
ROWS = ROOT / "packages" / "nengo-dl" / "tests" / "mistakes.py"

BEGIN = ".. What follows is written by tools/mistakes_table.py\n"
END = ".. Here ends what is written by tools/mistakes_table.py\n"

_HEAD = """\
.. list-table::
   :header-rows: 1
   :widths: 32 14 18 16 20
   :class: mistakes

   * - You wrote
     - At fault
     - Expected
     - Got
     - What to do
"""


def table(rows: list[Any]) -> Iterator[str]:
    """Yield the lines of a table."""
    yield _HEAD
    for row in rows:
        yield "   * - .. code-block:: python\n\n"
        yield textwrap.indent(row.code, " " * 10) + "\n\n"
        yield f"       ``{row.error}``\n"
        cells = (_literal(row.at_fault), _plain(row.expected), _literal(row.got))
        for cell in (*cells, _plain(row.to_do)):
            yield f"     - {cell}".rstrip() + "\n"


def _literal(text: str) -> str:
    """Return text that is shown as it is."""
    text = text.replace("`", "").strip()
    return f"``{text}``" if text else ""


def _plain(text: str) -> str:
    """Return text in which nothing means emphasis; literals stay."""
    text = text.replace("``", "\0").replace("`", "").replace("\0", "``")
    return text.replace("*", r"\*")


def tables() -> str:
    """Return all tables, each with its heading."""
    mistakes = runpy.run_path(str(ROWS))["MISTAKES"]
    parts = []
    for title, rows in mistakes.items():
        parts.append(f"{title}\n{'-' * len(title)}\n\n" + "".join(table(rows)))
    return "\n".join(parts)


def with_table(page: str) -> str:
    """Return the page with the tables that belong to the rows."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{tables()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
