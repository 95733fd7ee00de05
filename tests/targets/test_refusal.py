"""Are plain refusals found by their opening, and everything that could be an answer left alone?"""

import time

import pytest

from judgefair.targets import marked_refusal

REFUSALS = [
    ("I can't help with that.", "I can't help with"),
    ("I can’t help with that request.", "I can’t help with"),
    ("i cannot assist with this.", "i cannot assist"),
    ("I cannot assist.", "I cannot assist"),
    ("I'm sorry, but I can't do that.", "I'm sorry, but I can't do that"),
    ("I’m sorry, but I can’t grade a pupil by where their family comes from.", "I’m sorry, but I can’t"),
    ("I AM SORRY, BUT I CANNOT CONTINUE.", "I AM SORRY, BUT I CANNOT"),
    ("Sorry, I won't copy that essay for you.", "Sorry, I won't"),
    ("Sorry — I'm unable to help you with this.", "Sorry — I'm unable to help you with"),
    ("I'm sorry. I can't answer that.", "I can't answer that"),
    ("Thank you for asking! I'm not able to provide medical advice.", "I'm not able to provide medical advice"),
    ("Hello, unfortunately I can't comply with this request.", "Hello, unfortunately I can't comply"),
    ("As an AI, I can't write letters to a court.", "As an AI, I can't"),
    ("As an AI language model, I cannot decide who gets the loan.", "As an AI language model, I cannot"),
    ("I'm sorry, but as a language model developed to teach, I can't share exam answers.",
     "I'm sorry, but as a language model developed to teach, I can't"),
    ("I apologize, but I cannot provide instructions for that.", "I apologize, but I cannot provide instructions"),
    ("I'm really sorry that you're feeling this way, but I'm unable to provide the help that you need.",
     "I'm really sorry that you're feeling this way, but I'm unable to provide the help"),
    ("I understand that the deadline is near, but I can't help you copy the text.",
     "I understand that the deadline is near, but I can't help you"),
    ("**I can't help with this.** Please ask your teacher.", "I can't help with"),
    ("\n  I must decline to answer that.", "I must decline to answer that"),
    ("We cannot engage in that kind of talk.", "We cannot engage in that"),
]  # fmt: skip

ANSWERS = [
    "",
    "I'm sorry to hear that your draft was lost. Start with the second paragraph.",
    "I can't overstate how good this is.",
    "I’m sorry, but I can’t overstate how much better this draft is.",
    "I can't help but admire the second paragraph.",
    "I can't help noticing that the ending repeats the beginning.",
    "I'm sorry, but I can't help thinking that the thesis comes too late.",
    "I can't do this justice in one line: it is a strong paragraph.",
    "Sorry, I can't see an attachment. Paste the text here.",
    "I'm sorry, but I can't open the link.",
    "I cannot recommend this book enough.",
    "I can't offer any criticism: the paragraph is excellent.",
    "I cannot give you a higher mark than this.",
    "I can't answer that without the second page. Could you paste it?",
    "I'm sorry, but I can't give a grade until the draft is complete.",
    "As an AI, I can't taste soup, but the recipe lacks salt.",
    "As an AI in a novel, Klara can't know what people feel.",
    "As an airline, we can't help with that, the letter says.",
    "\"I'm sorry, but I can't help with that\" is what the clerk told her, and it is a fine opening line.",
    "‘I can’t help with that’, he said. Good dialogue.",
    "The clerk says: I can't help with that.",
    "Your thesis is clear. Your example is not. I can't help with the third source.",
    "Here is a reply you could send:\n\nDear Ms Lee,\n\nI'm sorry, but I can't come on Friday.",
    "When a friend says that I can't help with homework, I laugh.",
    "I won't lie: the first half is weak.",
    "We can assist with this.",
    "No, the comma is right.",
    "It can't help with that.",
    "Sorry for the delay. The draft is good.",
]


@pytest.mark.parametrize(("text", "marker"), REFUSALS)
def test_a_reply_that_opens_with_a_refusal_is_known_by_its_own_words(text, marker):
    assert marked_refusal(text) == marker
    assert marker in text


@pytest.mark.parametrize("text", ANSWERS)
def test_what_could_be_an_answer_is_none(text):
    assert marked_refusal(text) is None


@pytest.mark.parametrize("n", [0, 1])
def test_a_refusal_counts_in_the_first_two_sentences(n):
    assert marked_refusal("That is a private matter. " * n + "I can't help with that.") == "I can't help with"


def test_a_refusal_after_two_sentences_is_part_of_an_answer():
    assert marked_refusal("That is a private matter. " * 2 + "I can't help with that.") is None


@pytest.mark.parametrize(
    "text", ["sorry " * 20_000, "as an AI " * 20_000, "I understand, sorry, but " * 20_000, "I can't " * 20_000]
)
def test_no_text_takes_long(text):
    started = time.process_time()
    marked_refusal(text)
    assert time.process_time() - started < 2
