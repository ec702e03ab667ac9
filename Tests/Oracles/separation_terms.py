# SPDX-License-Identifier: Apache-2.0
"""The terms of notebooks-docs/separation.md, word by word: N1, canonical turns, chain, nodes, prompt key, tokens, views, shingles.

Written from that page alone; nothing of Weir's own code was looked at or is used.
"""
import hashlib
import re
import unicodedata
from dataclasses import dataclass, field

from canonical_json import NotCanonical, canonical, scalars_of

LEAST_EVAL_TOKENS = 20

# The property White_Space of Unicode, whole; `str.isspace` has four more.
WHITE_SPACE = "\t\n\x0b\x0c\r \x85\u00a0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
WHITE_RUN = re.compile(f"[{WHITE_SPACE}]+")

# Scripts that are written without spaces.
ALONE = [(0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3040, 0x30FF), (0x31F0, 0x31FF), (0x3400, 0x4DBF),
         (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0xFF66, 0xFF9F), (0x20000, 0x3FFFF)]


@dataclass
class Turn:
    """A role, texts in order, and calls of tools as (name, arguments as a text)."""

    role: str
    texts: list = field(default_factory=list)
    calls: list = field(default_factory=list)

    @property
    def text(self):
        return "\n".join(self.texts)


def n1(text):
    text = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    return WHITE_RUN.sub(" ", text).strip(" ")


def canonical_arguments(text):
    if not text.strip(" \t\n\r"):
        return "{}"
    try:
        return canonical(text)
    except NotCanonical:
        return n1(text)


def canonical_turn(turn):
    parts = [turn.role, n1(turn.text)]
    for name, arguments in turn.calls:
        parts += [name, canonical_arguments(arguments)]
    encoded = [part.encode() for part in parts]
    return b"".join(len(part).to_bytes(8, "big") + part for part in encoded)


def answer_index(turns):
    """Where the answer is: the last turn, if it is the assistant's; None in a row that ends otherwise."""
    return len(turns) - 1 if turns and turns[-1].role == "assistant" else None


def prompt(turns):
    at = answer_index(turns)
    return turns if at is None else turns[:at]


def chain(turns):
    """h(0) ... h(n)."""
    links = [hashlib.sha256(b"weir-chain-1").digest()]
    for turn in turns:
        links.append(hashlib.sha256(links[-1] + canonical_turn(turn)).digest())
    return links


def nodes(turns):
    links, found = chain(turns), set()
    for k in range(1, len(turns) + 1):
        is_assistants = turns[k - 1].role == "assistant"
        is_before = k < len(turns) and turns[k].role == "assistant"
        has_user = any(turn.role == "user" for turn in turns[:k])
        if has_user and (is_assistants or is_before or k == len(turns)):
            found.add(links[k])
    return found


def prompt_key(turns):
    return hashlib.sha256(b"".join(canonical_turn(turn) for turn in prompt(turns) if turn.role != "system")).digest()


def kind(scalar):
    """How a scalar is told apart: "alone", "digit", "run" or "end"."""
    code = ord(scalar)
    if any(first <= code <= last for first, last in ALONE):
        return "alone"
    category = unicodedata.category(scalar)
    if category == "Nd":
        return "digit"
    return "run" if category[0] in "LMN" else "end"


def tokens(text, known={}):
    made, run = [], []

    def end():
        if run:
            made.append("".join(run))
            run.clear()

    for original in unicodedata.normalize("NFC", text):
        for scalar in original.lower():
            what = known.get(scalar)
            if what is None:
                what = known[scalar] = kind(scalar)
            if what == "run":
                run.append(scalar)
            elif what == "digit":
                run.append("0")
            else:
                end()
                if what == "alone":
                    made.append(scalar)
    end()
    return made


def tool_tokens(text):
    """The tokens of what a tool gave: of JSON those of its strings, escapes undone, and of its other values, in their order."""
    made, waiting = [], [(text, True)]
    while waiting:
        one, is_string = waiting.pop()
        inside = scalars_of(one) if is_string else None
        if inside is None:
            made += tokens(one.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
        else:
            waiting += reversed(inside)
    return made


def prompt_view(turns):
    read = {"user": tokens, "tool": tool_tokens}
    return [token for turn in prompt(turns) if turn.role in read for token in read[turn.role](turn.text)]


def first_view(turns):
    """The tokens of the first user turn."""
    return next((tokens(turn.text) for turn in turns if turn.role == "user"), [])


def runs(view, length):
    """Every run of so many tokens, in order; a token holds no space, so that the joined text says which they are."""
    return [" ".join(view[at:at + length]) for at in range(len(view) - length + 1)]


def shingles(view):
    if not view:
        return set()
    return set(runs(view, 5)) if len(view) >= 5 else {" ".join(view)}
