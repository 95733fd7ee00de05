"""Pictures of estimates: each function returns one Vega-Lite chart, with its intervals; `to_svg` is the one renderer."""

import json
import re
from typing import Any

import altair
import vl_convert

from judgefair.estimation import Estimation
from judgefair.records import printable
from judgefair.reporting.words import labellers, population_name, populations
from judgefair.validation import Validation

alt: Any = altair  # its generated types reject plain lists

BLUE, ORANGE, GREEN = "#0072b2", "#d55e00", "#009e73"
COLOURS = {1: [ORANGE], 2: [BLUE, ORANGE], 3: [BLUE, ORANGE, GREEN]}
SHAPES = ["square", "circle", "diamond"]
INK = "#010203"
"""Stands for the page's text colour, so that a chart is readable in dark and in light."""
MAX_LEVELS = 12


def agreement_chart(validation: Validation, criterion: str) -> dict[str, Any] | None:
    """Alpha of the judge with the humans beside that of the humans among themselves, by population."""
    names = {
        "alpha.human": f"{labellers(validation)} among themselves",
        "alpha.judge_human": f"judge with {labellers(validation)}",
    }
    rows = _rows(validation, criterion, names)
    return _intervals(rows, "Krippendorff's alpha", list(names.values())) if rows else None


def judge_error_chart(validation: Validation, criterion: str) -> dict[str, Any] | None:
    """Judge minus human by population, in scale points."""
    rows = _rows(validation, criterion, {"judge_error": "judge error"})
    return _intervals(rows, f"judge minus {labellers(validation)}, in scale points", ["judge error"]) if rows else None


def gaps_chart(estimation: Estimation, criterion: str) -> dict[str, Any] | None:
    """Raw gap, judge-made part and corrected gap of every contrast, and the tolerance."""
    names = {"raw": "raw", "judge_made": "made by the judge", "corrected": "corrected"}
    rows, tolerance = [], 0.0
    for verdict in estimation.verdicts:
        if verdict.criterion != criterion:
            continue
        tolerance = verdict.tolerance
        against = next(iter(verdict.contrast.values()))
        label = f"{population_name(verdict.population)}\nagainst {against} (n={verdict.raw.n_items:,} items)"
        for part, name in names.items():
            estimate = getattr(verdict, part)
            if estimate.is_defined:
                known = estimate.low == estimate.low
                interval = {"low": estimate.low, "high": estimate.high} if known else {}
                rows.append({"population": label, "who": name, "value": estimate.value} | interval)
    if not rows:
        return None
    return _intervals(
        rows, "gap in scale points, population minus reference", list(names.values()), marks=(-tolerance, tolerance)
    )


def alignment_chart(validation: Validation, criterion: str, axis: str) -> dict[str, Any] | None:
    """The judge's alignment with each population of raters."""
    rows = []
    for finding in validation.findings:
        group, estimate = (finding.population or {}).get(axis), finding.estimate
        if (
            finding.criterion == criterion
            and group is not None
            and estimate.estimand == "rater_alignment"
            and estimate.is_defined
        ):
            known = estimate.low == estimate.low
            label = f"{group} (n={estimate.n_raters:,} raters)"
            interval = {"low": estimate.low, "high": estimate.high} if known else {}
            rows.append({"population": label, "who": "alignment", "value": estimate.value} | interval)
    return _intervals(rows, "judge's distance minus other humans', in scale points", ["alignment"]) if rows else None


def ratings_chart(validation: Validation, criterion: str) -> dict[str, Any] | None:
    """How often each level was given, by the judge and by the humans."""
    scale = validation.scales[criterion]
    kinds = {"human": labellers(validation), "judge": "judge"}
    given = {kind: validation.given(criterion, kind) for kind in kinds}
    many = scale.kind == "interval" and len(given["human"].index.union(given["judge"].index)) > MAX_LEVELS
    rows = []
    for kind, name in kinds.items():
        counts = given[kind].groupby(given[kind].index.to_series().round()).sum() if many else given[kind]
        shares = counts / counts.sum()
        who = f"{name} (n={counts.sum():,})"
        for code, share in zip(shares.index.to_numpy(dtype=float), shares.to_numpy(dtype=float), strict=True):
            rows.append({"level": str(scale.level(float(code))), "who": who, "share": float(share)})
    if not rows:
        return None
    order = (
        [str(level) for level in scale.levels] if scale.kind != "interval" else sorted({str(r["level"]) for r in rows}, key=float)
    )
    whose = list(dict.fromkeys(row["who"] for row in rows))
    chart = (
        alt.Chart(alt.Data(values=rows))
        .mark_bar(stroke=INK, strokeWidth=0.5)
        .encode(
            x=alt.X("share:Q", title="share of ratings", axis=alt.Axis(format="%", tickCount=6)),
            y=alt.Y("level:N", title="level", sort=order),
            yOffset=alt.YOffset("who:N", sort=whose),
            color=alt.Color("who:N", title=None, sort=whose, scale=alt.Scale(domain=whose, range=[BLUE, ORANGE])),
        )
    )
    return _finish(chart, 22 * max(2, len({row["level"] for row in rows})) + 10)


def to_svg(spec: dict[str, Any]) -> str:
    """The chart as SVG: its text takes the page's colour, and nothing in it needs a style or a script."""
    svg = vl_convert.vegalite_to_svg(json.dumps(_printable(spec)))
    svg = svg.replace(INK, "currentColor")
    return re.sub(r'\s(?:style|class)="[^"]*"', "", svg)


def _printable(part: Any) -> Any:
    """The part of a spec without characters that no SVG may hold: the renderer would end the whole process."""
    if isinstance(part, dict):
        return {_printable(key): _printable(value) for key, value in part.items()}
    if isinstance(part, list):
        return [_printable(value) for value in part]
    return printable(part) if isinstance(part, str) else part


def _rows(validation: Validation, criterion: str, names: dict[str, str]) -> list[dict[str, Any]]:
    rows = []
    for population in populations(validation):
        for estimand, name in names.items():
            try:
                estimate = validation.find(estimand, criterion, population)
            except KeyError:
                continue
            if estimate.is_defined:
                label = (
                    f"{population_name(population)} (n={validation.find('alpha.judge_human', criterion, population).n_items:,})"
                )
                known = estimate.low == estimate.low
                rows.append(
                    {"population": label, "who": name, "value": estimate.value}
                    | ({"low": estimate.low, "high": estimate.high} if known else {})
                )
    return rows


def _intervals(rows: list[dict[str, Any]], title: str, whose: list[str], marks: tuple[float, ...] = ()) -> dict[str, Any]:
    """Points with their intervals, a row for each population in declared order; shape and colour both tell who.

    `marks` are values to draw a dashed line at.
    """
    order = list(dict.fromkeys(row["population"] for row in rows))
    shown = [name for name in whose if any(row["who"] == name for row in rows)]
    legend = {"legend": None} if len(whose) == 1 else {}  # the axis says what it is
    base = alt.Chart(alt.Data(values=rows)).encode(
        y=alt.Y("population:N", title=None, sort=order, axis=alt.Axis(labelExpr="split(datum.label, '\\n')")),
        yOffset=alt.YOffset("who:N", sort=shown),
        color=alt.Color(
            "who:N", title=None, sort=shown, scale=alt.Scale(domain=shown, range=COLOURS[len(whose)][-len(shown) :]), **legend
        ),
    )
    bars = base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", title=title, axis=alt.Axis(tickCount=6)), x2="high:Q")
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        x=alt.X("value:Q", title=title, axis=alt.Axis(tickCount=6)),
        shape=alt.Shape("who:N", title=None, sort=shown, scale=alt.Scale(domain=shown, range=SHAPES[-len(shown) :]), **legend),
    )
    zero = alt.Chart(alt.Data(values=[{"zero": 0}])).mark_rule(stroke=INK, strokeDash=[3, 3]).encode(x="zero:Q")
    limits = alt.Chart(alt.Data(values=[{"at": at} for at in marks])).mark_rule(stroke=INK, strokeDash=[1, 4]).encode(x="at:Q")
    layers = (zero, limits, bars, points) if marks else (zero, bars, points)
    return _finish(alt.layer(*layers), 16 * len(shown) * len(order) + 14 * len(order))


def _finish(chart: Any, height: int) -> dict[str, Any]:
    finished = (
        chart.properties(
            width=430, height=height, background="transparent", padding={"left": 60, "right": 20, "top": 5, "bottom": 5}
        )
        .configure(font="sans-serif")
        .configure_axis(
            labelColor=INK, titleColor=INK, domainColor=INK, tickColor=INK, gridColor=INK, gridOpacity=0.15, labelLimit=260
        )
        .configure_legend(labelColor=INK, titleColor=INK, orient="top", labelLimit=320, columnPadding=60)
        .configure_view(stroke=None)
    )
    spec: dict[str, Any] = finished.to_dict(validate=False)  # the tests validate; it takes most of a chart's time
    return spec
