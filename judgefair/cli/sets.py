"""Verbs on calibration sets: sets list, show, fetch, import."""

from pathlib import Path
from typing import Annotated, Any

import typer

from judgefair.cli import completing
from judgefair.cli.output import JSON, examples, note, say, say_json

app = typer.Typer(
    help="Calibration sets: list, show, fetch, import.",
    epilog=examples("judgefair sets list", "judgefair sets fetch dices_350"),
    no_args_is_help=True,
)


def register(parent: typer.Typer) -> None:
    """Add the verbs."""
    parent.add_typer(app, name="sets")


@app.command("list", epilog=examples("judgefair sets list", "judgefair sets list --json"))
def list_(as_json: bool = JSON) -> None:
    """The sets the project knows, and whether they are on this machine."""
    from judgefair.calibration import find_set, known_sets
    from judgefair.calibration.card import read_card
    from judgefair.calibration.fetch import is_fetched

    rows = []
    for name in known_sets():
        card = read_card(find_set(name) / "card.yaml")
        here = card.source.kind == "files" or is_fetched(card)
        rows.append(
            {
                "id": card.id,
                "title": card.title,
                "labels": card.labels,
                "licence": card.licence,
                "here": here,
                "criteria": list(card.criteria),
            }
        )
    if as_json:
        say_json(rows)
        return
    for row in rows:
        say(f"{row['id']:24} {row['labels']:12} {'here' if row['here'] else 'to fetch':9} {row['licence']:18} {row['title']}")


@app.command(epilog=examples("judgefair sets show writing_tutor_anchors", "judgefair sets show my_set --json"))
def show(
    set_id: Annotated[str, typer.Argument(metavar="ID", autocompletion=completing.sets, help="A set's id or folder.")],
    as_json: bool = JSON,
) -> None:
    """Card, counts, populations, splits and looks of a set."""
    from judgefair.calibration import load_calibration_set
    from judgefair.calibration.ledger import read_looks
    from judgefair.calibration.splits import SPLITS

    cset = load_calibration_set(set_id)
    groups: dict[str, dict[str, int]] = {}
    for item in cset.items:
        for axis, group in item.populations.items():
            groups.setdefault(axis, {})[group] = groups.setdefault(axis, {}).get(group, 0) + 1
    looks = read_looks(cset.id)
    content: dict[str, Any] = {
        "card": cset.card.model_dump(mode="json"),
        "items": len(cset.items),
        "ratings": int(cset.ratings["code"].notna().sum()),
        "missing": int(cset.ratings["code"].isna().sum()),
        "raters": int(cset.ratings["rater_id"].nunique()),
        "scenarios": len({item.unit for item in cset.items}),
        "populations": groups,
        "splits": {name: {"items": len((part := cset.take(name)).items), "fingerprint": part.fingerprint} for name in SPLITS},
        "looks": [
            {name: getattr(look, name) for name in ("when", "program", "judge", "set", "split", "split_fingerprint")}
            for look in looks
        ],
    }
    if as_json:
        say_json(content)
        return
    card = cset.card
    say(f"{card.id}: {card.title}\nlabels: {card.labels}   licence: {card.licence}\nraters: {card.rater_pool}")
    say(
        f"{content['items']:,} items, {content['ratings']:,} ratings by {content['raters']:,} raters, {content['missing']:,} missing"
    )
    for axis, sizes in groups.items():
        say(f"{axis}: " + ", ".join(f"{group} {n:,}" for group, n in sorted(sizes.items(), key=lambda entry: -entry[1])))
    say("splits: " + ", ".join(f"{name} {split['items']:,}" for name, split in content["splits"].items()))
    for issue in card.known_issues:
        say(f"- {issue}")
    say(f"looks at the locked test split: {len(looks)}")
    for look in looks:
        say(f"  {look.when}  {look.judge}  program {look.program[:12]}  {look.split}")


@app.command(epilog=examples("judgefair sets fetch dices_350", "judgefair sets fetch dices_350 --from downloads"))
def fetch(
    set_id: Annotated[
        str, typer.Argument(metavar="ID", autocompletion=completing.sets, help="A set the project has a recipe for.")
    ],
    source: Annotated[
        Path | None, typer.Option("--from", metavar="FOLDER", help="Read the upstream files from here, not from the network.")
    ] = None,
    as_json: bool = JSON,
) -> None:
    """Bring a set's upstream files to this machine, checked by sha256 where the card knows it."""
    from judgefair.calibration import find_set, load_calibration_set
    from judgefair.calibration.card import read_card
    from judgefair.calibration.fetch import fetch_set
    from judgefair.fingerprint import file_sha256

    card = read_card(find_set(set_id) / "card.yaml")
    folder = fetch_set(card, source)
    cset = load_calibration_set(set_id)
    for file in card.source.files:
        if file.sha256 is None:
            found = file_sha256(folder / file.name)
            note(
                f"{file.name}: sha256 {found}, checked against nothing: the card knows none. Compare it with others who have the file"
            )
    note(f"Licence of the data: {card.licence}. Cite: {card.citation}")
    if as_json:
        say_json({"id": card.id, "folder": str(folder), "items": len(cset.items), "ratings": len(cset.ratings)})
    else:
        say(f"{card.id}: {len(cset.items):,} items, {len(cset.ratings):,} ratings, in {folder}")


@app.command(
    "import",
    epilog=examples(
        "judgefair sets import ratings.csv --out my_set --scale ordinal:0-4 --labels human",
        "judgefair sets import ratings.csv --out my_set --scale binary --labels human --map value=score",
    ),
)
def import_(
    source: Annotated[str, typer.Argument(help="A CSV, TSV, JSONL or Parquet file, or hub:OWNER/NAME[@REVISION][#SPLIT].")],
    out: Annotated[Path, typer.Option("--out", help="Folder to write the set into; its name becomes the id.")],
    scale: Annotated[str, typer.Option("--scale", help="binary, nominal:a,b, ordinal:1-5, interval:0-100 ...")],
    labels: Annotated[str, typer.Option("--labels", help="Who gave the labels: human, constructed or model.")],
    columns: Annotated[
        list[str] | None, typer.Option("--map", help="NAME=COLUMN where a column has another name, repeated.")
    ] = None,
    criterion: Annotated[
        str, typer.Option("--criterion", help="The question's id, where there is no column criterion.")
    ] = "rating",
    licence: Annotated[str, typer.Option("--licence", help="Licence of the data.")] = "unknown",
    title: Annotated[str, typer.Option("--title", help="The set's name.")] = "",
    as_json: bool = JSON,
) -> None:
    """Turn a table of ratings, one row a rating, into a calibration set."""
    from judgefair.calibration.exchange import import_set

    folder = import_set(source, out, scale, labels, columns or [], criterion, licence, title)
    if as_json:
        say_json({"id": folder.name, "folder": str(folder)})
    else:
        say(str(folder))
    note(f"Complete {folder / 'card.yaml'} (rater pool, citation, known issues), then: judgefair check {folder}")
