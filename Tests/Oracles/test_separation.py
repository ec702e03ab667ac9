# SPDX-License-Identifier: Apache-2.0
"""The checker itself, held against examples worked out by hand, RFC 8785's own, and a second program of a few lines.

    python3 -m unittest discover -s Tests/Oracles
"""
import contextlib
import hashlib
import importlib.util
import io
import json
import os
import random
import struct
import tempfile
import unittest

import canonical_json
import separation_check
import separation_rows
import separation_terms as terms
from separation_terms import Turn


def conversation(*said):
    """Turns of texts: user and assistant in turns."""
    return [Turn("assistant" if at % 2 else "user", [text]) for at, text in enumerate(said)]


def words(first, count):
    return " ".join(f"w{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(first, first + count))


def row(turns, strict=True, number=1, keys=()):
    return separation_check.Row(turns, "f", number, keys, strict)


def rules(train, *tests, strict=True):
    checked = separation_check.Separation([row(test) for test in tests], strict)
    return [(rule, view) for _, rule, view, _ in checked.violations(row(train))]


class CanonicalJSONTests(unittest.TestCase):
    def test_numbers_are_those_of_appendix_b(self):
        table = """0000000000000000 0|8000000000000000 0|0000000000000001 5e-324|8000000000000001 -5e-324
            7fefffffffffffff 1.7976931348623157e+308|ffefffffffffffff -1.7976931348623157e+308|4340000000000000 9007199254740992
            c340000000000000 -9007199254740992|4430000000000000 295147905179352830000|44b52d02c7e14af5 9.999999999999997e+22
            44b52d02c7e14af6 1e+23|44b52d02c7e14af7 1.0000000000000001e+23|444b1ae4d6e2ef4e 999999999999999700000
            444b1ae4d6e2ef4f 999999999999999900000|444b1ae4d6e2ef50 1e+21|3eb0c6f7a0b5ed8c 9.999999999999997e-7
            3eb0c6f7a0b5ed8d 0.000001|41b3de4355555553 333333333.3333332|41b3de4355555554 333333333.33333325
            41b3de4355555555 333333333.3333333|41b3de4355555556 333333333.3333334|41b3de4355555557 333333333.33333343
            becbf647612f3696 -0.0000033333333333333333|43143ff3c1cb0959 1424953923781206.2"""
        for pair in table.replace("\n", "|").split("|"):
            bits, wanted = pair.split()
            value = struct.unpack(">d", bytes.fromhex(bits))[0]
            self.assertEqual(canonical_json.number(repr(value)), wanted)

    def test_spellings_of_one_number_are_one(self):
        for spelled, wanted in [("1.0", "1"), ("10e-1", "1"), ("-0", "0"), ("-0.0", "0"), ("1E3", "1000"), ("9007199254740993", "9007199254740992"),
                                ("100", "100"), ("0.1e1", "1"), ("123456789012345678901", "123456789012345680000"), ("1e-7", "1e-7")]:
            self.assertEqual(canonical_json.canonical(spelled), wanted)

    def test_the_examples_of_the_text(self):
        text = r'''{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
            "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}'''
        wanted = '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
        self.assertEqual(canonical_json.canonical(text), wanted)

    def test_names_are_sorted_by_utf_16_units(self):
        text = r'''{"\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
            "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis"}'''
        found = list(json.loads(canonical_json.canonical(text)).values())
        self.assertEqual(found, ["Carriage Return", "One", "Control", "Latin Small Letter O With Diaeresis", "Euro Sign", "Emoji: Grinning Face",
                                 "Hebrew Letter Dalet With Dagesh"])

    def test_what_has_no_form_is_refused(self):
        for text in ["", "{", "01", "NaN", "Infinity", "1e400", '"\\ud800"', '{"a":1,"a":2}', "[" * 300 + "]" * 300, "'a'", "[1,]", "\ufeff1", '"\t"', "\u0661"]:
            with self.assertRaises(canonical_json.NotCanonical, msg=text):
                canonical_json.canonical(text)

    def test_brackets_in_strings_are_not_nesting(self):
        self.assertEqual(canonical_json.canonical('["' + "[" * 300 + '\\"[[["]'), '["' + "[" * 300 + '\\"[[["]')


class TermsTests(unittest.TestCase):
    def test_n1(self):
        self.assertEqual(terms.n1(" a\r\nb\rc\u2003\u00a0d\n"), "a b c d")
        self.assertEqual(terms.n1("e\u0301"), "\u00e9")
        # Separators of files and records are white space to Python, not to Unicode.
        self.assertEqual(terms.n1("a\x1cb\x1f"), "a\x1cb\x1f")
        self.assertEqual(terms.n1("a\u200bb\u180e"), "a\u200bb\u180e")

    def test_tokens(self):
        for text, wanted in [
            ("Hello, World!", ["hello", "world"]), ("room 42B v1.5", ["room", "00b", "v0", "0"]), ("don't", ["don", "t"]),
            ("\u6771\u4eac\u30bf\u30ef\u30fc is 333m", ["\u6771", "\u4eac", "\u30bf", "\u30ef", "\u30fc", "is", "000m"]),
            ("ab\u4e2dcd\u3002ef", ["ab", "\u4e2d", "cd", "ef"]), ("\u0e2a\u0e27\u0e31\u0e51", ["\u0e2a", "\u0e27", "\u0e31", "\u0e51"]),
            ("Stra\u00dfe", ["stra\u00dfe"]), ("\u0130x", ["i\u0307x"]), ("\u03a3\u03a3", ["\u03c3\u03c3"]), ("E\u0301t\u00e9", ["\u00e9t\u00e9"]),
            ("\u0661\u0662 x\u00b2 \u2167", ["00", "x\u00b2", "\u2177"]), ("\ud55c\uad6d\uc5b4 \ub9d0", ["\ud55c\uad6d\uc5b4", "\ub9d0"]),
            ("a_b-c", ["a", "b", "c"]), ("\U0001f600 ok", ["ok"]), ("\U00020000\U00020001x", ["\U00020000", "\U00020001", "x"]), ("", []),
            ("a\u200db", ["a", "b"]), ("\u0915\u094d\u0937", ["\u0915\u094d\u0937"]), ("\uff71\uff9f", ["\uff71", "\uff9f"]),
            ("\u304b\u3099", ["\u304c"]), ("\uf900", ["\u8c48"]),
        ]:
            self.assertEqual(terms.tokens(text), wanted, ascii(text))

    def test_scripts_without_spaces_end_where_they_end(self):
        for span in "e00-eff 1000-109f 1780-17ff 3040-30ff 31f0-31ff 3400-4dbf 4e00-9fff f900-faff ff66-ff9f 20000-3ffff".split():
            first, last = (int(end, 16) for end in span.split("-"))
            self.assertEqual([terms.kind(chr(code)) == "alone" for code in (first - 1, first, last, last + 1)], [False, True, True, False], span)

    def test_canonical_turn_bytes(self):
        turn = Turn("assistant", ["a  b", "c"], [("f", '{"b": 1.0, "a": "x"}'), ("g", " not json ")])
        parts = [b"assistant", b"a b c", b"f", b'{"a":"x","b":1}', b"g", b"not json"]
        self.assertEqual(terms.canonical_turn(turn), b"".join(len(part).to_bytes(8, "big") + part for part in parts))

    def test_nodes_are_where_the_assistant_speaks(self):
        turns = [Turn("system", ["s"]), Turn("user", ["u"]), Turn("assistant", ["a"]), Turn("user", ["v"]), Turn("user", ["w"])]
        h = [hashlib.sha256(b"weir-chain-1").digest()]
        for turn in turns:
            h.append(hashlib.sha256(h[-1] + terms.canonical_turn(turn)).digest())
        self.assertEqual(terms.nodes(turns), {h[2], h[3], h[5]})
        # What is said before a user has asked is no node: a greeting would join every conversation of an application.
        self.assertEqual(terms.nodes([Turn("assistant", ["hello"])]), set())
        greeted = [Turn("assistant", ["hello"]), Turn("user", ["hi"]), Turn("assistant", ["so"])]
        self.assertEqual(terms.nodes(greeted), set(terms.chain(greeted)[2:]))

    def test_prompt_key_leaves_out_system_and_answer(self):
        plain = conversation("a b", "yes")
        self.assertEqual(terms.prompt_key(plain), terms.prompt_key([Turn("system", ["s"])] + conversation("a\n b ", "no")))
        self.assertEqual(terms.prompt_key(plain), terms.prompt_key(conversation("a b")))
        self.assertEqual(terms.prompt_key(plain), hashlib.sha256(terms.canonical_turn(Turn("user", ["a b"]))).digest())
        self.assertNotEqual(terms.prompt_key(plain), terms.prompt_key(conversation("a b", "yes", "c", "d")))

    def test_views(self):
        turns = [Turn("system", ["sys"]), Turn("user", ["one two", "three"]), Turn("assistant", ["x"], [("f", '{"q":1}')]), Turn("tool", ["four"]),
                 Turn("user", ["five"]), Turn("assistant", ["y"])]
        self.assertEqual(terms.prompt_view(turns), ["one", "two", "three", "four", "five"])
        self.assertEqual(terms.first_view(turns), ["one", "two", "three"])
        self.assertEqual(terms.shingles(["a", "b", "c", "d", "e", "f"]), {"a b c d e", "b c d e f"})
        self.assertEqual(terms.shingles(["a", "b"]), {"a b"})
        self.assertEqual(terms.shingles([]), set())


    def test_what_a_tool_gives_is_read_without_its_escapes(self):
        for text, wanted in (
                (r'{"output":"Step\nNext \u4f60\u597d"}', "output step next \u4f60 \u597d"), (' \n["a\\tb", {"k": "x\\u00e9"}] ', "a b k x\u00e9"),
                (r'{"n":[1.50,-2e3,true,false,null]}', "n 0 00 0e0 true false null"),
                (json.dumps({"output": json.dumps({"a": "x\nStep \u4f60", "b": "[1]"})}), "output a x step \u4f60 b 0"),
                (r'{"a":1,"a":"\ud83d\nb","b":"\uD83D\uDE00c"}', "a 0 a b b c"), (r'{"a":"x\nb"', "a x nb"), (r'"x\nb"', "x nb"),
                (r'say {"a":"\nb"}', "say a nb"), ('{"a":"x\ny"}', "a x y"), (r'[NaN,"\nb"]', "nan nb"), (r'[01,"\nb"]', "00 nb"),
                ("[" * 256 + r'"\nb"' + "]" * 256, "b"), ("[" * 257 + r'"\nb"' + "]" * 257, "nb")):
            self.assertEqual(terms.tool_tokens(text), wanted.split(), text)
            turns = [Turn("user", [text]), Turn("tool", [text])]
            self.assertEqual(terms.prompt_view(turns), terms.tokens(text) + wanted.split())
        nested = json.dumps(["\nb"])
        for _ in range(14):
            nested = json.dumps([nested])
        self.assertEqual(terms.tool_tokens(nested), ["b"])

    def test_arguments_that_are_not_there_are_an_empty_object(self):
        for text in ("", " \n\t\r", "{}", " { } "):
            self.assertEqual(terms.canonical_turn(Turn("assistant", [], [("f", text)])), terms.canonical_turn(Turn("assistant", [], [("f", "{}")])))
        self.assertNotEqual(terms.canonical_arguments("\u00a0"), "{}")


class RuleTests(unittest.TestCase):
    def test_one_result_is_one_however_it_was_sent(self):
        text = "\n".join(f"Step {one}: \u4f60\u597d {word}" for one, word in enumerate(words(0, 40).split()))

        def asked(question, result):
            return conversation(question, "") + [Turn("tool", [result])] + [Turn("assistant", ["a"])]

        for wrapped in (json.dumps({"output": text}), json.dumps({"result": json.dumps({"output": text})})):
            self.assertIn(("G3", "prompt"), rules(asked("one", text), asked("two", wrapped)))

    def test_strangers_break_nothing(self):
        self.assertEqual(rules(conversation(words(0, 40), "a"), conversation(words(100, 40), "b")), [])

    def test_half_is_the_bar_exactly(self):
        test = conversation(words(0, 44), "b")  # 40 shingles
        self.assertEqual(rules(conversation(words(0, 24) + " " + words(300, 20), "a"), test, strict=False), [("G3", "prompt"), ("G3", "first")])
        self.assertEqual(rules(conversation(words(0, 23) + " " + words(300, 21), "a"), test, strict=False), [])

    def test_the_smaller_one_counts(self):
        long, short = conversation(words(0, 300), "a"), conversation(words(50, 24) + " " + words(400, 20), "b")
        self.assertEqual(rules(long, short, strict=False), rules(short, long, strict=False))
        self.assertIn(("G3", "prompt"), rules(long, short, strict=False))

    def test_a_whole_short_prompt_counts_only_as_a_whole(self):
        self.assertEqual(rules(conversation("yes please", "a"), conversation("yes please " + words(0, 30), "b"), strict=False), [])
        self.assertEqual(rules(conversation("could you check this please", "a"), conversation("could you check this please " + words(0, 30), "b"), strict=False),
                         [("G3", "prompt"), ("G3", "first")])

    def test_prompts_without_tokens_can_be_equal(self):
        train = row(conversation("\U0001f44d", "a"))
        tests = separation_check.Separation([row([Turn("system", ["x"])] + conversation("\U0001f44d", "b"))])
        for brute in (False, True):
            self.assertEqual([rule for _, rule, _, _ in tests.violations(train, brute)], ["G1"])

    def test_each_view_counts_alone(self):
        first = words(0, 30)
        train = conversation(first, "a", words(100, 200), "b")
        test = conversation(first, "c", words(400, 200), "d")
        self.assertEqual(rules(train, test, strict=False), [("G2n", ""), ("G3", "first")])
        train, test = conversation(words(0, 30), "a", words(100, 200), "b"), conversation(words(40, 30), "c", words(100, 200), "d")
        self.assertEqual(rules(train, test, strict=False), [("G3", "prompt")])

    def test_prompt_keys_and_nodes(self):
        said = conversation(words(0, 30), "a")
        self.assertEqual(rules(said, said)[:2], [("G1", ""), ("G2n", "")])
        self.assertEqual(rules([Turn("system", ["other"])] + said, said)[0], ("G1", ""))
        self.assertNotIn(("G2n", ""), rules([Turn("system", ["other"])] + said, said))

    def test_system_prompts_and_answers_are_in_no_view(self):
        frame = words(0, 100)
        train = [Turn("system", [frame])] + conversation(words(200, 30), frame)
        self.assertEqual(rules(train, [Turn("system", [frame])] + conversation(words(300, 30), frame)), [])

    def test_group_keys(self):
        separation = separation_check.Separation([row(conversation(words(0, 30), "a"), keys={"k"})])
        train = row(conversation(words(100, 30), "a"), keys={"k", "l"})
        self.assertEqual([rule for _, rule, _, _ in separation.violations(train)], ["G2k"])

    def test_a_run_that_many_eval_rows_have_is_boilerplate(self):
        frame = words(0, 13)
        tests = [conversation(words(100 + 40 * n, 30) + " " + frame, "a") for n in range(11)]
        train = conversation(frame + " " + words(600, 30), "a")
        self.assertEqual(rules(train, *tests), [])
        self.assertEqual(rules(train, *tests[:10]), [("G4r", "prompt")] * 10)
        # The same row in eleven versions of an eval set is one row.
        self.assertEqual(rules(train, *([tests[0]] * 11)), [("G4r", "prompt")] * 11)

    def test_cover_by_runs_of_eight(self):
        pieces = [words(8 * n, 8) for n in range(4)]
        test = conversation(" ".join(piece + " " + words(200 + 8 * n, 8) for n, piece in enumerate(pieces)), "a")  # 64 tokens
        train = conversation(" ".join(piece + " " + words(400 + 30 * n, 30) for n, piece in enumerate(pieces)), "a")
        self.assertEqual(rules(train, test), [("G4c", "prompt")])
        self.assertEqual(rules(conversation(" ".join(piece + " zz" for piece in pieces[:3]) + words(400, 60), "a"), test), [])

    def test_an_index_finds_what_all_pairs_find(self):
        for seed in range(12):
            draw = random.Random(seed)
            vocabulary = [f"v{chr(97 + n)}" for n in range(draw.choice((4, 9, 20)))]
            bank = [" ".join(draw.choices(vocabulary, k=draw.randint(1, 14))) for _ in range(25)]

            def made():
                turns = conversation(*(" ".join(draw.choices(bank, k=draw.randint(1, 3))) for _ in range(draw.randint(1, 5))))
                return ([Turn("system", ["s"])] if draw.random() < 0.5 else []) + turns

            trains, tests = [made() for _ in range(30)], [made() for _ in range(20)]
            keys = [[{draw.choice("abcdefghijklmnop")} for _ in rows] for rows in (trains, tests)]
            separation = separation_check.Separation([row(test, number=n, keys=keys[1][n]) for n, test in enumerate(tests)], strict=True)
            found = {False: set(), True: set()}
            for n, train in enumerate(trains):
                ours = row(train, number=n, keys=keys[0][n])
                for brute in found:
                    found[brute] |= {(n, test.number, rule, view, measure) for test, rule, view, measure in separation.violations(ours, brute)}
            self.assertEqual(found[False], found[True])
            self.assertEqual({(n, m, rule, view) for n, m, rule, view, _ in found[True] if rule not in ("G2k",)}, second_opinion(trains, tests))
            self.assertTrue(found[True])


def second_opinion(trains, tests):
    """G1 to G4 anew, as slow and as plain as can be: lists of tokens, positions, no sets of joined texts."""
    found = set()

    def grams(view, length):
        return [tuple(view[at:at + length]) for at in range(len(view)) if at + length <= len(view)]

    def shingled(view):
        return set(grams(view, 5)) or ({tuple(view)} if view else set())

    def views(turns):
        asked = turns[:-1] if turns[-1].role == "assistant" else turns
        users = [turn.texts[0].split() for turn in asked if turn.role == "user"]
        return {"prompt": sum(users, []), "first": users[0] if users else []}, [(turn.role, turn.texts) for turn in asked if turn.role != "system"]

    def nodes(turns):
        said = [(turn.role, tuple(turn.texts)) for turn in turns]
        return {tuple(said[:k]) for k in range(1, len(said) + 1) if "assistant" in [said[k - 1][0]] + [role for role, _ in said[k:k + 1]] or k == len(said)}

    distinct = {tuple((turn.role, tuple(turn.texts)) for turn in test): views(test)[0]["prompt"] for test in tests}
    for n, train in enumerate(trains):
        for m, test in enumerate(tests):
            (ours, our_key), (theirs, their_key) = views(train), views(test)
            if our_key == their_key:
                found.add((n, m, "G1", ""))
            if nodes(train) & nodes(test):
                found.add((n, m, "G2n", ""))
            for view in ours:
                a, b = shingled(ours[view]), shingled(theirs[view])
                if a and b and len(a & b) / min(len(a), len(b)) >= 0.5:
                    found.add((n, m, "G3", view))
            for run in grams(ours["prompt"], 13):
                if run in grams(theirs["prompt"], 13) and sum(run in grams(view, 13) for view in distinct.values()) <= 10:
                    found.add((n, m, "G4r", "prompt"))
            marked = set()
            for at, run in enumerate(grams(theirs["prompt"], 8)):
                if run in grams(ours["prompt"], 8):
                    marked |= set(range(at, at + 8))
            if theirs["prompt"] and len(marked) * 2 >= len(theirs["prompt"]):
                found.add((n, m, "G4c", "prompt"))
    return found


class ReaderTests(unittest.TestCase):
    """One conversation in every shape is the same turns."""

    asked, found, said = "Where is order 7?", "It left.", "On its way."
    arguments = '{"id": 7.0}'
    wanted = [Turn("system", ["Be kind."]), Turn("user", [asked]), Turn("assistant", ["Let me look."], [("look", arguments)]), Turn("tool", [found]),
              Turn("assistant", [said])]

    def links(self, value):
        return terms.chain(separation_rows.turns_of_row(canonical_json.parse(json.dumps(value) if not isinstance(value, str) else value)))

    def test_openai(self):
        call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": self.arguments}}
        messages = [{"role": "developer", "content": [{"type": "text", "text": "Be kind."}]}, {"role": "user", "content": self.asked},
                    {"role": "assistant", "content": "Let me look.", "tool_calls": [call]},
                    {"role": "tool", "tool_call_id": "c1", "content": self.found}]
        answer = {"role": "assistant", "content": self.said}
        wanted = terms.chain(self.wanted)
        self.assertEqual(self.links({"messages": messages + [answer], "tools": []}), wanted)
        self.assertEqual(self.links({"request": {"model": "m", "messages": messages}, "response": {"choices": [{"message": answer}]}}), wanted)
        self.assertEqual(self.links({"request": {"model": "m", "messages": messages}, "response": None}), wanted[:-1])
        self.assertEqual(self.links({"input": messages, "ideal": self.said}), wanted)
        self.assertEqual(self.links({"input": {"messages": messages}, "preferred_output": [answer], "non_preferred_output": []}), wanted)
        self.assertEqual(self.links({"prompt": messages, "chosen": [answer], "rejected": []}), wanted)
        call["function"]["arguments"] = {"id": 7}
        self.assertEqual(self.links({"messages": messages + [answer]}), wanted)

    def test_numbers_of_arguments_keep_their_spelling_until_they_are_canonical(self):
        def calling(arguments):
            return json.dumps({"messages": [{"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f", "arguments": "@"}}]}]}).replace('"@"', arguments)

        self.assertEqual(self.links(calling('{"a": 1e400}')), self.links(calling(json.dumps('{"a":1e400}'))))
        self.assertNotEqual(self.links(calling('{"a": 1e400}')), self.links(calling('{"a": 1e401}')))

    def test_anthropic(self):
        body = {"model": "m", "system": [{"type": "text", "text": "Be kind.", "cache_control": {}}], "messages": [
            {"role": "user", "content": self.asked},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Let me look."},
                                              {"type": "tool_use", "id": "t", "name": "look", "input": {"id": 7}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": self.found}]}]}]}
        self.assertEqual(self.links({"request": body, "response": {"content": [{"type": "text", "text": self.said}]}}), terms.chain(self.wanted))
        body["messages"][2]["content"].append({"type": "text", "text": "and?"})
        self.assertEqual(self.links({"request": body, "response": None}), terms.chain(self.wanted[:4] + [Turn("user", ["and?"])]))

    def test_gemini(self):
        body = {"systemInstruction": {"parts": [{"text": "Be kind."}]}, "contents": [
            {"role": "user", "parts": [{"text": self.asked}]},
            {"role": "model", "parts": [{"text": "hm", "thought": True}, {"text": "Let me look."}, {"functionCall": {"name": "look", "args": {"id": 7}}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "look", "response": {"output": self.found}}}]}]}
        answer = {"role": "model", "parts": [{"text": self.said}]}
        self.assertEqual(self.links({"request": body, "response": {"candidates": [{"content": answer}]}}), terms.chain(self.wanted))
        body["contents"].append(answer)
        self.assertEqual(self.links(body), terms.chain(self.wanted))

        for response, text in (({"error": "no"}, "no"), ({"output": {"a": "\u00e9"}}, '{"output":{"a":"\u00e9"}}'), ({"result": "x"}, '{"result":"x"}'),
                               ({"output": "x", "n": 1}, '{"output":"x","n":1}'), ({}, "{}")):
            body["contents"][2]["parts"][0]["functionResponse"]["response"] = response
            self.assertEqual(self.links(body), terms.chain(self.wanted[:3] + [Turn("tool", [text])] + self.wanted[4:]))

    def test_responses(self):
        body = {"instructions": "Be kind.", "input": [
            {"role": "user", "content": [{"type": "input_text", "text": self.asked}]}, {"type": "reasoning", "summary": []},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Let me look."}]},
            {"type": "function_call", "call_id": "c", "name": "look", "arguments": self.arguments},
            {"type": "function_call_output", "call_id": "c", "output": self.found}]}
        answer = {"output": [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": self.said}]}]}
        self.assertEqual(self.links({"request": body, "response": answer}), terms.chain(self.wanted))

    def test_sharegpt(self):
        value = {"conversations": [{"from": "system", "value": "Be kind."}, {"from": "human", "value": self.asked}, {"from": "gpt", "value": self.said}]}
        self.assertEqual(self.links(value), terms.chain([self.wanted[0], self.wanted[1], self.wanted[4]]))
        value["conversations"].insert(2, {"from": "function_call", "value": '{"name": "look", "arguments": {"id": 7}}'})
        value["conversations"].insert(3, {"from": "observation", "value": self.found})
        self.assertEqual(self.links(value), terms.chain(self.wanted[:2] + [Turn("assistant", [], [("look", self.arguments)])] + self.wanted[3:]))

    def test_lone_surrogates_are_replaced(self):
        self.assertEqual(self.links('{"messages":[{"role":"user","content":"a\\ud800b \\ud83d\\ude00"}]}'), terms.chain([Turn("user", ["a\ufffdb \U0001f600"])]))

    def test_what_is_no_row_is_refused(self):
        for line in ["[]", "{}", '{"messages":1}', '{"messages":[]}', '{"messages":[{"role":"king","content":"x"}]}', '{"messages":[1]}', "nope", "1",
                     '{"messages":[{"role":"assistant","tool_calls":[{"function":{"arguments":"x"}}]}]}', '{"request":{},"response":{}}',
                     '{"request":{"messages":[{"role":"user","content":"x"}]},"response":{}}', '{"conversations":[{"from":"human"}]}',
                     '{"messages":[{"role":"user","content":[[1]]}]}', '{"messages":' + "[" * 2000 + "]" * 2000 + "}", '{"messages":[],"messages":[]}']:
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "rows.jsonl")
                with open(path, "w") as file:
                    file.write('{"messages":[{"role":"user","content":"fine"}]}\n\n' + line + "\n")
                with self.assertRaisesRegex(separation_rows.BadRow, "rows.jsonl:3", msg=line):
                    list(separation_rows.read(path))


class ProgramTests(unittest.TestCase):
    def run_over(self, train, test, *options, keys=None):
        def lines(rows):
            return "".join(json.dumps({"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": "a"}]}) + "\n" for text in rows)

        with tempfile.TemporaryDirectory() as folder:
            paths = [os.path.join(folder, name) for name in ("train.jsonl", "eval.jsonl", "keys.jsonl")]
            for path, text in zip(paths, (lines(train), lines(test), "".join(json.dumps(key) + "\n" for key in keys or []))):
                with open(path, "w") as file:
                    file.write(text)
            out = io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
                code = separation_check.main(paths[:2] + (["--keys", paths[2]] if keys is not None else []) + ["--json", *options])
            return code, [json.loads(line) for line in out.getvalue().splitlines()]

    def test_codes_and_counts(self):
        code, said = self.run_over([words(0, 30)], [words(100, 30)])
        self.assertEqual((code, said[-1]["summary"]["violations"]), (0, 0))
        code, said = self.run_over([words(200, 30), words(0, 30)], [words(100, 30), words(0, 29)])
        self.assertEqual((code, [(one["rule"], one["view"], one["train_row"], one["eval_row"]) for one in said[:-1]]),
                         (1, [("G3", "prompt", 2, 2), ("G3", "first", 2, 2)]))
        self.assertEqual(said[-1]["summary"]["pairs"], 1)

    def test_short_eval_rows(self):
        code, said = self.run_over([words(0, 19)], [words(0, 19)])
        self.assertEqual((code, {one["rule"] for one in said[:-1]}), (1, {"E", "G1", "G2n", "G3"}))
        code, said = self.run_over([words(0, 19)], [words(0, 19)], "--short", "skip")
        self.assertEqual((code, said[-1]["summary"]["eval_rows_short"]), (0, 1))

    def test_keys(self):
        keys = [{"file": "train.jsonl", "row": 1, "keys": ["a", "b"]}, {"file": "eval.jsonl", "row": 1, "group": "b"}]
        code, said = self.run_over([words(0, 30)], [words(100, 30)], keys=keys)
        self.assertEqual((code, [one["rule"] for one in said[:-1]]), (1, ["G2k"]))
        self.assertEqual(self.run_over([words(0, 30)], [words(100, 30)], keys=[{"row": 1}])[0], 2)

    def test_keys_of_files_that_share_a_name(self):
        with tempfile.TemporaryDirectory() as folder:
            def file(name, lines):
                path = os.path.join(folder, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w") as out:
                    out.writelines(json.dumps(line) + "\n" for line in lines)
                return path

            def asked(first):
                return [{"messages": [{"role": "user", "content": words(first, 30)}, {"role": "assistant", "content": "a"}]}]

            train, one, two = file("1/train.jsonl", asked(0)), file("1/eval.jsonl", asked(100)), file("2/eval.jsonl", asked(200))
            for named, wanted in ((one, 0), (two, 1)):
                keys = file("keys.jsonl", [{"file": "train.jsonl", "row": 1, "group": "k"}, {"file": two, "row": 1, "group": "k"},
                                           {"file": one, "row": 1, "group": "other"}])
                out = io.StringIO()
                with contextlib.redirect_stdout(out):
                    self.assertEqual(separation_check.main([train, named, "--json", "--keys", keys]), wanted)
            keys = file("keys.jsonl", [{"file": "eval.jsonl", "row": 1, "group": "k"}])
            with contextlib.redirect_stderr(io.StringIO()) as errors:
                self.assertEqual(separation_check.main([train, one, two, "--keys", keys]), 2)
            self.assertIn("several files", errors.getvalue())

    def test_the_judge_keeps_the_keys_of_every_build(self):
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Campaigns", "separation.py")
        spec = importlib.util.spec_from_file_location("campaign", path)
        campaign = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(campaign)
        judge = campaign.Judge("", False)
        said = conversation(words(0, 30), "a")
        self.assertEqual(len(judge.taken([row(said, keys={"k"})])), 1)
        self.assertEqual(judge.taken([row(said, keys={"l"})]), [])
        for key in ("k", "l"):
            found, _ = judge.near([row(conversation(words(100, 30), "a"), keys={key})], judge.evals)
            self.assertEqual(dict(found), {"G2k": 1}, key)

    def test_bad_input(self):
        with contextlib.redirect_stderr(io.StringIO()) as errors:
            self.assertEqual(separation_check.main(["/nonexistent/train", "/nonexistent/eval"]), 2)
        self.assertIn("/nonexistent/eval", errors.getvalue())


if __name__ == "__main__":
    unittest.main()
