"""Pictures of estimates: each function returns one Vega-Lite chart, with its intervals; `to_svg` is the one renderer."""

import json
import re
from typing import Any

import altair
import vl_convert

from judgefair.estimation import Estimation
from judgefair.records import printable
from judgefair.reporting.words import labellers, population_name, populations
from judgefair.statistics.estimate import Estimate, signed
from judgefair.validation import Validation

alt: Any = altair  # its generated types reject plain lists

BLUE, ORANGE, GREEN = "#0072b2", "#d55e00", "#009e73"
COLOURS = {1: [ORANGE], 2: [BLUE, ORANGE], 3: [BLUE, ORANGE, GREEN]}
SHAPES = ["square", "circle", "diamond"]
INK = "#010203"
"""Stands for the page's text colour, so that a chart is readable in dark and in light."""
LINES = "split(datum.label, '\\n')"
MAX_LEVELS = 12
WIDTH = 290
"""Of a picture without its labels: with them it is still read on a phone."""


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
    """Raw gap = corrected gap + the part that the judge made, a panel for each contrast, with the tolerance as a band."""
    names = {"raw": "raw", "corrected": "= corrected", "judge_made": "+ made by the judge"}
    rows: list[dict[str, Any]] = []
    for verdict in estimation.verdicts:
        if verdict.criterion != criterion:
            continue
        against = next(iter(verdict.contrast.values()))
        panel = (
            f"{population_name(verdict.population)} − {against}\n{verdict.raw.n_items:,} items, tolerance ±{verdict.tolerance:g}"
        )
        for part, name in names.items():
            estimate = getattr(verdict, part)
            if estimate.is_defined:
                tolerance = {"from": -verdict.tolerance, "to": verdict.tolerance}
                rows.append({"panel": panel, "who": name, **_drawn(estimate), **tolerance})
    return _sums(rows, list(names.values())) if rows else None


def alignment_chart(validation: Validation, criterion: str, axis: str) -> dict[str, Any] | None:
    """The judge's alignment with each population of raters."""
    rows: list[dict[str, Any]] = []
    for finding in validation.findings:
        group, estimate = (finding.population or {}).get(axis), finding.estimate
        if (
            finding.criterion == criterion
            and group is not None
            and estimate.estimand == "rater_alignment"
            and estimate.is_defined
        ):
            label = f"{group}\n{estimate.n_raters:,} raters"
            rows.append({"panel": axis.removeprefix("rater."), "population": label, "who": "alignment", **_drawn(estimate)})
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
    height = 26 * max(2, len({row["level"] for row in rows})) + 10
    return _finish(chart.properties(width=WIDTH, height=height))


def to_svg(spec: dict[str, Any]) -> str:
    """The chart as SVG: its text takes the page's colour, nothing in it needs a style or a script, and the figure about it says what it is."""
    svg = vl_convert.vegalite_to_svg(json.dumps(_printable(spec)))
    svg = svg.replace(INK, "currentColor")
    return re.sub(r'\s(?:style|class|role|aria-[a-z]+)="[^"]*"', "", svg)


def _printable(part: Any) -> Any:
    """The part of a spec without characters that no SVG may hold: the renderer would end the whole process."""
    if isinstance(part, dict):
        return {_printable(key): _printable(value) for key, value in part.items()}
    if isinstance(part, list):
        return [_printable(value) for value in part]
    return printable(part) if isinstance(part, str) else part


def in_words(spec: dict[str, Any]) -> list[str]:
    """What a chart shows, a line for each thing drawn, for those who do not see it."""
    told = []
    for row in spec.get("data", {}).get("values", []):
        if "told" in row:
            told.append(row["told"])
        elif "share" in row:
            told.append(f"level {row['level']}, {row['who']}: {row['share']:.1%}")
        else:
            interval = f"{signed(row['low'])} to {signed(row['high'])}" if "low" in row else "no interval"
            where = ", ".join(row[name].replace("\n", ", ") for name in ("panel", "population", "who") if row.get(name))
            told.append(f"{where}: {signed(row['value'])}, {interval}")
    return told


def _drawn(estimate: Estimate) -> dict[str, float]:
    """Point and, where there is one, interval."""
    interval = {"low": estimate.low, "high": estimate.high} if estimate.low == estimate.low else {}
    return {"value": estimate.value, **interval}


def _rows(validation: Validation, criterion: str, names: dict[str, str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for population in populations(validation):
        for estimand, name in names.items():
            try:
                estimate = validation.find(estimand, criterion, population)
            except KeyError:
                continue
            if estimate.is_defined:
                axis, group = next(iter(population.items())) if population else ("overall", "all items")
                n = validation.find("alpha.judge_human", criterion, population).n_items
                rows.append({"panel": axis, "population": f"{group}\nn={n:,}", "who": name, **_drawn(estimate)})
    return rows


def _sums(rows: list[dict[str, Any]], names: list[str]) -> dict[str, Any]:
    """A panel for each contrast, in declared order, on one x axis: bars from 0 whose lengths add up, each with its interval."""
    base = alt.Chart().encode(
        y=alt.Y("who:N", title=None, sort=names, axis=alt.Axis(ticks=False, domain=False, labelPadding=8)),
        color=alt.Color("who:N", legend=None, scale=alt.Scale(domain=names, range=[BLUE, ORANGE, GREEN])),
    )
    axis = alt.X("value:Q", title="gap in scale points, population minus reference", axis=alt.Axis(tickCount=6))
    band = alt.Chart().transform_filter(alt.datum.who == names[0]).mark_rect(fill=INK, opacity=0.1)
    layers = [
        band.encode(x="from:Q", x2="to:Q"),
        alt.Chart().transform_filter(alt.datum.who == names[0]).mark_rule(stroke=INK).encode(x=alt.datum(0)),
        base.mark_bar(size=5, opacity=0.45).encode(x=axis),
        base.transform_filter("isValid(datum.low)").mark_rule(strokeWidth=2).encode(x="low:Q", x2="high:Q"),
        base.mark_point(filled=True, size=70, opacity=1).encode(
            x=axis, shape=alt.Shape("who:N", legend=None, scale=alt.Scale(domain=names, range=SHAPES))
        ),
    ]
    return _finish(_panels(alt.layer(*layers, data=alt.Data(values=rows)), rows, {"step": 17}))


def _intervals(rows: list[dict[str, Any]], title: str, whose: list[str]) -> dict[str, Any]:
    """Points with their intervals, a row for each population in declared order, axes apart; shape and colour both tell who."""
    order = list(dict.fromkeys(row["population"] for row in rows))
    shown = [name for name in whose if any(row["who"] == name for row in rows)]
    legend = {"legend": None} if len(whose) == 1 else {}  # the axis says what it is
    base = alt.Chart().encode(
        y=alt.Y(
            "population:N", title=None, sort=order, axis=alt.Axis(ticks=False, domain=False, labelPadding=8, labelExpr=LINES)
        ),
        yOffset=alt.YOffset("who:N", sort=shown),
        color=alt.Color(
            "who:N", title=None, sort=shown, scale=alt.Scale(domain=shown, range=COLOURS[len(whose)][-len(shown) :]), **legend
        ),
    )
    axis = alt.X("value:Q", title=title, axis=alt.Axis(tickCount=6, grid=True))
    layers = [
        alt.Chart().mark_rule(stroke=INK, strokeDash=[3, 3], strokeWidth=0.5).encode(x=alt.datum(0)),
        base.transform_filter("isValid(datum.low)").mark_rule(strokeWidth=2).encode(x="low:Q", x2="high:Q"),
        base.mark_point(filled=True, size=70, opacity=1).encode(
            x=axis,
            shape=alt.Shape(
                "who:N", title=None, sort=shown, scale=alt.Scale(domain=shown, range=SHAPES[-len(shown) :]), **legend
            ),
        ),
    ]
    step = {"step": 17, "for": "offset"} if len(shown) > 1 else {"step": 32}
    return _finish(_panels(alt.layer(*layers, data=alt.Data(values=rows)), rows, step))


def _panels(layered: Any, rows: list[dict[str, Any]], height: Any) -> Any:
    """Small multiples, one below the other, with their names above them and one x axis for all."""
    names = list(dict.fromkeys(row["panel"] for row in rows))
    header = alt.Header(
        labelAngle=0, labelOrient="top", labelAnchor="start", labelFontWeight="bold", labelColor=INK, labelLimit=WIDTH + 120,
        labelPadding=4, labelExpr=LINES,
    )  # fmt: skip
    faceted = layered.properties(width=WIDTH, height=height).facet(
        row=alt.Row("panel:N", title=None, sort=names, header=header), spacing=10
    )
    return faceted.resolve_scale(y="independent")


def _finish(chart: Any) -> dict[str, Any]:
    finished = (
        chart.properties(background="transparent", padding={"left": 18, "right": 28, "top": 5, "bottom": 5})
        .configure(font="sans-serif")
        .configure_axis(
            labelColor=INK, titleColor=INK, domainColor=INK, tickColor=INK, gridColor=INK, gridOpacity=0.15, labelLimit=220,
            labelFontSize=12, titleFontSize=12, titleFontWeight="normal",
        )
        .configure_header(labelFontSize=12)
        .configure_legend(labelColor=INK, titleColor=INK, orient="top", columns=1, labelLimit=320, labelFontSize=12)
        .configure_view(stroke=None)
    )  # fmt: skip
    spec: dict[str, Any] = finished.to_dict(validate=False)  # the tests validate; it takes most of a chart's time
    return spec
