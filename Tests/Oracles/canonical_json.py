# SPDX-License-Identifier: Apache-2.0
"""JSON that keeps the spelling of numbers, and the canonical form of RFC 8785 (JCS). Standard library only."""
import json
import math
import re

MOST_NESTED = 256


class NotCanonical(ValueError):
    """A text that is not JSON, or JSON that RFC 8785 has no form for (I-JSON, RFC 7493)."""


class Number(str):
    """A number as it is spelled."""


def refuse_constant(name):
    raise ValueError(f"{name} is not JSON")


def members(pairs):
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a member's name is there twice")
    return made


STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


def nesting(text):
    """How deep arrays and objects of a JSON text lie in each other."""
    depth = most = 0
    for bracket in re.findall(r"[\[\]{}]", STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        most = max(most, depth)
    return most


def parse(text):
    """Values of a JSON text, numbers as they are spelled; NotCanonical where it is not JSON, is nested too deep or says a name twice."""
    if text.count("[") + text.count("{") > MOST_NESTED and nesting(text) > MOST_NESTED:
        raise NotCanonical(f"nested deeper than {MOST_NESTED}")
    try:
        return json.loads(text, parse_int=Number, parse_float=Number, parse_constant=refuse_constant, object_pairs_hook=members)
    except ValueError as error:
        raise NotCanonical(str(error)) from error


def scalars_of(text):
    """The strings (names of members too) and other values of a JSON object or array as texts, in their order; None of any other text.

    A name may stand twice here: nothing is looked up.
    """
    trimmed = text.strip(" \t\n\r")
    if trimmed[:1] not in ("{", "[") or (trimmed.count("[") + trimmed.count("{") > MOST_NESTED and nesting(trimmed) > MOST_NESTED):
        return None
    try:
        value = json.loads(trimmed, parse_int=Number, parse_float=Number, parse_constant=refuse_constant, object_pairs_hook=tuple)
    except ValueError:
        return None
    found, waiting = [], [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, (list, tuple)):
            waiting += reversed(one)
        elif isinstance(one, str):
            found.append((one, not isinstance(one, Number)))
        else:
            found.append((write(one), False))
    return found


def number(spelled):
    """A number as ECMAScript writes the nearest double (Number::toString)."""
    value = float(spelled)
    if math.isinf(value) or math.isnan(value):
        raise NotCanonical(f"{spelled[:40]} is no double")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = f"{abs(value)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    if fraction == "0":
        fraction = ""
    # value = 0.DIGITS * 10^point
    digits, point = whole + fraction, len(whole) + int(exponent or 0)
    point -= len(digits) - len(digits.lstrip("0"))
    digits = digits.strip("0")
    return sign + placed(digits, point)


def placed(digits, point):
    count = len(digits)
    if count <= point <= 21:
        return digits + "0" * (point - count)
    if 0 < point <= 21:
        return digits[:point] + "." + digits[point:]
    if -6 < point <= 0:
        return "0." + "0" * -point + digits
    power = point - 1
    shown = ("+" if power > 0 else "-") + str(abs(power))
    return digits[0] + ("." + digits[1:] if count > 1 else "") + "e" + shown


SHORT = {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\"}


def string(text):
    out = []
    for character in text:
        code = ord(character)
        if 0xD800 <= code <= 0xDFFF:
            raise NotCanonical("a lone surrogate")
        out.append(SHORT.get(code) or (f"\\u{code:04x}" if code < 32 else character))
    return '"' + "".join(out) + '"'


def write(value):
    """The canonical text of a value of `parse`."""
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, (Number, int, float)):
        return number(value)
    if isinstance(value, str):
        return string(value)
    if isinstance(value, list):
        return "[" + ",".join(write(item) for item in value) + "]"
    names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
    return "{" + ",".join(string(name) + ":" + write(value[name]) for name in names) + "}"


def canonical(text):
    return write(parse(text))
