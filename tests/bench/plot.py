"""The growth as a picture: what a byte costs, by the size of its event."""

import math
from pathlib import Path

import pygal
from pygal.style import Style

from tests.bench.figures import Figure

_SIZES = {1e3: "1 KB", 1e4: "10 KB", 1e5: "100 KB", 1e6: "1 MB", 1e7: "10 MB"}
_STYLE = Style(
    background="white",
    plot_background="white",
    colors=("#1f6feb",),
    font_family="sans-serif",
    title_font_size=16,
    label_font_size=13,
    major_label_font_size=13,
)


def growth(path: Path, figures: list[Figure]) -> None:
    """Draw the figures that are points of the curve."""
    chart = pygal.XY(
        title="CPU for each byte, against an event of 1 KB (both scales logarithmic)",
        style=_STYLE,
        width=720,
        height=320,
        js=(),
        logarithmic=True,
        show_legend=False,
        dots_size=4,
        x_labels=[math.log10(size) for size in _SIZES],
        x_value_formatter=lambda exponent: _SIZES.get(10**exponent, ""),
        y_labels=[0.01, 0.1, 1],
        range=(0.01, 1.5),
        disable_xml_declaration=True,
    )
    chart.add("", [(math.log10(each.at), each.value) for each in figures if each.at])
    path.write_text(str(chart.render(is_unicode=True)))
