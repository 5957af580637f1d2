"""The pictures of a report: pure functions from numbers to markup.

Each returns one element, complete in itself, that `style.py` dresses. With nothing to draw it is a sentence.
"""

from tacit.report.charts import bars, confusion, reliability
from tacit.report.curves import Series, curve
from tacit.report.items import families, image_grid, pairs, walk_strip
from tacit.report.maps import scatter
from tacit.report.tables import table

__all__ = [
    "Series",
    "bars",
    "confusion",
    "curve",
    "families",
    "image_grid",
    "pairs",
    "reliability",
    "scatter",
    "table",
    "walk_strip",
]
