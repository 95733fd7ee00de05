"""Is the query in the language it was declared in?"""

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

from judgefair.records import Query


def language(queries: Sequence[Query]) -> dict[str, float]:
    """Probability of the declared language among all that py3langid knows; none for a language it does not know.

    Language identifiers find the language of a dialect's writers less often than that of a standard's (Blodgett, Green and
    O'Connor 2016, of African-American English). What this gate rejects is therefore shown by population in the audit, and a
    dialect that it rejects says more of the gate than of the query.
    """
    found = {query.query_id: _probability(query.text, query.language.split("-")[0]) for query in queries}
    return {query_id: probability for query_id, probability in found.items() if probability is not None}


@lru_cache(maxsize=20_000)
def _probability(text: str, language: str) -> float | None:
    return dict(_identifier().rank(text)).get(language)


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
