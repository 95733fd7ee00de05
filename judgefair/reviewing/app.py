"""What does the page answer to each address?"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from threading import Lock
from typing import Any, get_args
from urllib.parse import parse_qsl, urlencode

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from judgefair.errors import InputError, JudgefairError
from judgefair.estimation.sampling import Allocation
from judgefair.records import Item, printable
from judgefair.reporting.words import NO_HUMANS
from judgefair.reviewing.choosing import PAGE, Choice, chosen_rows, options_of
from judgefair.reviewing.guard import Guard, Keys
from judgefair.reviewing.known import Knowing, Known, populations_of
from judgefair.reviewing.rating import (
    Out,
    answered_by,
    close_sample,
    read_answers,
    rubric_to_rate,
    sample_out,
    save_answers,
    start_rating,
    task_shown,
)
from judgefair.reviewing.showing import arm_name, arms_beside, excerpt, items_at, judged_at, ratings_of

MOST_ARMS = 60
"""Side by side on one page."""
USUAL_SAMPLE = 50
SPARE_ATTRIBUTES = 4
BESIDE_RATING = "/rate"


@dataclass(frozen=True, slots=True)
class Prefilled:
    """What the form of a rater holds from the start."""

    rater: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


def review_app(run: Path, keys: Keys, prefilled: Prefilled | None = None) -> Starlette:
    """The page of a run as an ASGI application, which answers to nobody without the key.

    Raises
    ------
    InputError : the folder is no run that can be looked through.
    """
    pages = _Pages(run, keys, prefilled or Prefilled())
    routes = [
        Route("/", pages.items),
        Route("/item", pages.item),
        Route("/arms", pages.arms),
        Route("/rate", pages.start),
        Route("/rate", pages.sent(pages.begin), methods=["POST"]),
        Route("/rate/item", pages.task),
        Route("/rate/item", pages.sent(pages.answer), methods=["POST"]),
        Route("/rate/close", pages.sent(pages.close), methods=["POST"]),
        Route("/review.css", pages.style),
    ]
    handlers: Any = {JudgefairError: pages.failed, HTTPException: pages.not_there}
    return Starlette(routes=routes, middleware=[Middleware(Guard, keys=keys)], exception_handlers=handlers)


class _Pages:
    """One method an address. Nothing is kept between requests but what the run's files say."""

    def __init__(self, run: Path, keys: Keys, prefilled: Prefilled) -> None:
        self._run, self._keys, self._prefilled = run, keys, prefilled
        self._knowing, self._writing = Knowing(run), Lock()
        self._knowing.get()
        self._templates = Environment(
            loader=PackageLoader("judgefair.reviewing"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def style(self, _: Request) -> Response:
        """The style sheet."""
        return Response(files("judgefair.reviewing").joinpath("review.css").read_text("utf-8"), media_type="text/css")

    def items(self, request: Request) -> Response:
        """The items that fit the filters of the address, a page of them."""
        known = self._knowing.get()
        choice = Choice.of(request.query_params, known)
        rows = chosen_rows(self._run, known, choice)
        n_pages = max(1, -(-len(rows) // PAGE))
        page = min(choice.page, n_pages)
        shown = rows[(page - 1) * PAGE : page * PAGE]
        criteria = [choice.criterion] if choice.criterion else list(known.scales)
        cards = [
            {
                "id": item.item_id, "address": choice.address("/item", id=item.item_id), "populations": list(populations_of(known, row)),
                "query": excerpt(item.query), "response": excerpt(item.shown), "no_response": item.no_response,
                "judged": judged_at(known, row, criteria), "n_humans": {name: int(known.n_humans[name][row]) for name in criteria},
                "apart": {name: _told(known.apart[name][row]) for name in criteria},
            }
            for row, item in zip(shown.tolist(), items_at(self._run, known, shown), strict=True)
        ]  # fmt: skip
        return self._browsed(
            "items.html.jinja", known, choice=choice, options=options_of(known), cards=cards, n=len(rows), n_all=len(known.facts),
            first=(page - 1) * PAGE + 1, page=page, n_pages=n_pages,
        )  # fmt: skip

    def item(self, request: Request) -> Response:
        """One item with all that is known of it, between its neighbours among those chosen."""
        known = self._knowing.get()
        choice = Choice.of(request.query_params, known)
        row = known.row(request.query_params.get("id", ""))
        rows = chosen_rows(self._run, known, choice)
        (places,) = np.nonzero(rows == row)
        place = int(places[0]) if len(places) else None
        (item,) = items_at(self._run, known, np.array([row]))
        around = {} if place is None else {"previous": place - 1, "next": place + 1}
        neighbours = {
            name: choice.address("/item", id=known.facts.ids_of(rows[[at]])[0])
            for name, at in around.items()
            if 0 <= at < len(rows)
        }
        back = choice.address("/", page=place // PAGE + 1 if place else 1)
        return self._browsed(
            "item.html.jinja", known, choice=choice, item=item, place=place, n=len(rows), neighbours=neighbours, back=back,
            populations=list(populations_of(known, row)), meta={name: _plain(value) for name, value in item.meta.items()},
            ratings=ratings_of(self._run, known, item.item_id), apart={name: _told(known.apart[name][row]) for name in known.scales},
            n_arms=len(arms_beside(known, row)),
        )  # fmt: skip

    def arms(self, request: Request) -> Response:
        """All arms of an item's scenario."""
        known = self._knowing.get()
        choice = Choice.of(request.query_params, known)
        asked = request.query_params.get("id", "")
        rows = arms_beside(known, known.row(asked))
        shown = rows[:MOST_ARMS]
        cards = [
            {
                "item": item, "name": arm_name(item), "address": choice.address("/item", id=item.item_id),
                "judged": judged_at(known, row, known.scales),
            }
            for row, item in zip(shown.tolist(), items_at(self._run, known, shown), strict=True)
        ]  # fmt: skip
        return self._browsed(
            "arms.html.jinja", known, cards=cards, n=len(rows), asked=asked, back=choice.address("/item", id=asked)
        )

    def start(self, _: Request) -> Response:
        """Who is going to rate, and how many items."""
        out = sample_out(self._run)
        return self._start(out, self._prefilled.rater, dict(self._prefilled.attributes), "")

    def begin(self, fields: Mapping[str, str]) -> Response:
        """Keep who rates, and show the first item."""
        rater = fields.get("rater", "").strip()
        named = [(fields.get(f"key-{k}", "").strip(), fields.get(f"value-{k}", "").strip()) for k in range(len(fields))]
        attributes = {name: value for name, value in named if name}
        n, allocation = fields.get("n", str(USUAL_SAMPLE)), fields.get("allocation", "equal")
        try:
            if not (n.isascii() and n.isdigit()) or len(n) > 9:
                raise InputError(f"the number of items is '{n}'. Expected a whole number")
            if allocation not in get_args(Allocation):
                raise InputError(f"the split is '{allocation}'. Expected one of: {', '.join(get_args(Allocation))}")
            start_rating(self._run, rater, attributes, int(n), allocation)  # type: ignore[arg-type]  # it was looked up just above
        except InputError as error:
            return self._start(sample_out(self._run), rater, attributes, str(error))
        return _go("/rate/item", rater=rater)

    def task(self, request: Request) -> Response:
        """The next item that the rater has not answered, or the task that the address names, or that all are done."""
        rater, out = request.query_params.get("rater", ""), sample_out(self._run)
        if out is None or not rater:
            return _go("/rate")
        done = answered_by(self._run, out, rater)
        task = request.query_params.get("task") or next((task for task in out.tasks if task not in done), None)
        if task is None:
            return self._rated("rate_done.html.jinja", out=out, rater=rater, run=self._run)
        return self._task(out, task, rater, done, {}, {})

    def answer(self, fields: Mapping[str, str]) -> Response:
        """Keep the answers of one item, and show the next."""
        rater, task, out = fields.get("rater", ""), fields.get("task", ""), sample_out(self._run)
        if out is None:
            return _go("/rate")
        answers, problems = read_answers(out.rubric.criteria, fields)
        if fields.get("action") == "skip":
            save_answers(self._run, out.number, task, rater, None)
        elif problems:
            return self._task(out, task, rater, answered_by(self._run, out, rater), fields, problems)
        else:
            save_answers(self._run, out.number, task, rater, answers)
        return _go("/rate/item", rater=rater)

    def close(self, fields: Mapping[str, str]) -> Response:
        """Let the next sample be drawn."""
        number = fields.get("number", "")
        close_sample(self._run, int(number) if number.isascii() and number.isdigit() else 0)
        return _go("/rate")

    def sent(self, answer: Callable[[Mapping[str, str]], Response]) -> Callable[[Request], Awaitable[Response]]:
        """What answers a form: only one of this server's own pages, and one form at a time."""

        def answer_in_turn(fields: Mapping[str, str]) -> Response:
            with self._writing:
                return answer(fields)

        async def answer_form(request: Request) -> Response:
            body = (await request.body()).decode("utf-8", "replace")
            fields = dict(parse_qsl(body, keep_blank_values=True))
            if not self._keys.is_own_form(fields):
                raise HTTPException(
                    403, "This form was not sent from a page of this server. Go back, load the page again, and send it again."
                )
            return await run_in_threadpool(answer_in_turn, fields)

        return answer_form

    def failed(self, request: Request, error: JudgefairError) -> Response:
        """What cannot be done, in words."""
        return self._told(request, str(error), 400)

    def not_there(self, request: Request, error: HTTPException) -> Response:
        """An address that is none, or a form that is not ours."""
        return self._told(request, error.detail, error.status_code)

    def _told(self, request: Request, message: str, status: int) -> Response:
        is_bare = request.url.path.startswith(BESIDE_RATING)
        return self._page("told.html.jinja", status, message=message, is_bare=is_bare, title="This cannot be shown")

    def _start(self, out: Out | None, rater: str, attributes: dict[str, str], problem: str) -> Response:
        rubric_to_rate(self._run)
        rows = [*attributes.items(), *[("", "")] * SPARE_ATTRIBUTES]
        return self._rated(
            "rate_start.html.jinja", 400 if problem else 200, out=out, rater=rater, attributes=rows, problem=problem, usual=USUAL_SAMPLE
        )  # fmt: skip

    def _task(
        self, out: Out, task: str, rater: str, done: set[str], given: Mapping[str, str], problems: Mapping[str, str]
    ) -> Response:
        item, order = task_shown(self._run, out, task), list(out.tasks)
        before = order[order.index(task) - 1] if order.index(task) else None
        return self._rated(
            "rate_item.html.jinja", 422 if problems else 200, out=out, task=task, rater=rater, n_done=len(done), n=len(order),
            query=item.query, responses=_responses(item), given=given, problems=problems,
            before=None if before is None or before not in done else f"/rate/item?{urlencode({'rater': rater, 'task': before})}",
        )  # fmt: skip

    def _browsed(self, template: str, known: Known, **what: Any) -> Response:
        return self._page(template, known=known, run=self._run, is_bare=False, no_humans=NO_HUMANS.get(known.labels, ""), **what)

    def _rated(self, template: str, status: int = 200, **what: Any) -> Response:
        return self._page(template, status, is_bare=True, **what)

    def _page(self, template: str, status: int = 200, **what: Any) -> Response:
        page = self._templates.get_template(template).render(token=self._keys.form_token, **what)
        return HTMLResponse(printable(page).encode("utf-8", "replace"), status)


def _go(path: str, **to: str) -> Response:
    return RedirectResponse(f"{path}?{urlencode(to)}" if to else path, 303)


def _responses(item: Item) -> dict[str, str]:
    """What a rater reads beside the query, by what it is."""
    if item.second_response is None:
        return {"Response": item.response}
    return {"First response": item.response, "Second response": item.second_response}


def _told(distance: float) -> str:
    return "" if np.isnan(distance) else f"{distance:.2f}"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
