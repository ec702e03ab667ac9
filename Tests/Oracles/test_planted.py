# SPDX-License-Identifier: Apache-2.0
"""The planted set: it is what its side file says, and only that; and the ways to split, on rows that can be counted by hand."""
import contextlib
import io
import json
import os
import tempfile
import unittest

import planted_set
import planted_traffic
import separation_terms as terms
import split_headline
from planted_families import JACCARDS, SHARES, Planter
from separation_check import Row, Separation
from separation_terms import Turn


def quietly(*arguments):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = planted_set.main([f"{argument}" for argument in arguments])
    return code, out.getvalue()


def as_called(turns):
    """Turns with what tools gave in an order that does not depend on that in which it came."""
    made, together = [], []
    for turn in turns:
        if turn.role == "tool":
            together.append(turn)
            continue
        made += sorted(together, key=terms.canonical_turn) + [turn]
        together = []
    return made + sorted(together, key=terms.canonical_turn)


class PlantedSetTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.out = os.path.join(cls.folder.name, "set")
        cls.made = json.loads(quietly("--seed", 7, "--conversations", 240, cls.out)[1])
        with open(cls.out, encoding="utf-8") as file:
            cls.records = [json.loads(line) for line in file]
        with open(cls.out + ".plants", encoding="utf-8") as file:
            cls.said = [json.loads(line) for line in file]

    def test_the_same_seed_gives_the_same_bytes(self):
        again = os.path.join(self.folder.name, "again")
        self.assertEqual(json.loads(quietly("make", "--seed", 7, "--conversations", 240, again)[1]), self.made)
        for ending in ("", ".plants"):
            with open(self.out + ending, "rb") as one, open(again + ending, "rb") as other:
                self.assertEqual(one.read(), other.read())
        self.assertNotEqual(json.loads(quietly("make", "--seed", 8, "--conversations", 240, again)[1])["sha256"], self.made["sha256"])

    def test_every_plant_and_every_record_is_named_once(self):
        conversations = [one for one in self.said if "conversation" in one]
        self.assertEqual({one["plant"] for one in conversations}, set(SHARES) | {"plain"})
        named = [identity for one in conversations for identity in one["records"]]
        self.assertEqual(sorted(named), sorted(record["id"] for record in self.records))
        self.assertEqual(len(set(named)), len(named))
        self.assertEqual([record["started_at_us"] for record in self.records], sorted(record["started_at_us"] for record in self.records))

    def test_records_say_what_the_conversations_say(self):
        planter = Planter(7)
        planter.plant(240)
        rows, seen = dict(split_headline.rows_of_records(self.out)), set()
        for made, said in zip(planter.conversations, [one for one in self.said if "conversation" in one]):
            system = [Turn("system", [made.system])] if made.system else []
            whole = [terms.chain(as_called(system + turns)) for turns in [made.turns] + made.branches]
            self.assertEqual([terms.chain(as_called(rows[leaf]))[-1] for leaf in said["leaves"]], [links[-1] for links in whole], said)
            links = {link for way in whole for link in way}
            # Growing: every exchange's whole is a place on one of the ways.
            for identity in said["records"]:
                if identity in rows:
                    self.assertIn(terms.chain(as_called(rows[identity]))[-1], links)
                    seen.add(made.dialect)
        self.assertEqual(seen, set(planted_traffic.MODELS))
        for flag in ("ascii", "bare", "unordered"):
            self.assertEqual({getattr(made, flag) for made in planter.conversations}, {False, True})
        self.assertTrue(any("\\u" in record["request_body"] for record in self.records))
        self.assertTrue(any('"arguments":""' in record["request_body"] for record in self.records))
        self.assertTrue(any(len(turn.texts) > 1 for made in planter.conversations for turn in made.turns))

    def test_pairs_are_as_near_as_they_should_be(self):
        pairs, reached, sizes = [one for one in self.said if "a" in one], set(), set()
        for pair in pairs:
            if pair["plant"] in ("paraphrase", "cjk"):
                self.assertLess(abs(pair["prompt"]["jaccard"] - pair["wanted"]), 0.05 if pair["plant"] == "cjk" else 0.03, pair)
                reached.add(pair["wanted"])
            if pair["plant"] == "boundary":
                self.assertEqual((pair["prompt"]["shared"], sorted(pair["prompt"]["of"])), (pair["wanted_shared"], pair["wanted_of"]))
                self.assertEqual(pair["near"], 2 * pair["wanted_shared"] >= pair["wanted_of"][0])
                sizes.add((pair["wanted_of"][0] % 2, pair["wanted_of"][0] == pair["wanted_of"][1], pair["near"]))
            if pair["plant"] in ("rare_run", "common_run", "covered", "customer"):
                self.assertFalse(pair["near"], pair)
            if pair["plant"] in ("rare_run", "common_run"):
                self.assertEqual(pair["runs_of_13"], 1, pair)
            if pair["plant"] == "covered":
                self.assertEqual((pair["runs_of_13"], pair["runs_of_8"]), (0, 9), pair)
            if pair["plant"] in ("noise", "normal_form", "same_item", "same_first_turn", "contained", "heavy_template", "shared_examples", "wrapped"):
                self.assertTrue(pair["near"], pair)
        self.assertEqual(reached, set(JACCARDS))
        self.assertGreaterEqual(len(sizes), 4, sizes)
        self.assertEqual({pair["near"] for pair in pairs if pair["plant"] in ("paraphrase", "boundary", "bridge")}, {True, False})

    def test_some_plants_are_near_for_the_strict_rule_alone(self):
        planter = Planter(7)
        planter.plant(240)
        wanted = {"rare_run": {"G4r"}, "covered": {"G4c"}}
        seen = set()
        for pair in planter.pairs:
            if pair["plant"] in wanted:
                a, b = (Row(planter.conversations[int(pair[end][1:])].turns, strict=True) for end in ("a", "b"))
                self.assertEqual({rule for _, rule, _, _ in Separation([a], True).violations(b)}, wanted[pair["plant"]], pair)
                seen.add(pair["plant"])
        self.assertEqual(seen, set(wanted))
        rows = [Row(made.turns, strict=True) for made in planter.conversations if planter.plants[made.name] == "common_run"]
        self.assertGreaterEqual(len(rows), 11)
        for count, rules in ((10, {"G4r"}), (11, set())):
            if count < len(rows):
                found = Separation(rows[:count], True).violations(rows[count])
                self.assertEqual({rule for _, rule, _, _ in found}, rules)

    def test_nothing_else_is_near(self):
        code, said = quietly("stray", self.out)
        self.assertEqual(code, 0, said)

    def test_parts_hold_every_line_once(self):
        for order in ("time", "mixed"):
            quietly("parts", self.out, "--parts", 5, "--order", order, "--seed", 3, self.out + ".part")
            lines = []
            for part in range(5):
                with open(f"{self.out}.part.{part + 1}", encoding="utf-8") as file:
                    lines.append(file.readlines())
            with open(self.out, encoding="utf-8") as file:
                whole = file.readlines()
            self.assertEqual(sorted(sum(lines, [])), sorted(whole))
            latest = [max(json.loads(line)["started_at_us"] for line in part) for part in lines]
            self.assertEqual(latest == sorted(latest) and set(lines[0]) == set(whole[:len(lines[0])]), order == "time")


class HeadlineTests(unittest.TestCase):
    def exchange(self, identity, *texts):
        turns = [Turn("assistant" if at % 2 else "user", [text]) for at, text in enumerate(texts)]
        return split_headline.Exchange(identity, turns)

    def words(self, first, count):
        return " ".join(f"w{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(first, first + count))

    def test_near_is_the_rule_of_the_checker(self):
        rows = [[Turn("user", [self.words(first, count)]), Turn("assistant", ["a"])] for first, count in ((0, 44), (20, 44), (24, 44), (100, 44), (110, 60))]
        evals = [split_headline.Exchange("e", rows[0]), split_headline.Exchange("f", rows[4])]
        train = [split_headline.Exchange(f"{n}", turns) for n, turns in enumerate(rows[1:4])]
        separation = Separation([Row(rows[0]), Row(rows[4])])
        wanted = sum(any(rule == "G3" for _, rule, _, _ in separation.violations(Row(turns))) for turns in rows[1:4])
        self.assertEqual(split_headline.near(train, evals), wanted)
        self.assertEqual(wanted, 2)

    def test_last_ones_and_conversations(self):
        one = [self.exchange("a", "x", "1"), self.exchange("b", "x", "1", "y", "2"), self.exchange("c", "x", "1", "z", "3"), self.exchange("d", "q", "4"),
               self.exchange("e", "q", "4")]
        self.assertEqual([row.identity for row in split_headline.last_ones(one)], ["b", "c", "d"])
        self.assertEqual(split_headline.joined(one), {"a": "a", "b": "a", "c": "a", "d": "d", "e": "d"})

    def test_streams_that_are_cut_are_no_calls_of_a_tool(self):
        body = 'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}\n\n'
        self.assertEqual(split_headline.answer("anthropic-messages", body), [Turn("assistant", [], [("f", "{}")])])

    def test_bad_records_are_counted(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "records")
            with open(path, "w") as file:
                for status, body in ((500, "{}"), (200, "no"), (200, '{"messages":[]}'), (200, '{"messages":[{"role":"user","content":"x"}]}')):
                    file.write(json.dumps({"id": "i", "api": "openai-chat", "status": status, "request_body": body, "response_body": "{}"}) + "\n")
            skipped = []
            rows = list(split_headline.rows_of_records(path, skipped))
            self.assertEqual((len(rows), len(skipped)), (0, 4))


if __name__ == "__main__":
    unittest.main()
