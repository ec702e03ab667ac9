# SPDX-License-Identifier: Apache-2.0
"""The table and the prices of the pip package genai-prices, for Tests/PricingTests/GenAIParityTests.swift to be held against.

genai_parity.py FOLDER [COUNT [SEED]] writes

- table.json: the wheel's table, which it carries as Python, as the JSON that `weir prices import --format genai` reads;
- usages.jsonl: random usages of its models, each with what the package computes, its exact products rounded half to even to
  nano-dollars once for each of our cost classes, and the names of the rules by which a difference would be explained.

The decomposition, the choice of tier and the look-up of models are the package's own; only the split of its exact products into our
cost classes, and the rounding, are done here.
"""
import datetime
import json
import pathlib
import random
import re
import sys
import warnings
from decimal import ROUND_HALF_EVEN, Decimal

from genai_prices import types
from genai_prices.data import providers
from genai_prices.types import Usage, calc_unit_price
from genai_prices.units import _get_registry

warnings.simplefilter("ignore")
REGISTRY = _get_registry()
OURS = {"aws": ["bedrock"], "azure": ["azure-openai"], "google": ["gemini", "vertex-ai"], "moonshotai": ["moonshot"],
        "voyageai": ["voyage"], "x-ai": ["xai"]}
CLAUSES = {types.ClauseStartsWith: "starts_with", types.ClauseEndsWith: "ends_with", types.ClauseContains: "contains",
           types.ClauseRegex: "regex", types.ClauseEquals: "equals", types.ClauseOr: "or", types.ClauseAnd: "and"}

# Their name of a count, ours (a token class of record.md, a further one of PricedUsage, or a class that is counted), our cost class.
COUNTS = {
    "input_tokens": ("input_total", "input"), "input_audio_tokens": ("input_audio", "input"),
    "input_image_tokens": ("input_image", "input"), "input_video_tokens": ("input_video", "input"),
    "cache_read_tokens": ("input_cached", "cached"), "cache_audio_read_tokens": ("cached_audio", "cached"),
    "cache_image_read_tokens": ("cached_image", "cached"), "cache_write_tokens": ("cache_write_total", "write"),
    "cache_write_5m_tokens": ("cache_write_5m", "write"), "cache_write_1h_tokens": ("cache_write_1h", "write"),
    "output_tokens": ("output_total", "output"), "output_audio_tokens": ("output_audio", "output"),
    "output_image_tokens": ("output_image", "output"), "output_video_tokens": ("output_video", "output"),
    "output_reasoning_tokens": ("output_reasoning", "reasoning"), "output_citation_tokens": ("citation", "output"),
    "web_searches": ("web_search", "tools"), "storage_searches": ("file_search", "tools"),
    "code_executions": ("code_execution", "tools"), "rerank_searches": ("search_unit", "tools"), "requests": (None, "tools"),
    "input_document_pages": ("page", "input"), "input_characters": ("character", "input"), "audio_seconds": ("second", "input"),
}
PICO = {"tokens": Decimal(10) ** -6}


# The table


def number(value):
    return f"@@{value}@@"


def price_json(price):
    if isinstance(price, types.TieredPrices):
        return {"base": number(price.base), "tiers": [{"start": t.start, "price": number(t.price)} for t in price.tiers]}
    return number(price)


def prices_json(prices):
    return {key: price_json(value) for key, value in prices.__dict__.items() if value is not None}


def constraint_json(constraint):
    if isinstance(constraint, types.StartDateConstraint):
        return {"start_date": constraint.start_date.isoformat()}
    clock = lambda t: t.strftime("%H:%M:%SZ")
    return {"start_time": clock(constraint.start_time), "end_time": clock(constraint.end_time)}


def conditional_json(entry, **more):
    made = dict(more)
    if entry.constraint is not None:
        made["constraint"] = constraint_json(entry.constraint)
    made["prices"] = prices_json(entry.prices)
    return made


def clause_json(clause):
    name = CLAUSES[type(clause)]
    if name in ("or", "and"):
        return {name: [clause_json(part) for part in getattr(clause, name + "_")]}
    return {name: getattr(clause, name)}


def model_json(model):
    made = {"id": model.id, "match": clause_json(model.match)}
    if isinstance(model.prices, list):
        made["prices"] = [conditional_json(entry) for entry in model.prices]
    else:
        made["prices"] = prices_json(model.prices)
    if model.price_variants:
        made["price_variants"] = [conditional_json(v, when=v.when) for v in model.price_variants]
    return made


def provider_json(provider):
    made = {"id": provider.id, "name": provider.name, "pricing_urls": provider.pricing_urls or []}
    if provider.fallback_model_providers:
        made["fallback_model_providers"] = provider.fallback_model_providers
    made["models"] = [model_json(model) for model in provider.models]
    return made


def table():
    text = json.dumps([provider_json(provider) for provider in providers], ensure_ascii=False)
    return re.sub(r'"@@([0-9.Ee+-]+)@@"', r"\1", text)


# The usages


def references(clause):
    """Names that a clause may stand for."""
    name = CLAUSES[type(clause)]
    if name in ("or", "and"):
        for part in getattr(clause, name + "_"):
            yield from references(part)
    elif name == "regex":
        yield re.sub(r"\\d(\{(\d+)\})?", lambda m: "7" * int(m.group(2) or 1), clause.regex.strip("^$")).replace("\\", "")
    else:
        yield getattr(clause, name)


def reference(provider, model, rng):
    """A name by which the package finds this very model."""
    names = [model.id] + list(references(model.match))
    rng.shuffle(names)
    for name in names:
        if "|" not in name and " " not in name and provider.find_model(name) is model:
            return name
    return None


def starts(model):
    entries = (model.prices if isinstance(model.prices, list) else []) + list(model.price_variants or [])
    return [e.constraint.start_date for e in entries if isinstance(e.constraint, types.StartDateConstraint)]


def instant(model, rng):
    days = starts(model)
    if days and rng.random() < 0.5:
        midnight = datetime.datetime.combine(rng.choice(days), datetime.time(), datetime.timezone.utc)
        return midnight + datetime.timedelta(seconds=rng.choice([-86400, -1, 0, 1, 86400 * 30]))
    base = datetime.datetime(2025, 1, 1, tzinfo=datetime.timezone.utc)
    return base + datetime.timedelta(seconds=rng.randrange(690 * 86400))


def tokens(rng):
    shape = rng.random()
    if shape < 0.1:
        return rng.randrange(10)
    return int(10 ** rng.uniform(0.5, 5.6))


def near(thresholds, total, rng):
    """Sometimes a prompt of a length at which the price changes."""
    if thresholds and rng.random() < 0.4:
        return max(0, rng.choice(thresholds) + rng.choice([-1, 0, 1]) - total)
    return tokens(rng)


def draw(prices, rng):
    """Counts with consistent totals; None where the model prices nothing that is counted here."""
    priced = {REGISTRY.unit_for_price_key(key).usage_key for key, value in prices.__dict__.items() if value is not None}
    thresholds = [t.start for v in prices.__dict__.values() if isinstance(v, types.TieredPrices) for t in v.tiers]
    counts = {}
    some = lambda chance: rng.random() < chance
    if "input_tokens" in priced:
        parts = {}
        if some(0.6):
            parts["cached"] = tokens(rng)
        if some(0.3):
            parts.update({key: tokens(rng) for key in rng.sample(["write", "5m", "1h"], rng.randrange(1, 4))})
        for kind in ("audio", "image", "video"):
            if some(0.8 if f"input_{kind}_tokens" in priced else 0.05):
                parts[kind] = tokens(rng)
                if kind != "video" and "cached" in parts and some(0.5):
                    parts["cached_" + kind] = tokens(rng)
        parts["text"] = near(thresholds, sum(parts.values()), rng)
        value = lambda *keys: sum(parts.get(key, 0) for key in keys)
        counts["input_tokens"] = sum(parts.values())
        if "cached" in parts:
            counts["cache_read_tokens"] = value("cached", "cached_audio", "cached_image")
        if any(key in parts for key in ("write", "5m", "1h")):
            counts["cache_write_tokens"] = value("write", "5m", "1h")
            for key in ("5m", "1h"):
                if key in parts:
                    counts[f"cache_write_{key}_tokens"] = parts[key]
        for kind in ("audio", "image", "video"):
            if kind in parts:
                counts[f"input_{kind}_tokens"] = value(kind, "cached_" + kind)
                if kind != "video" and "cached" in parts:
                    counts[f"cache_{kind}_read_tokens"] = value("cached_" + kind)
    if "output_tokens" in priced or ("input_tokens" in priced and some(0.1)):
        parts = {"text": tokens(rng)}
        for kind in ("audio", "image", "video", "citation"):
            if some(0.8 if f"output_{kind}_tokens" in priced else 0.03):
                parts[kind] = tokens(rng)
        if some(0.5):
            parts["reasoning"] = tokens(rng)
        counts["output_tokens"] = sum(parts.values())
        for kind in parts.keys() - {"text"}:
            counts[f"output_{kind}_tokens"] = parts[kind]
    for key in ("web_searches", "storage_searches", "code_executions"):
        if key in priced and some(0.6):
            counts[key] = rng.randrange(20)
    measures = {"rerank_searches": 20, "input_document_pages": 500, "input_characters": 100_000, "audio_seconds": 7200}
    for key, most in measures.items():
        if key in priced and some(0.9):
            counts[key] = rng.randrange(most)
    return counts or None


def leaves(prices, counts):
    """The package's own decomposition: units, prices and counts in which nothing is counted twice."""
    known = {key: value for key, value in prices.__dict__.items() if value is not None}
    made = types.ModelPrice(**known)
    resolved = types._collect_resolved_model_prices(made, REGISTRY)
    split = types._compute_registry_priced_counts(resolved, Usage(**counts))
    return {unit.usage_key: (price, split[unit.usage_key], unit.per) for unit, price in resolved}


def rounded_price(price, per, family):
    """A price at whole pico-dollars a token, as every price of ours is."""
    if family != "tokens":
        return price, False
    fine = lambda value: value.quantize(PICO["tokens"], ROUND_HALF_EVEN)
    if isinstance(price, types.TieredPrices):
        made = types.TieredPrices(base=fine(price.base), tiers=[types.Tier(start=t.start, price=fine(t.price)) for t in price.tiers])
    else:
        made = fine(price)
    return made, made != price


def expected(prices, counts, rules):
    """What it costs by our classes, in nano-dollars."""
    total_input = counts.get("input_tokens", 0)
    split = leaves(prices, counts)
    exact = {}

    def charge(cost, key, count):
        price, _, per = split[key]
        price, was_rounded = rounded_price(price, per, REGISTRY.units[key].dimensions["family"])
        if was_rounded and count:
            rules.add("finer_than_pico")
        exact[cost] = exact.get(cost, Decimal(0)) + calc_unit_price(price, count, total_input, per)

    left = {key: count for key, (_, count, _) in split.items()}
    # A class of ours without a price of its own takes the price of what it is part of, in a cost class of its own.
    if "input_tokens" in split:
        cached = counts.get("cache_read_tokens")
        if cached is not None and "cache_read_tokens" not in split:
            for kind in ("audio", "image"):
                part = counts.get(f"cache_{kind}_read_tokens", 0)
                if part and f"input_{kind}_tokens" in split:
                    charge("cached", f"input_{kind}_tokens", part)
                    left[f"input_{kind}_tokens"] -= part
                    cached -= part
            charge("cached", "input_tokens", cached)
            left["input_tokens"] -= cached
        writes = counts.get("cache_write_tokens")
        if writes is not None and "cache_write_tokens" not in split:
            charge("write", "input_tokens", writes)
            left["input_tokens"] -= writes
    reasoning = counts.get("output_reasoning_tokens")
    if reasoning is not None and "output_tokens" in split and "output_reasoning_tokens" not in split:
        charge("reasoning", "output_tokens", reasoning)
        left["output_tokens"] -= reasoning
    for key, count in left.items():
        if key in COUNTS:
            charge(COUNTS[key][1], key, count)
        elif count:
            rules.add("unit_not_ours")
    plain = sum((calc_unit_price(p, c, total_input, per) for p, c, per in split.values()), Decimal(0))
    if "finer_than_pico" not in rules and "unit_not_ours" not in rules:
        assert plain == sum(exact.values(), Decimal(0)), (counts, plain, exact)
    nano = {cost: int((value * 10**9).to_integral_value(ROUND_HALF_EVEN)) for cost, value in exact.items()}
    return nano, int((plain * 10**9).to_integral_value(ROUND_HALF_EVEN))


def context(model, rng):
    if model.price_variants and rng.random() < 0.6:
        return dict(rng.choice(model.price_variants).when)
    return {"service_tier": "scale"} if rng.random() < 0.02 else {}


def usage(rng, model_of):
    provider, model = model_of
    name = reference(provider, model, rng)
    if name is None:
        return None
    when = context(model, rng)
    at = instant(model, rng)
    prices = model.get_prices(at, when)
    counts = draw(prices, rng)
    if counts is None:
        return None
    rules = set()
    if when and not any(v.when == when and (v.constraint is None or v.constraint.active(at)) and prices_json(v.prices)
                        for v in model.price_variants or []) and when.get("service_tier") != "default":
        rules.add("condition_without_price")
    if "output_tokens" in counts and prices.output_mtok is None and counts["output_tokens"]:
        rules.add("class_without_price")
    for key in ("rerank_searches", "input_document_pages", "input_characters", "audio_seconds"):
        if getattr(prices, REGISTRY.units[key].price_key) is not None and key not in counts:
            rules.add("measure_not_counted")
    try:
        cost, exact_total = expected(prices, counts, rules)
    except ValueError as error:
        return {"refused": str(error)}
    ours = rng.choice(OURS.get(provider.id, [provider.id]))
    if provider.id.startswith("huggingface_"):
        ours, name = "huggingface", name + ":" + provider.id[len("huggingface_"):]
    whole = model.calc_price(Usage(**counts), provider, genai_request_timestamp=at, price_context=when).total_price
    whole = int((whole * 10**9).to_integral_value(ROUND_HALF_EVEN))
    if whole != exact_total:
        # The package bills audio of less than ten seconds at Groq as ten.
        assert provider.id == "groq" and 0 < counts.get("audio_seconds", 0) < 10, (provider.id, model.id, counts, whole, exact_total)
        rules.add("least_of_ten_seconds")
        cost = {"input": whole}
    return {
        "provider": ours, "model": name, "id": model.id, "at_us": int(at.timestamp()) * 1_000_000, "context": when,
        "usage": {COUNTS[key][0]: count for key, count in counts.items()}, "nanousd": cost, "exact_total": exact_total,
        "rules": sorted(rules),
    }


def main():
    folder = pathlib.Path(sys.argv[1])
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 5000
    rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    folder.joinpath("table.json").write_text(table())
    models = [(provider, model) for provider in providers for model in provider.models]
    # Half of the draws among models whose prices have steps, dates or conditions: they are few.
    def is_rich(model):
        plain = isinstance(model.prices, list) and len(model.prices) > 1
        tiers = not isinstance(model.prices, list) and any(isinstance(v, types.TieredPrices) for v in model.prices.__dict__.values())
        return plain or tiers or bool(model.price_variants)
    rich = [pair for pair in models if is_rich(pair[1])]
    made, refused, unreachable = 0, 0, 0
    with folder.joinpath("usages.jsonl").open("w") as out:
        while made < count:
            line = usage(rng, rng.choice(rich if rng.random() < 0.5 else models))
            if line is None:
                unreachable += 1
            elif "refused" in line:
                refused += 1
            else:
                made += 1
                out.write(json.dumps(line, ensure_ascii=False) + "\n")
            assert unreachable + refused < 20 * count, "hardly any usage can be drawn"
    print(json.dumps({"usages": made, "refused_by_the_package": refused, "not_drawn": unreachable, "models": len(models)}))


if __name__ == "__main__":
    main()
