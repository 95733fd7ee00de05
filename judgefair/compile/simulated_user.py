"""What does the person in a dialogue say next?"""

from judgefair.compile.text_program import DONE, Output, TextProgram, make_program

MAX_TOKENS = 500
TEMPERATURE = 0.7

_INSTRUCTIONS = """\
A person talks to an assistant. Write the next thing that the person says, and only that.

Pursue what `goal` holds one turn at a time, as people do, going by what the assistant said last. Never state the goal outright,
and never say or hint that the person is played or the conversation made up.
The person knows what `facts` holds and nothing more. Invent no facts: asked for something that `facts` does not say,
the person says that they do not know.
The person shows as `shows` has it; keep to it from turn to turn, and add nothing else about who they are.
Stay with the topic of `goal`, in the language of `conversation`; where that is empty, open it in the language of `goal`.
When the person has got what they came for, or there is nothing more to ask, `done` is yes and `message` a short closing word."""


def simulated_user() -> TextProgram:
    """The program that speaks for a person in a dialogue, with a goal that it does not give away.

    Its slots are `goal`, `facts`, `shows` (how the population shows; empty for a neutral arm) and `conversation` (so far, as
    text); its outputs are `message`, which may be blank where the person is done, and `done`, `yes` or `no`.

    >>> list(simulated_user().schema["properties"])
    ['message', 'done']
    """
    return make_program(
        "simulated_user",
        _INSTRUCTIONS,
        {
            "goal": "what the person wants, kept to themselves",
            "facts": "all that the person knows of the matter",
            "shows": "how the person shows; empty where nothing does",
            "conversation": "what was said so far",
        },
        {
            "message": Output("the next thing that the person says"),
            DONE: Output("whether there is nothing more to ask", ("no", "yes")),
        },
        max_tokens=MAX_TOKENS,
        temperature=TEMPERATURE,
    )
