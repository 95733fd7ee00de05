"""Does a model's name put it in the right family, and in none where it tells none?"""

import pytest

from judgefair.models.embedded import WEIGHTS
from judgefair.models.family import FAMILIES, family
from judgefair.models.stand_ins import SCRIPTS, scripted

NAMES = {
    "OpenAI GPT": ["gpt-4o-mini", "gpt-5", "chatgpt-4o-latest", "o3", "o4-mini", "openai/gpt-oss-20b", "text-davinci-003"],
    "Anthropic Claude": ["claude-3-5-sonnet-20241022", "anthropic.claude-3-haiku-20240307-v1:0"],
    "Google Gemini": ["gemini-1.5-pro", "models/gemini-2.0-flash"],
    "Google Gemma": ["google/gemma-2-9b-it", "gemma3:4b"],
    "Meta Llama": [
        "meta-llama/Llama-3.1-8B-Instruct",
        "us.meta.llama3-1-70b-instruct-v1:0",
        "TinyLlama-1.1B",
        "Hermes-3-Llama-3.1-8B",
    ],
    "Alibaba Qwen": ["Qwen/Qwen2.5-7B-Instruct", "QwQ-32B"],
    "Mistral": ["mistral-large-latest", "mistralai/Mixtral-8x7B-Instruct-v0.1", "ministral-8b", "open-mixtral-8x22b"],
    "SmolLM": ["SmolLM2-135M-Instruct", "HuggingFaceTB/SmolLM3-3B"],
    "DeepSeek": ["deepseek-chat", "deepseek-ai/DeepSeek-R1-Distill-Llama-8B"],
    "Microsoft Phi": ["microsoft/Phi-3.5-mini-instruct", "phi4"],
    "xAI Grok": ["grok-2-latest"],
    "Cohere Command": ["command-r-plus", "command-a-03-2025"],
    "IBM Granite": ["ibm-granite/granite-3.1-8b-instruct"],
    "OLMo": ["allenai/OLMo-2-1124-7B-Instruct"],
}


@pytest.mark.parametrize(("expected", "name"), [(maker, name) for maker, names in NAMES.items() for name in names])
def test_a_name_tells_its_family_in_any_spelling(expected: str, name: str) -> None:
    assert (
        family(name) == family(name.upper()) == family(f"served/by/{name}") == family(f"{name}@http://127.0.0.1:1/v1") == expected
    )


def test_every_family_has_a_name_here() -> None:
    assert set(NAMES) == set(FAMILIES)


@pytest.mark.parametrize(
    "name", ["judge-7", "", "gpt4all-j", "gpt-neo-2.7B", "dolphin-2.9", "ollama", "llama.cpp", "model.gguf", "foo1"]
)
def test_a_name_that_tells_nothing_is_of_no_family(name: str) -> None:
    assert family(name) is None


def test_stand_ins_are_a_family_of_their_own() -> None:
    assert {family(scripted(name).name) for name in SCRIPTS} == {"scripted"}


def test_the_embedded_model_has_a_family() -> None:
    assert family(WEIGHTS.name) == "SmolLM"
