"""How far do judge and humans agree, beside how far humans agree with each other?"""

from judgefair.estimation import Estimation
from judgefair.reporting.blocks import Block, Cell, Chart, Section, Table, Text, number
from judgefair.reporting.charts import agreement_chart, ratings_chart
from judgefair.reporting.words import caution, labellers, lacks_variance, only_level, population_name, populations
from judgefair.statistics.resample import FEW
from judgefair.validation import Validation

ORDER = 30
BEYOND_CHANCE = ("alpha.", "kappa.")


def build(validation: Validation, estimation: Estimation | None) -> Section:
    """Alpha, kappa and leave-one-out losses, overall and by population, with the distribution of ratings."""
    whom = labellers(validation)
    blocks: list[Block] = [
        Text(
            f"Alpha is 1 where raters always agree and 0 where they agree as chance would. The judge's is taken over pairs of judge and "
            f"{whom} only, so that it stands beside that of the {whom} among themselves."
        )
    ]
    for criterion, scale in validation.scales.items():
        weights = [f"kappa.{weight or 'none'}" for weight in scale.kappa_weights]
        gwet = "gwet.ac1" if scale.measurement == "nominal" else "gwet.ac2_quadratic"
        names = [
            "alpha.human",
            "alpha.judge_human",
            "agreement.human",
            gwet,
            *weights,
            "loo.human",
            "loo.judge",
            "loo.difference",
        ]
        titles = [
            f"{whom} among themselves (alpha)",
            f"judge with {whom} (alpha)",
            f"{whom}: share of agreeing pairs",
            f"{whom}: Gwet's {gwet[5:8].upper()}",
            *weights,
            "loss of one human",
            "loss of the judge",
            "difference",
        ]
        titles = [title.replace("one human", "one rater") if validation.scope["labels"] != "human" else title for title in titles]
        rows = []
        for population in populations(validation):
            found = [validation.find(name, criterion, population) for name in names]
            row = [number(estimate, signed=name == "loo.difference") for name, estimate in zip(names, found, strict=True)]
            if lacks_variance(validation, criterion, population):  # beyond chance there is next to nothing to agree on
                row = [
                    _of_little_variance(cell) if name.startswith(BEYOND_CHANCE) else cell
                    for name, cell in zip(names, row, strict=True)
                ]
            rows.append([Cell(population_name(population)), Cell(f"{found[1].n_items:,}"), *row])
        losses = "losses are distances to the mean of the other raters, in scale points"
        caption = f"{criterion}: agreement with 95% intervals; {losses}.{caution(validation)}"
        blocks.append(Table(caption, ["Population", "Items", *titles], rows))
        only = only_level(validation, criterion)
        if only is not None:
            told = f"{criterion}: the judge gave every item the level {only}. Its agreement says nothing of skill, its errors mirror the labels."
            blocks.append(Text(told))
        few = _few(validation, criterion)
        if few:
            why = f"fewer than {FEW} scenarios or items, so that the intervals of alpha and kappa tend to be too narrow"
            blocks.append(Text(f"{criterion}, {', '.join(few)}: {why}."))
        blocks += [Text(reason) for reason in (*_undefined(validation, criterion), *_no_variance(validation, criterion))]
        for chart, words in (
            (agreement_chart(validation, criterion), "alpha by population, with 95% intervals"),
            (ratings_chart(validation, criterion), "distribution of ratings"),
        ):
            if chart:
                blocks.append(Chart(f"{criterion}: {words}.{caution(validation)}", chart))
    return Section("agreement", f"Agreement: {whom} among themselves, judge with {whom}", blocks)


def _few(validation: Validation, criterion: str) -> list[str]:
    """Populations whose judge-human alpha has an interval that rests on few scenarios or items."""
    found = {population_name(p): validation.find("alpha.judge_human", criterion, p) for p in populations(validation)}
    return [name for name, estimate in found.items() if estimate.low == estimate.low and estimate.n_clusters < FEW]


def _undefined(validation: Validation, criterion: str) -> list[str]:
    """Each reason for an undefined alpha, once, with the populations it holds for."""
    told: dict[str, list[str]] = {}
    for name in ("alpha.human", "alpha.judge_human"):
        for population in populations(validation):
            estimate = validation.find(name, criterion, population)
            if not estimate.is_defined:
                told.setdefault(f"{name} is {estimate.method}", []).append(population_name(population))
    return [f"{criterion}, {', '.join(names)}: {reason}." for reason, names in told.items()]


def _no_variance(validation: Validation, criterion: str) -> list[str]:
    """Populations whose raters nearly always agree and whose alpha is low all the same, explained."""
    told = []
    for population in populations(validation):
        if lacks_variance(validation, criterion, population):
            alpha, share = (validation.find(name, criterion, population) for name in ("alpha.human", "agreement.human"))
            value = number(alpha).text.split()[0]
            told.append(f"{population_name(population)} ({share.value:.1%} of pairs agree, alpha {value})")
    if not told:
        return []
    return [
        f"{criterion}: {labellers(validation)} agree on nearly all pairs, and alpha is low all the same: {', '.join(told)}. Nearly all these "
        "ratings are the same level, so that chance alone would give nearly as much agreement: alpha then tells how little "
        "the items vary, not how well people rate."
    ]


def _of_little_variance(cell: Cell) -> Cell:
    """The number only for those who look behind the words: a low value here is no sign of disagreement."""
    return Cell("little variance", f"{cell.text}; {cell.title}", cell.estimate)
