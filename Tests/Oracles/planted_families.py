# SPDX-License-Identifier: Apache-2.0
"""What is planted: families of conversations that are near each other, or just not, in a way that is known and measured."""
import json
import random
import unicodedata

from planted_text import Writer, rendered
from planted_traffic import MODELS, TOOLS, Conversation
from separation_terms import Turn, first_view, prompt_view, runs, shingles

JACCARDS = (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)
TASKS = ("support-triage", "code-review", "order-agent", "summaries", "travel-desk", "sql-helper")
ENVIRONMENTS = ("production", "production", "production", "staging")

# How many of a thousand conversations belong to which plant; the rest is planted with nothing.
SHARES = {"paraphrase": 240, "boundary": 48, "reordered": 36, "noise": 36, "normal_form": 24, "same_item": 60, "cjk": 60, "code": 36, "short": 36,
          "same_first_turn": 36, "branches": 36, "retries": 24, "template": 60, "heavy_template": 6, "bridge": 27, "contained": 24, "respelled": 18,
          "shared_examples": 6, "greeting": 6, "short_start": 12, "wrapped": 24, "rare_run": 12, "common_run": 22, "covered": 12, "customer": 12}


def overlap(a, b):
    """(Jaccard, containment) of two sets."""
    both = len(a & b)
    return (both / len(a | b) if a or b else 0.0), (both / min(len(a), len(b)) if a and b else 0.0)


class Planter:
    """Makes conversations, a family at a time. `families` says which belong together, and `pairs` which of them are to be compared."""

    def __init__(self, seed):
        self.rng = random.Random(f"planted-1/{seed}")
        self.writer = Writer(random.Random(f"planted-1/{seed}/words"))
        self.systems = [rendered(self.writer.text(self.rng.randint(120, 400))) for _ in range(12)] + [""]
        self.templates = [self.writer.text(60) for _ in range(4)]
        self.conversations, self.plants, self.pairs = [], {}, []

    # Pieces

    def add(self, plant, turns, **given):
        """A conversation of such turns, somewhere: its dialect, model, task and system prompt are drawn unless given."""
        rng = self.rng
        dialect = given.pop("dialect", None) or rng.choice(("openai", "openai", "openai", "anthropic", "anthropic", "gemini", "responses", "converse"))
        given = {"ascii": rng.random() < 0.5, "bare": rng.random() < 0.5, "unordered": rng.random() < 0.3 and dialect != "gemini", **given}
        made = Conversation(f"c{len(self.conversations):05d}", dialect, given.pop("model", None) or rng.choice(MODELS[dialect]),
                            given.pop("task", None) or rng.choice(TASKS), rng.choice(ENVIRONMENTS), given.pop("system", rng.choice(self.systems)), turns, **given)
        self.conversations.append(made)
        self.plants[made.name] = plant
        return made

    def pair(self, plant, a, b, **wanted):
        self.pairs.append({"plant": plant, "a": a.name, "b": b.name, **wanted})

    def answer(self, language="latin"):
        return Turn("assistant", [rendered(self.writer.text(self.rng.randint(10, 60), language), language)])

    def single(self, text):
        return [Turn("user", [text]), self.answer()]

    def prose(self, least=60, most=220, language="latin"):
        return self.writer.text(self.rng.randint(least, most), language)

    def call(self):
        rng = self.rng
        if rng.random() < 0.15:
            return "list_tickets", "{}"
        query = " ".join(self.writer.latin.draw(rng, 2))
        limit = rng.choice(("7.0", "1e1", "25", "0.50"))
        return rng.choice(list(TOOLS)), f'{{"query":"{query}","limit":{limit},"exact":{rng.choice(("true", "false"))}}}'

    def result(self):
        """What a tool gives: prose, lines, lines in Chinese, or an object."""
        kind, lines = self.rng.random(), [self.prose(8, 30) for _ in range(self.rng.randint(3, 5))]
        if kind < 0.4:
            return rendered(self.prose(20, 120))
        if kind < 0.6:
            return "\n".join(map(rendered, lines))
        if kind < 0.8:
            return "\n".join(rendered(self.prose(20, 40, "chinese"), "chinese") for _ in lines)
        return json.dumps({"rows": list(map(rendered, lines)), "count": len(lines)}, ensure_ascii=False, separators=(",", ":"))

    def agent(self, first, rounds):
        """Turns as of an agent: a user asks, tools are called, it answers; over and over."""
        turns = []
        for number in range(rounds):
            turns.append(Turn("user", [first if number == 0 else rendered(self.prose(8, 60))]))
            for _ in range(self.rng.choice((0, 0, 1, 1, 2, 3))):
                calls = [self.call() for _ in range(self.rng.choice((1, 1, 1, 2)))]
                said = rendered(self.writer.text(8)) if self.rng.random() < 0.4 else ""
                turns.append(Turn("assistant", [said] if said else [], calls))
                turns += [Turn("tool", [self.result()]) for _ in calls]
            turns.append(self.answer())
        return turns

    def chat(self, texts):
        return [turn for text in texts for turn in (Turn("user", [text]), self.answer())]

    # Plants; each makes one family.

    def plain(self, number):
        kind = self.rng.random()
        first = self.writer.code(self.rng.randint(12, 30)) if kind < 0.15 else rendered(self.prose(40, 260))
        turns = self.agent(first, self.rng.randint(1, 4))
        if self.rng.random() < 0.15:
            turns[0].texts = [turns[0].text, rendered(self.prose(20, 60))]
        self.add("plain", turns)

    def paraphrase(self, number):
        wanted = JACCARDS[number % len(JACCARDS)]
        parts = [self.prose(50, 160) for _ in range(1 if number % 2 else 3)]
        changed = self.substituted(parts, wanted)
        a = self.add("paraphrase", self.chat([rendered(part) for part in parts]))
        b = self.add("paraphrase", self.chat([rendered(part) for part in changed]))
        self.pair("paraphrase", a, b, wanted=wanted)

    def substituted(self, parts, wanted, language="latin"):
        """The parts with words replaced, one at a time, until their shingles together have the wanted Jaccard index, as nearly as can be."""
        words = [list(map(list, part)) for part in parts]
        before = self.shingled(words, language)
        places = [(p, s, w) for p, part in enumerate(words) for s, sentence in enumerate(part) for w in range(len(sentence))]
        self.rng.shuffle(places)
        for p, s, w in places:
            jaccard = overlap(before, self.shingled(words, language))[0]
            if jaccard <= wanted + 0.004:
                break
            old, words[p][s][w] = words[p][s][w], self.writer.fresh(language)
            if overlap(before, self.shingled(words, language))[0] < wanted - 0.004:
                words[p][s][w] = old
        return words

    def shingled(self, parts, language):
        return shingles(prompt_view([Turn("user", [rendered(part, language)]) for part in parts]))

    def boundary(self, number):
        """Just half of the smaller one's shingles, or one fewer: of even and odd sizes, equal and unequal ones."""
        count = self.rng.randint(40, 121)  # shingles of the smaller one; tokens are four more
        other = count + self.rng.choice((0, 0, 1, 7, 60, 200))
        shared = (count + 1) // 2 - number % 2
        words = [self.writer.fresh() for _ in range(count + 4)]
        kept = words[:shared + 4]
        before = [self.writer.fresh() for _ in range(self.rng.choice((0, 9)))]
        rest = [self.writer.fresh() for _ in range(other + 4 - len(kept) - len(before))]
        made = [self.add("boundary", self.single(" ".join(text))) for text in self.rng.sample((words, before + kept + rest), 2)]
        self.pair("boundary", *made, wanted_shared=shared, wanted_of=[count, other])

    def reordered(self, number):
        text = self.prose(80, 240)
        other = list(text)
        self.rng.shuffle(other)
        self.twins("reordered", rendered(text), rendered(other))

    def twins(self, plant, text, other, **given):
        a, b = self.add(plant, self.single(text)), self.add(plant, self.single(other), **given)
        self.pair(plant, a, b)
        return a, b

    def noise(self, number):
        text = rendered(self.prose())
        gaps = (" ", "  ", "\n", "\r\n", "\t", "\u00a0", "\u2003", " \n\n ")
        other = self.rng.choice(("", " ", "\n\n")) + "".join(self.rng.choice(gaps) if letter == " " else letter for letter in text) + self.rng.choice(("", "\r\n"))
        case = number % 3
        self.twins("noise", text, other if case == 0 else other.upper() if case == 1 else other.swapcase())

    def normal_form(self, number):
        text = rendered(self.prose(80, 200)) if number % 2 else rendered(self.writer.text(90, "japanese"), "japanese")
        self.twins("normal_form", unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text))

    def same_item(self, number):
        """One item asked under two or three tasks, models, dialects and system prompts."""
        text = rendered(self.prose())
        if number % 2:
            turns = self.agent(text, 2)
            made = [self.add("same_item", turns[:-1] + [self.answer()], dialect=dialect, task=task)
                    for dialect, task in zip(("openai", "anthropic", "gemini"), self.rng.sample(TASKS, 3))]
        else:
            made = [self.add("same_item", self.single(text), task=task) for task in self.rng.sample(TASKS, 2)]
        for other in made[1:]:
            self.pair("same_item", made[0], other)

    def cjk(self, number):
        language = ("chinese", "japanese", "thai")[number % 3]
        count = 30 if language == "thai" else 120
        parts = [self.writer.text(count, language)]
        wanted = JACCARDS[number // 3 % len(JACCARDS)]
        a = self.add("cjk", self.chat([rendered(part, language) for part in parts]))
        b = self.add("cjk", self.chat([rendered(part, language) for part in self.substituted(parts, wanted, language)]))
        self.pair("cjk", a, b, wanted=wanted, language=language)

    def code(self, number):
        text = self.writer.code(self.rng.randint(14, 40))
        names = sorted(set(text.replace("(", " ").replace(")", " ").split()))
        other = text
        for name in self.rng.sample([name for name in names if "_" in name and name.replace("_", "").isalpha()], min(4, len(names) // 8)):
            other = other.replace(name, self.writer.fresh())
        self.twins("code", text, other.replace("    ", "\t"))

    def short(self, number):
        """Fewer than 20 tokens; every third one is among a few that all say the same."""
        stock = ("Yes, please do it.", "Continue", "no", "\U0001f44d", "What changed since last time?")
        text = stock[number // 3 % len(stock)] if number % 3 == 0 else rendered(self.writer.text(self.rng.randint(1, 19)))
        self.add("short", self.single(text))

    def short_start(self, number):
        """A greeting, then what it is about: the first view is short."""
        self.add("short_start", self.chat(["Hello there!", rendered(self.prose()), rendered(self.prose())]))

    def same_first_turn(self, number):
        text, system = rendered(self.prose(40, 90)), self.rng.choice(self.systems)
        a, b = (self.add("same_first_turn", self.agent(text, 3), system=system) for _ in range(2))
        self.pair("same_first_turn", a, b)

    def branches(self, number):
        """An answer made anew, or a question put otherwise and gone on from."""
        turns = self.agent(rendered(self.prose()), 3)
        made = self.add("branches", turns)
        for _ in range(self.rng.randint(1, 2)):
            at = self.rng.choice([at for at, turn in enumerate(turns) if turn.role == "assistant" and not turn.calls])
            if number % 2:
                made.branches.append(turns[:at] + [self.answer()])
            else:
                before = max(back for back in range(at) if turns[back].role == "user")
                made.branches.append(turns[:before] + self.agent(rendered(self.prose(20, 60)), 2))

    def retries(self, number):
        turns = self.agent(rendered(self.prose()), 2)
        places = [at for at, turn in enumerate(turns) if turn.role == "assistant"]
        self.add("retries", turns, retries={at: self.rng.choice((["error"], ["cut"], ["again"], ["error", "cut", "error"])) for at in self.rng.sample(places, 1)})

    def template(self, number):
        """A paragraph that many user turns share, a fourth of each or so."""
        shared = rendered(self.templates[number % len(self.templates)])
        self.add("template", self.single(shared + "\n\n" + rendered(self.prose(170, 320))), task=TASKS[number % len(self.templates)])

    def heavy_template(self, number):
        """One that is most of the turn: all of these are near each other."""
        shared = rendered(self.templates[0]) + "\n" + rendered(self.templates[1])
        made = [self.add("heavy_template", self.single(shared + "\n" + rendered(self.prose(20, 60)))) for _ in range(6)]
        for other in made[1:]:
            self.pair("heavy_template", made[0], other)

    def bridge(self, number):
        """Two strangers, and a third that is near both."""
        one, two = self.prose(70, 90), self.prose(70, 90)
        a, b = self.add("bridge", self.single(rendered(one))), self.add("bridge", self.single(rendered(two)))
        c = self.add("bridge", self.single(rendered(one + two)))
        self.pair("bridge", a, c)
        self.pair("bridge", b, c)
        self.pair("bridge", a, b)

    def contained(self, number):
        """A whole prompt within a much longer one: a small Jaccard index, and all of the smaller one."""
        inner = rendered(self.prose(40, 70))
        a = self.add("contained", self.single(inner))
        before, after = rendered(self.prose(200, 400)), rendered(self.prose(200, 400))
        turns = self.single(before + "\n> " + inner + "\n" + after) if number % 2 else self.chat([before, inner, after])
        self.pair("contained", a, self.add("contained", turns))

    def respelled(self, number):
        """Arguments that come back in the history as another library writes them."""
        turns = []
        while not any(turn.calls for turn in turns[:-2]):
            turns = self.agent(rendered(self.prose()), 3)
        self.add("respelled", turns, dialect="openai", respelled=True)

    def shared_examples(self, number):
        """Turns of examples before the real question: the first user turn is the same everywhere."""
        examples = self.chat([rendered(self.prose(20, 40)) for _ in range(2)])
        system = self.rng.choice(self.systems)
        made = [self.add("shared_examples", examples + self.single(rendered(self.prose())), system=system) for _ in range(6)]
        for other in made[1:]:
            self.pair("shared_examples", made[0], other)

    def greeting(self, number):
        """The assistant speaks first, always with the same words: strangers that share a node."""
        opening, system = Turn("assistant", [rendered(self.writer.text(9))]), self.rng.choice(self.systems)
        made = [self.add("greeting", [opening] + self.agent(rendered(self.prose()), 2), dialect="openai", system=system) for _ in range(6)]
        for other in made[1:]:
            self.pair("greeting", made[0], other)

    def wrapped(self, number):
        """One result as it is, as JSON in a text with every letter escaped that can be, and as an object in two APIs."""
        first, call, question = rendered(self.prose(8, 14)), self.call(), rendered(self.prose(8, 14))
        result = "\n".join(rendered(self.prose(20, 40, "chinese"), "chinese") + " " + rendered(self.prose(10, 20)) for _ in range(4))
        whole = {"content": result, "is_whole": True}

        def asked(text):
            return [Turn("user", [rendered(self.prose(5, 8)) + " " + first]), Turn("assistant", [], [call]), Turn("tool", [text]), self.answer(),
                    Turn("user", [question]), self.answer()]

        plain = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
        texts = (("openai", result), ("openai", json.dumps(whole)), ("openai", json.dumps({"page": json.dumps(whole), "of": 1})), ("gemini", plain),
                 ("converse", plain), ("gemini", result))
        made = [self.add("wrapped", asked(text), dialect=dialect, ascii=at % 2 == 1) for at, (dialect, text) in enumerate(texts)]
        for other in made[1:]:
            self.pair("wrapped", made[0], other)

    def shared_runs(self, plant, count, piece, pieces, gap):
        """Strangers that have runs of so many words in common, with words of their own around them."""
        common = [[self.writer.fresh() for _ in range(piece)] for _ in range(pieces)]

        def asked():
            words = [self.writer.fresh() for _ in range(gap)]
            for run in common:
                words += run + [self.writer.fresh() for _ in range(gap)]
            return self.single(" ".join(words))

        made = [self.add(plant, asked()) for _ in range(count)]
        for other in made[1:]:
            self.pair(plant, made[0], other)

    def rare_run(self, number):
        """A run of 13 words that two strangers share, and nothing else (G4 alone)."""
        self.shared_runs("rare_run", 2, 13, 1, 40)

    def common_run(self, number):
        """The same in 11 and in 12 conversations: with one of them in training, in 10 or in 11 of eval at most."""
        self.shared_runs("common_run", 11 + number % 2, 13, 1, 40)

    def covered(self, number):
        """Runs of eight words that cover half of a prompt, with fewer than half of its shingles (G4 alone)."""
        self.shared_runs("covered", 2, 8, 9, 6)

    def customer(self, number):
        """Strangers of one customer (a group key, where a recipe groups by it)."""
        made = [self.add("customer", self.single(rendered(self.prose())), metadata={"customer": f"customer-{number}"}) for _ in range(3)]
        for other in made[1:]:
            self.pair("customer", made[0], other)

    def plant(self, count):
        """About so many conversations in all."""
        for plant in sorted(SHARES):
            goal, number = len(self.conversations) + max(1, count * SHARES[plant] // 1000), 0
            while len(self.conversations) < goal:
                getattr(self, plant)(number)
                number += 1
        while len(self.conversations) < count:
            self.plain(0)

    def measured(self, pair):
        """A pair with what was reached: shared shingles, Jaccard index and containment in both views."""
        a, b = (self.conversations[int(pair[end][1:])].turns for end in ("a", "b"))
        said = dict(pair)
        for name, view in (("prompt", prompt_view), ("first", first_view)):
            ours, theirs = shingles(view(a)), shingles(view(b))
            jaccard, containment = overlap(ours, theirs)
            said[name] = {"shared": len(ours & theirs), "of": [len(ours), len(theirs)], "jaccard": round(jaccard, 4), "containment": round(containment, 4)}
        for name, length in (("runs_of_13", 13), ("runs_of_8", 8)):
            said[name] = len(set(runs(prompt_view(a), length)) & set(runs(prompt_view(b), length)))
        said["near"] = any(2 * said[name]["shared"] >= min(said[name]["of"]) > 0 for name in ("prompt", "first"))
        return said
