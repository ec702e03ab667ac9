# SPDX-License-Identifier: Apache-2.0
"""Writes text in which there is nothing to redact, as turns of conversations hold it: prose, lists, code, JSON of tools; one text a line.

    redaction_text.py FILE [--mb N] [--seed N]
"""
import argparse
import json
import random

WORDS = """the a of and to in is that it was for on are as with his they at be this have from or one had by word but not what all were we when your can said
there use an each which she do how their if will up other about out many then them these so some her would make like him into time has look two more write go see
number no way could people my than first water been call who oil its now find long down day did get come made may part over new sound take only little work know place
year live me back give most very after thing our just name good sentence man think say great where help through much before line right too mean old any same tell boy
follow came want show also around form three small set put end does another well large must big even such because turn here why ask went men read need land different
home us move try kind hand picture again change off play spell air away animal house point page letter mother answer found study still learn should key token secret
password account record order ticket customer agent policy refund flight system request response model error value result option update""".split()


def prose(random):
    out = []
    for _ in range(random.randint(3, 9)):
        words = [random.choice(WORDS) for _ in range(random.randint(6, 22))]
        out.append(" ".join(words).capitalize() + random.choice([".", ".", ".", "?", "!", ":"]))
    return " ".join(out)


def code(random):
    lines = []
    for _ in range(random.randint(4, 14)):
        a, b, c = (random.choice(WORDS) for _ in range(3))
        lines.append(random.choice([
            f"def {a}_{b}({c}: str) -> int:", f"    return {a}[{random.randint(0, 99)}] + {b}.{c}()", f"    if {a} == \"{b}\" and {c} is not None:", f"for {a} in range({random.randint(2, 999)}):",
            f"let {a} = try {b}.{c}({random.randint(1, 500)})", f"# {a} {b} {c}", f"import {a}.{b}", f"const {a} = {{ {b}: {random.randint(1, 99)}.{random.randint(0, 9)}, {c}: true }};"]))
    return "```\n" + "\n".join(lines) + "\n```"


def document(random):
    def value(depth):
        if depth > 2 or random.random() < 0.5:
            return random.choice([random.choice(WORDS), random.randint(0, 99_999), random.random() < 0.5, f"2024-0{random.randint(1, 9)}-1{random.randint(0, 9)}", prose(random)])
        if random.random() < 0.4:
            return [value(depth + 1) for _ in range(random.randint(1, 5))]
        return {f"{random.choice(WORDS)}_id": value(depth + 1) for _ in range(random.randint(1, 6))}
    return json.dumps({random.choice(WORDS): value(0) for _ in range(random.randint(2, 6))})


def listing(random):
    return "\n".join(f"{n}. {random.choice(WORDS)} {random.choice(WORDS)}: ${random.randint(1, 900)}.{random.randint(10, 99)} at {random.randint(1, 12)}:{random.randint(10, 59)}" for n in range(1, random.randint(4, 12)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--mb", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    source, written = random.Random(options.seed), 0
    kinds = [prose] * 6 + [code] * 2 + [document] * 2 + [listing]
    with open(options.file, "w", encoding="utf-8") as file:
        while written < options.mb * 1_000_000:
            kind = source.choice(kinds)
            text = kind(source) if kind is document else "\n\n".join(kind(source) for _ in range(source.randint(1, 4)))
            written += len(text.encode())
            file.write(json.dumps({"text": text}) + "\n")


if __name__ == "__main__":
    main()
