# SPDX-License-Identifier: Apache-2.0
"""What the notebooks share: where the data lie, how a question is put to them, and how figures look.

Nothing here is needed to read Weir's files: the index is SQLite, the sidecars are JSON lines. Unknown stays unknown: `pandas.NA` in a
table, NaN in an array, and so a gap or a hatched bar in a figure, never a zero.
"""
import collections
import os
import pathlib
import re
import sqlite3

import matplotlib
import matplotlib.dates
import matplotlib.pyplot as plt
import matplotlib.ticker
import numpy as np
import pandas as pd

ROOT = pathlib.Path(__file__).resolve().parents[2]
QUERIES = ROOT / "queries"
PARAMETERS = (
    "since_us until_us model provider task environment api status outcome key metadata by now_us p1 p2 p3 p4 top".split())


MOST_FACTS = 3_000_000


class NoData(Exception):
    """There is nothing to look at; the message says what to do."""


# Where the data lie


def data_directory():
    """`$WEIR_DATA`, else the newest that `make demo` has left behind."""
    given = os.environ.get("WEIR_DATA")
    if given:
        found = [pathlib.Path(given) / "index.sqlite"]
        if not found[0].is_file():
            raise NoData(
                f"WEIR_DATA is {given}, and there is no index.sqlite in {found[0].parent.resolve()}: give an absolute path, "
                "and make an index with `weir index`")
    else:
        found = sorted((ROOT / "demo-data").glob("*/index.sqlite"), key=lambda path: path.stat().st_mtime)
        if not found:
            raise NoData("no data: run `make demo` in the project's folder, or set WEIR_DATA to a data directory of your own")
    return found[-1].parent.resolve()


def open_index(data):
    """The index as a plain `sqlite3` connection that cannot write, and that answers everything from the state it is in now.

    What is indexed meanwhile is seen by the next connection; `index.close()` lets the state go.
    """
    index = sqlite3.connect((data / "index.sqlite").as_uri() + "?mode=ro", uri=True, isolation_level=None)
    # Without a transaction each question would see a state of its own, and a gateway goes on writing between two.
    index.execute("BEGIN")
    if index.execute("SELECT count(*) FROM facts").fetchone()[0] == 0:
        index.close()
        raise NoData(f"the index in {data} holds no exchange yet; send some through the gateway, then run `weir index --data {data}`")
    return index


def open_sidecars(data):
    """A DuckDB connection whose view `facts` is the sidecars of the sealed segments; None where nothing is sealed yet."""
    import duckdb

    if not any((data / "segments").glob("*.facts.ndjson.zst")):
        return None
    view = (QUERIES / "duckdb" / "facts.sql").read_text()
    lake = duckdb.connect()
    lake.execute(view.replace("'weir-data/", "'" + str(data).replace("'", "''") + "/"))
    return lake


# How a question is put


def facts(index, columns, since_us=None):
    """Columns of the view `facts`, oldest first, with the start as a time in UTC; those that began at `since_us` or later."""
    held = index.execute("SELECT count(*) FROM facts WHERE ? IS NULL OR started_at_us >= ?", (since_us, since_us)).fetchone()[0]
    if not 0 < held <= MOST_FACTS:
        raise NoData(f"{held:,} exchanges to look at, and 1 to {MOST_FACTS:,} can be: set since_us in the first cell")
    sql = f"SELECT started_at_us, {columns} FROM facts WHERE :since IS NULL OR started_at_us >= :since ORDER BY started_at_us, id"
    rows = known(pd.read_sql(sql, index, params={"since": since_us}, dtype_backend="numpy_nullable"))
    rows.insert(0, "started", pd.to_datetime(rows.started_at_us, unit="us"))
    return rows


def ask(index, name, **parameters):
    """The rows of `queries/NAME.sql`, run as it is; a parameter that is not given is NULL. Columns are named as `weir query` does."""
    sql = (QUERIES / f"{name}.sql").read_text()
    bound = collections.defaultdict(lambda: None, parameters)
    rows = known(pd.read_sql(sql, index, params=bound, dtype_backend="numpy_nullable"))
    return rows.rename(columns=lambda column: titled(column, sql, parameters))


def ask_sidecars(lake, name, **parameters):
    """The rows of the twin `queries/duckdb/NAME.sql`; a parameter is a variable there."""
    sql = (QUERIES / "duckdb" / f"{name}.sql").read_text()
    for parameter in PARAMETERS:
        lake.execute(f'RESET VARIABLE "{parameter}"')
    for parameter, value in ((name, value) for name, value in parameters.items() if value is not None):
        literal = str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"
        lake.execute(f'SET VARIABLE "{parameter}" = {literal}')
    rows = known(lake.execute(sql).df().convert_dtypes())
    return rows.rename(columns=lambda column: titled(column, sql, parameters))


def titled(column, sql, parameters):
    """`by_value` is named for the grouping, `_p1_` to `_p4_` for their percentiles; what is unset is in the question's header."""
    def told(parameter):
        default = re.search(rf"^--   {parameter} (\S+):", sql, re.MULTILINE)
        return parameters.get(parameter, default and default[1])

    def percentile(found):
        per_mille = int(told(f"p{found[1]}"))
        return f"_p{per_mille // 10}_" if per_mille % 10 == 0 else f"_p{per_mille // 10}_{per_mille % 10}_"

    return told("by") if column == "by_value" else re.sub(r"_p([1-4])_", percentile, column)


def known(rows):
    """The same rows; a column in which nothing is known becomes one of unknown numbers, so that sums over it are unknown too."""
    return rows.astype({column: "Int64" for column in rows if rows[column].isna().all()})


def lines(rows):
    """A table as JSON lines, as `weir query NAME --json` prints them."""
    return rows.to_json(orient="records", lines=True, force_ascii=False).rstrip("\n")


def numbers(values):
    """Floats for a figure; unknown becomes NaN."""
    return pd.Series(values).to_numpy(dtype=float, na_value=np.nan)


# How figures look

COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#7A5195", "#8C8C8C", "#B5A900", "#2F4B7C"]
INK, FAINT = "#222222", "#6B6B6B"

plt.rcParams.update({
    "figure.figsize": (9.6, 4.8), "figure.dpi": 110, "figure.constrained_layout.use": True, "font.size": 10,
    "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": FAINT, "axes.labelcolor": FAINT,
    "axes.grid": True, "axes.axisbelow": True, "grid.color": "#E6E6E6", "grid.linewidth": 0.8,
    "xtick.color": FAINT, "ytick.color": FAINT, "text.color": INK, "text.parse_math": False, "legend.frameon": False,
    "hatch.linewidth": 0.6,
})


def colours(names):
    """A colour for each name, the same in every figure that is given the same names; colours come round after ten."""
    return {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(names)}


def headline(figure, finding, shown):
    """What the figure says in bold, and what it shows below."""
    inches = figure.get_figheight()
    figure.get_layout_engine().set(rect=(0, 0, 1, 1 - 0.62 / inches))
    for text, below, look in (
            (finding, 0.08, {"fontsize": 12.5, "fontweight": "bold"}), (shown, 0.35, {"fontsize": 9.5, "color": FAINT})):
        figure.text(0.012, 1 - below / inches, text, ha="left", va="top", **look)


def duration(us):
    """A time as a person says it: 87 µs, 380 ms, 1.49 s."""
    if pd.isna(us):
        return "unknown"
    for size, unit in ((1e6, "s"), (1e3, "ms"), (1, "µs")):
        if us >= size:
            return f"{us / size:.3g} {unit}" if us / size < 1000 else f"{us / size:.0f} {unit}"
    return f"{us:.3g} µs"


def dollars(nanousd):
    """Money as a person says it, with three figures below a dollar: $12.30, $0.00123."""
    if pd.isna(nanousd):
        return "unknown"
    usd = nanousd / 1e9
    if abs(usd) >= 1 or usd == 0:
        return f"${usd:,.2f}"
    return f"${usd:.{2 - int(np.floor(np.log10(abs(usd))))}f}"


def per_cent(share):
    """A share as a person says it."""
    return "unknown" if pd.isna(share) else f"{100 * share:.1f} %" if share < 0.1 else f"{100 * share:.0f} %"


def duration_axis(axis, label):
    """A logarithmic axis of microseconds that is read in µs, ms and s; call it when all is drawn."""
    axis.axes.set_xscale("log") if axis.axis_name == "x" else axis.axes.set_yscale("log")
    lowest, highest = axis.get_view_interval()
    axis.set_major_locator(matplotlib.ticker.LogLocator(subs=(1, 2, 5) if highest < 2_000 * lowest else (1,), numticks=20))
    axis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda us, _: duration(us)))
    axis.set_minor_formatter(matplotlib.ticker.NullFormatter())
    axis.set_label_text(label)


class DollarTicks(matplotlib.ticker.Formatter):
    """Ticks in dollars, all with as many digits as the finest one needs."""

    def __call__(self, usd, position=None):
        return self.format_ticks([usd])[0]

    def format_ticks(self, values):
        digits = next((d for d in (0, 2, 3, 4, 5, 6, 7, 8) if all(abs(round(usd, d) - usd) < 1e-12 for usd in values)), 9)
        return [f"${usd:,.{digits}f}" if usd else "$0" for usd in values]


def dollar_axis(axis, label):
    """An axis of dollars; what is drawn on it is in dollars, not in nano-dollars."""
    axis.set_major_formatter(DollarTicks() if axis.get_scale() == "linear" else lambda usd, _: f"${usd:.9f}".rstrip("0").rstrip("."))
    axis.set_minor_formatter(matplotlib.ticker.NullFormatter())
    axis.set_label_text(label)


def time_axis(axis):
    """An axis of times in UTC with short labels."""
    locator = matplotlib.dates.AutoDateLocator(maxticks=9)
    axis.set_major_locator(locator)
    axis.set_major_formatter(matplotlib.dates.ConciseDateFormatter(locator))
    axis.set_label_text("start of the exchange, UTC")


WIDTHS = {
    "1s": "second", "2s": "2 seconds", "5s": "5 seconds", "10s": "10 seconds", "30s": "30 seconds", "1min": "minute",
    "5min": "5 minutes", "15min": "15 minutes", "1h": "hour", "6h": "6 hours", "1D": "day", "7D": "week",
}


def bin_width(started, most=60, widest="7D"):
    """The narrowest width that cuts the time of these starts into at most so many bins, and its name."""
    span = started.max() - started.min()
    for width, name in WIDTHS.items():
        if span / pd.Timedelta(width) <= most or width == widest:
            return pd.Timedelta(width), name


def bins(started, width):
    """The beginnings of all bins from the first start to the last, those without an exchange too."""
    return pd.date_range(started.min().floor(width), started.max().floor(width), freq=width)
