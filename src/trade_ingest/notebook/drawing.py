"""How charts are drawn: by matplotlib, as SVG in the colours of the notebook around it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trade_ingest.errors import UsageError
from trade_ingest.notebook.page import View, escaped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#010203"
"""Drawn where the notebook's own colour of text is to be."""


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """A chart; ``figure`` is matplotlib's, to change it or to save it in another format.

    Attributes:
        figure: the drawing.
        text: what it shows, in a sentence: for a terminal, and for those who cannot see it.
    """

    figure: Figure
    text: str

    @property
    def svg(self) -> str:
        """The drawing as SVG that takes over the colour of the text around it."""
        import matplotlib as mpl

        file = io.StringIO()
        with mpl.rc_context({"svg.fonttype": "none"}):
            self.figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
        drawing = file.getvalue()
        return drawing[drawing.index("<svg") :].replace(INK, "currentColor")

    def _repr_html_(self) -> str:
        return View(self.text, f'<div role="img" aria-label="{escaped(self.text)}">{self.svg}</div>')._repr_html_()

    def __repr__(self) -> str:
        return self.text


def new_figure(
    panels: int,
    *,
    height: float,
    width: float = 9.0,
    ratios: Sequence[int] | None = None,
    shares_x: bool = False,
) -> tuple[Figure, list[Axes]]:
    """A figure of panels one above the other, in inches; all its lines and letters in the notebook's colour."""
    try:
        from matplotlib.figure import Figure
    except ImportError as exc:
        raise UsageError("charts need matplotlib", hint="pip install 'trade-ingest[notebook]'") from exc
    figure = Figure(figsize=(width, height), layout="constrained")
    grid = figure.subplots(panels, 1, squeeze=False, sharex=shares_x, height_ratios=ratios)
    return figure, [plain(axes) for axes in grid[:, 0]]


def plain(axes: Axes) -> Axes:
    """Without a frame, and with its letters in the notebook's colour."""
    axes.tick_params(colors=INK, labelsize=8)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.grid(visible=True, color="#808080", alpha=0.25, lw=0.6)
    axes.set_axisbelow(True)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set_color(INK)
        label.set_fontsize(9)
    return axes


def entitle(axes: Axes, text: str) -> None:
    """Write a title above a panel."""
    axes.set_title(text, loc="left", color=INK, fontsize=10)


def use_thousands(axes: Axes) -> None:
    """Write the numbers of the vertical axis as ``1,234``."""
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}" if value == round(value) else f"{value:,.2f}")
