# SPDX-License-Identifier: Apache-2.0
"""Texts of made-up words, drawn as words of a language are: few often, most seldom. Two texts share next to no run of five tokens."""
import unicodedata
from itertools import accumulate

ONSETS = "b br c ch cl d dr f fl g gl gr h j k kl l m n p pl pr qu r s sc sh sk sl sp st str t th tr v w y z".split()
VOWELS = "a e i o u ai ea ee ia io oa ou".split()
ACCENTED = "\u00e9 \u00e8 \u00f6 \u00fc \u00e5 \u00f1 \u00e7o \u00f4 \u0101 \u1ec7".split()
CODAS = "- - - b ck d ft g l ll m n nd nt p r rk rn s sh st t x".replace("-", "").split(" ")

KANJI = [chr(code) for code in range(0x4E00, 0x9FA0)]
KANA = [chr(code) for code in list(range(0x3042, 0x3094)) + list(range(0x30A2, 0x30F5))]
THAI_CONSONANTS, THAI_VOWELS = [chr(code) for code in range(0x0E01, 0x0E2F)], [chr(code) for code in (0x0E30, 0x0E32, 0x0E34, 0x0E35, 0x0E38, 0x0E39)]
THAI_LEADS, THAI_TONES = [chr(code) for code in range(0x0E40, 0x0E45)], ["", "", "\u0e48", "\u0e49"]


class Zipf:
    """Draws from a list, the nth item with a weight of 1 / (n + 20) ** 0.8."""

    def __init__(self, items):
        self.items = items
        self.weights = list(accumulate((n + 20) ** -0.8 for n in range(len(items))))

    def draw(self, rng, count):
        return rng.choices(self.items, cum_weights=self.weights, k=count)


def distinct(make, count):
    made = {}
    while len(made) < count:
        made[make()] = True
    return list(made)


class Writer:
    """A vocabulary of its own by seed. A text is a list of sentences, a sentence a list of words."""

    def __init__(self, rng):
        self.rng, self.fresh_count = rng, 0
        self.latin = Zipf(distinct(self.latin_word, 6_000))
        self.chinese = Zipf(rng.sample(KANJI, 3_000))
        self.japanese = Zipf([character for pair in zip(rng.sample(KANJI, 1_500), KANA * 20) for character in pair])
        self.thai = Zipf(distinct(self.thai_word, 2_500))

    def latin_word(self):
        word = ""
        for _ in range(self.rng.choice((1, 2, 2, 2, 3, 3))):
            vowel = self.rng.choice(ACCENTED) if self.rng.random() < 0.04 else self.rng.choice(VOWELS)
            word += self.rng.choice(ONSETS) + vowel + self.rng.choice(CODAS)
        return word

    def thai_word(self):
        word = ""
        for _ in range(self.rng.choice((2, 3, 3, 4))):
            lead = self.rng.choice(THAI_LEADS) if self.rng.random() < 0.3 else ""
            word += lead + self.rng.choice(THAI_CONSONANTS) + self.rng.choice(THAI_TONES) + ("" if lead else self.rng.choice(THAI_VOWELS))
        return word

    def fresh(self, language="latin"):
        """A word that is nowhere else (in a script without spaces: a scalar that no vocabulary has, by and by)."""
        self.fresh_count += 1
        if language != "latin":
            return chr(0x20000 + self.fresh_count % 0xA000)
        number, word = self.fresh_count, "zz"
        while number:
            number, digit = divmod(number, 21)
            word += "bcdfghjklmnpqrstvwxyz"[digit]
        return word

    def text(self, count, language="latin"):
        """About so many words, exactly so many in all."""
        words, sentences = getattr(self, language).draw(self.rng, count), []
        while words:
            length = min(len(words), self.rng.randint(6, 16))
            sentences.append(words[:length])
            words = words[length:]
        return sentences

    def code(self, lines):
        """Lines of a program: names of made-up words, the frame of a real language."""
        made, rng = [], self.rng

        def name():
            return "_".join(word for word in (unicodedata.normalize("NFD", w).encode("ascii", "ignore").decode() for w in self.latin.draw(rng, 2)))

        while len(made) < lines:
            function, value, other = name(), name(), name()
            made += [f"def {function}({value}, {other}={rng.randrange(100)}):", f"    if {value}.{name()} > {rng.randrange(1000)}:",
                     f"        return {name()}({value}, {other})", f"    for {name()} in {value}.{name()}():", f"        {other} += {name()}[{rng.randrange(9)}]",
                     f"    return {{\"{name()}\": {other}, \"{name()}\": {value}}}", ""]
        return "\n".join(made[:lines])


def rendered(sentences, language="latin"):
    if language == "latin":
        return " ".join(" ".join(words).capitalize() + "." for words in sentences)
    stop = " " if language == "thai" else "\u3002"
    return "".join("".join(words) + stop for words in sentences).strip()
