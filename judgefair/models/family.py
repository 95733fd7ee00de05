"""Of which family is a model, as far as its name tells?"""

import re

_FAMILIES = {
    "OpenAI GPT": r"chatgpt|gpt-?[345](?!all)|gpt-oss|davinci|^o[1-9](?![a-z0-9])",
    "Anthropic Claude": r"claude",
    "Google Gemini": r"gemini",
    "Google Gemma": r"gemma",
    "Meta Llama": r"(?<!o)llama(?!\.cpp)",
    "Alibaba Qwen": r"qwen|qwq",
    "Mistral": r"mi[sx]tral|ministral|magistral|codestral",
    "SmolLM": r"smollm",
    "DeepSeek": r"deepseek",
    "Microsoft Phi": r"(?<![a-z])phi-?[1-9]",
    "xAI Grok": r"(?<![a-z])grok",
    "Cohere Command": r"(?<![a-z])command-(?:r|a|light|nightly)",
    "IBM Granite": r"granite",
    "OLMo": r"olmo",
}
FAMILIES = tuple(_FAMILIES)
SCRIPTED = "scripted"


def family(name: str) -> str | None:
    """The family that a model's name puts it in, such as `Meta Llama`; `scripted` for a stand-in, None where it tells none.

    Of a model that names two, such as one distilled from another, it is the one named first.

    Parameters
    ----------
    name : as requests carry it, with or without the path or the address of who serves it.

    >>> family("gpt-4o-mini"), family("meta-llama/Llama-3.1-8B-Instruct"), family("judge-7")
    ('OpenAI GPT', 'Meta Llama', None)
    """
    if name.startswith("scripted:"):
        return SCRIPTED
    bare = name.partition("@")[0].rpartition("/")[2].lower()
    found = {maker: match.start() for maker, pattern in _FAMILIES.items() if (match := re.search(pattern, bare))}
    return min(found, key=lambda maker: found[maker], default=None)


def shared_family(one: str, other: str) -> str | None:
    """The family that two models' names put both of them in; None where either tells none, or is a stand-in.

    >>> shared_family("gpt-4o-mini", "openai/gpt-5"), shared_family("gpt-4o-mini", "claude-3-haiku"), shared_family("a", "a")
    ('OpenAI GPT', None, None)
    """
    found = family(one)
    return found if found not in (None, SCRIPTED) and found == family(other) else None
