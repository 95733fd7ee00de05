"""A picture of the matrix: how near each judge comes to the agreement of the humans, context by context."""

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

import altair

from judgefair.comparison.comparison import Cell, Comparison
from judgefair.reporting.blocks import number
from judgefair.reporting.charts import INK

alt: Any = altair  # its generated types reject plain lists

AT_ONCE = 6
"""Judges in one picture: more would make what stands in the cells too small to read."""
LIGHT, MIDDLE, DARK = "#f4f9fe", "#6baed6", "#08306b"
"""One hue from light to dark, so that order shows in grey too."""
DARK_FROM = 0.65
WIDTH, HEIGHT, LINE, NAME = 112, 56, 12, 17
"""Of a cell, of a line of its name, and how many letters of a judge's name stand in one."""


def heatmaps(comparison: Comparison) -> list[dict[str, Any]]:
    """Vega-Lite charts with all judges, a few at a time; none where there is no cell."""
    names = [judge.name for judge in comparison.judges if any(cell.judge == judge.name for cell in comparison.cells)]
    return [heatmap(comparison, names[start : start + AT_ONCE]) for start in range(0, len(names), AT_ONCE)]


def heatmap(comparison: Comparison, judges: Sequence[str]) -> dict[str, Any]:
    """One chart: judges across, contexts down, criteria apart; in each cell the ratio of alphas with interval and n.

    What has no ratio is drawn as an empty cell with a dashed rim, and what was not run as one without any.
    """
    rows = [
        _cell(comparison.find(judge, context.name, criterion), judge, context.name, criterion)
        for context in comparison.contexts
        for criterion in context.criteria
        for judge in judges
    ]
    contexts = list(dict.fromkeys(row["context"] for row in rows))
    labelled = alt.Axis(
        labelExpr="split(datum.label, '\\n')", orient="top", labelAngle=0, ticks=False, domain=False, labelLimit=160
    )
    base = alt.Chart().encode(
        x=alt.X("judge:N", title=None, sort=[_folded(judge) for judge in judges], axis=labelled),
        y=alt.Y(
            "context:N",
            title=None,
            sort=contexts,
            axis=alt.Axis(labelExpr="split(datum.label, '\\n')", labelOffset=-LINE, ticks=False, domain=False),
        ),
        tooltip=["judge:N", "context:N", "criterion:N", "told:N"],
        description="told:N",
    )
    # No legend: every cell says its number, and a renderer numbers the gradients of legends anew each time.
    colour = alt.Color("ratio:Q", legend=None, scale=alt.Scale(domain=[0, 0.5, 1], range=[LIGHT, MIDDLE, DARK], clamp=True))
    told = base.transform_filter("datum.kind == 'ratio'")
    untold = base.transform_filter("datum.kind == 'no ratio'")
    layers = [
        base.mark_rect(fill="transparent"),
        told.mark_rect(stroke=INK, strokeWidth=0.5).encode(color=colour),
        untold.mark_rect(fill="transparent", stroke=INK, strokeDash=[4, 3], strokeWidth=1),
    ]
    for condition, ink in (
        ("datum.kind == 'ratio' && datum.is_dark", "#ffffff"),
        ("datum.kind == 'ratio' && !datum.is_dark", "#000000"),
        ("datum.kind != 'ratio'", INK),
    ):
        text = base.transform_filter(condition)
        layers += [
            text.mark_text(fill=ink, fontSize=15, fontWeight="bold", dy=-14).encode(text="first:N"),
            text.mark_text(fill=ink, fontSize=11, dy=3).encode(text="second:N"),
            text.mark_text(fill=ink, fontSize=11, dy=17).encode(text="third:N"),
        ]
    chart = (
        alt.layer(*layers, data=alt.Data(values=rows))
        .properties(width=WIDTH * len(judges), height={"step": HEIGHT})
        .facet(
            row=alt.Row(
                "criterion:N",
                title=None,
                sort=list(dict.fromkeys(row["criterion"] for row in rows)),
                header=alt.Header(labelAngle=0, labelOrient="top", labelAnchor="start", labelFontWeight="bold", labelColor=INK),
            ),
            spacing=18,
        )
        .resolve_scale(y="independent")
        .resolve_axis(x="independent")
        .properties(background="transparent", padding={"left": 60, "right": 20, "top": 5, "bottom": 5})
        .configure(font="sans-serif")
        .configure_axis(labelColor=INK, titleColor=INK, labelLimit=240, labelPadding=8, grid=False)
        .configure_view(stroke=None)
    )
    spec: dict[str, Any] = chart.to_dict(validate=False)  # the tests validate; it takes most of a chart's time
    return spec


def _cell(cell: Cell | None, judge: str, context: str, criterion: str) -> dict[str, Any]:
    """What stands in one cell, in three lines, and what is told of it to who cannot see it."""
    about = {"judge": _folded(judge), "context": context.replace(", ", "\n"), "criterion": criterion}
    if cell is None:
        return about | {"kind": "not run", "first": "", "second": "not run", "third": "", "told": f"{judge}, {context}: not run"}
    ratio, agreement = cell.ratio, cell.agreement
    n = f"n={agreement.n_items:,}"
    if not ratio.is_defined:
        alpha = f"alpha {_short(agreement.value)}" if agreement.is_defined else "undefined"
        told = f"{judge}, {context}, {criterion}: {ratio.method}"
        return about | {"kind": "no ratio", "first": "no ratio", "second": alpha, "third": n, "told": told}
    interval = "no interval" if ratio.low != ratio.low else f"{_short(ratio.low)} to {_short(ratio.high)}"
    told = f"{judge}, {context}, {criterion}: ratio {number(ratio).text}, {number(ratio).title}"
    lines = {"first": _short(ratio.value), "second": interval, "third": n, "told": told}
    return about | lines | {"kind": "ratio", "ratio": ratio.value, "is_dark": ratio.value >= DARK_FROM}


def _short(value: float) -> str:
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")


def _folded(name: str) -> str:
    return "\n".join(wrap(name, NAME))
