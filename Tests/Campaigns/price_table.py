# SPDX-License-Identifier: Apache-2.0
"""Makes Sources/Pricing/prices.json: a selection of genai-prices' rows, held against LiteLLM's.

price_table.py WEIR LITELLM_JSON OUTPUT [DAY]

WEIR is the program, which imports both tables; genai-prices is the pip package (see genai_parity.py), LITELLM_JSON is LiteLLM's
model_prices_and_context_window.json. Prices are facts of the providers' own pages, named as sources; nothing else of either table is
taken. Where LiteLLM has another price for input or output, the row says so in its note.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import genai_parity

WHOLE = {"anthropic", "aws", "azure", "cerebras", "cohere", "deepseek", "google", "groq", "minimax", "mistral", "moonshotai", "openai",
         "perplexity", "voyageai", "x-ai", "zai"}
# Of providers that resell hundreds of models, those of recorded traffic and the common ones.
PARTS = {
    "openrouter": """
        anthropic/claude-3.5-haiku anthropic/claude-haiku-4.5 anthropic/claude-haiku-5.5 anthropic/claude-opus-4.6 anthropic/claude-opus-5
        anthropic/claude-sonnet-4 anthropic/claude-sonnet-4.5 anthropic/claude-sonnet-4.6 anthropic/claude-sonnet-5
        deepseek/deepseek-chat deepseek/deepseek-r1 deepseek/deepseek-v3.2 deepseek/deepseek-v4-flash deepseek/deepseek-v4-pro
        google/gemini-2.0-flash-001 google/gemini-2.5-flash google/gemini-2.5-flash-lite google/gemini-2.5-pro google/gemini-3-flash-preview
        google/gemini-3.1-flash-lite google/gemini-3.1-flash-lite-image google/gemini-3.1-pro-preview google/gemini-3.5-flash
        meta-llama/llama-3.1-8b-instruct meta-llama/llama-3.2-3b-instruct meta-llama/llama-3.3-70b-instruct meta-llama/llama-4-maverick
        meta-llama/llama-4-scout minimax/minimax-m2 mistralai/mistral-large mistralai/mistral-nemo mistralai/mistral-small-3.2-24b-instruct
        moonshotai/kimi-k2 moonshotai/kimi-k2.5 moonshotai/kimi-k2.6 openai/gpt-4.1 openai/gpt-4.1-mini openai/gpt-4.1-nano openai/gpt-4o
        openai/gpt-4o-mini openai/gpt-5 openai/gpt-5-mini openai/gpt-5-nano openai/gpt-5.2 openai/gpt-5.4 openai/gpt-5.5 openai/gpt-5.6-luna
        openai/gpt-5.6-sol openai/gpt-5.6-terra openai/gpt-oss-120b openai/gpt-oss-20b openai/o3 openai/o4-mini perplexity/sonar
        qwen/qwen3-32b qwen/qwen3-coder qwen/qwen3-max x-ai/grok-4-fast x-ai/grok-4.3 x-ai/grok-4.5 x-ai/grok-code-fast-1 z-ai/glm-4.6
        z-ai/glm-4.7 z-ai/glm-5 z-ai/glm-5-turbo z-ai/glm-5.2""",
    "together": """
        MiniMaxAI/MiniMax-M3 Qwen/Qwen3.5-9B Qwen/Qwen3.7-Max deepseek-ai/DeepSeek-V4-Pro-0813 deepseek-ai/DeepSeek-V4.1-Flash
        meta-llama/Llama-3.3-70B-Instruct-Turbo meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8
        meta-llama/Llama-4-Scout-17B-16E-Instruct meta-llama/Meta-Llama-3.1-405B-Instruct-Turbo
        meta-llama/Meta-Llama-3.1-70B-Instruct-Turbo meta-llama/Meta-Llama-3.1-8B-Instruct-Turbo
        mistralai/Mixtral-8x22B-Instruct-v0.1 mistralai/Mixtral-8x7B-Instruct-v0.1 moonshotai/Kimi-K3 openai/gpt-oss-120b zai-org/GLM-5.2
        zai-org/GLM-5.3""",
    "fireworks": """
        deepseek-r1-0528 deepseek-v3-0324 deepseek-v3p2 deepseek-v4-flash deepseek-v4-pro glm-4p7 glm-5p1 glm-5p2 glm-5p3 gpt-oss-120b
        gpt-oss-20b kimi-k2p5 kimi-k2p6 kimi-k3 llama-v3p1-8b-instruct minimax-m2p7 minimax-m3 qwen3-235b-a22b""",
    "doubleword": "Qwen/Qwen3-Embedding-8B Qwen/Qwen3.5-397B-A17B Qwen/Qwen3.5-9B moonshotai/Kimi-K2.6 openai/gpt-oss-20b",
}
# Of LiteLLM, for providers and models that genai-prices does not have.
LITELLM = {
    "vercel-gateway": """
        anthropic/claude-3.5-haiku anthropic/claude-4-sonnet anthropic/claude-haiku-4.5 anthropic/claude-opus-4.6 anthropic/claude-sonnet-4
        anthropic/claude-sonnet-4.5 google/gemini-2.5-flash google/gemini-2.5-pro openai/gpt-4.1 openai/gpt-4.1-mini openai/gpt-4o
        openai/gpt-4o-mini openai/o3 openai/o4-mini openai/text-embedding-3-small""",
    "alibaba": "qwen-flash qwen-max qwen-plus qwen-turbo qwen3-max qwen3-coder-plus qwen3-coder-flash qwen3.7-max qwen3.8-max qwq-plus",
    "sambanova": "DeepSeek-R1 DeepSeek-V3.2 Meta-Llama-3.3-70B-Instruct gpt-oss-120b",
    "hyperbolic": """
        deepseek-ai/DeepSeek-R1-0528 deepseek-ai/DeepSeek-V3 meta-llama/Llama-3.3-70B-Instruct meta-llama/Meta-Llama-3.1-8B-Instruct""",
    "deepinfra": """
        deepseek-ai/DeepSeek-R1-0528 deepseek-ai/DeepSeek-V3.2 deepseek-ai/DeepSeek-V4-Flash meta-llama/Llama-3.3-70B-Instruct-Turbo
        meta-llama/Meta-Llama-3.1-8B-Instruct openai/gpt-oss-120b openai/gpt-oss-20b""",
    "bedrock": "openai.gpt-oss-20b",
    "cohere": "embed-english-light-v3.0 rerank-english-v3.0 rerank-v3.5",
    "mistral": "ministral-3b-latest",
    "together": "Qwen/Qwen2.5-72B-Instruct-Turbo",
    "voyage": "rerank-2-lite",
    "zai": "glm-4.7-flash",
}
PAGES = {"vercel-gateway": "https://vercel.com/ai-gateway/models", "alibaba": "https://www.alibabacloud.com/help/en/model-studio/models",
         "sambanova": "https://cloud.sambanova.ai/plans/pricing", "hyperbolic": "https://docs.hyperbolic.xyz/docs/hyperbolic-pricing",
         "deepinfra": "https://deepinfra.com/pricing", "bedrock": "https://aws.amazon.com/bedrock/pricing/",
         "cohere": "https://cohere.com/pricing", "mistral": "https://mistral.ai/pricing/api", "together": "https://www.together.ai/pricing",
         "voyage": "https://docs.voyageai.com/docs/pricing", "zai": "https://docs.z.ai/guides/overview/pricing"}
OWN = [
    {"provider": "openrouter", "models": "*:free", "price": {"input": 0, "output": 0}, "source": "openrouter"},
    {"provider": ["ollama", "vllm"], "models": "*", "price": {"input": 0, "output": 0}, "source": "own-machine",
     "note": "nothing is billed by the token"},
]


# Rows that ended before Weir recorded anything, and models that are offered to few or to nobody any more.
ENDED_BEFORE = "2026-10-01"
RETIRED = {"babbage", "curie", "davinci", "babbage-002", "davinci-002", "text-davinci-002", "text-davinci-003", "gpt-4-32k",
           "gpt-4-vision-preview", "computer-use", "codex-mini", "gpt-4.5-preview", "gpt-5.5-cyber", "gpt-5.6-cyber", "gpt-6-cyber",
           "gpt-6-rosalind", "gpt-rosalind-discovery", "gpt-rosalind-research", "gpt-4o:extended", "gpt-image-2.5-flare",
           "gpt-image-2.5-sunburst", "claude-mythos-5-2"}


def imported(weir, path, form, day, scratch):
    folder = pathlib.Path(scratch, form)
    folder.mkdir()
    subprocess.run([weir, "prices", "import", path, "--format", form, "--dated", day, "--data", str(folder)], check=True)
    return json.loads(folder.joinpath("prices/imported.json").read_text(), parse_float=str, parse_int=int)


def names(row):
    return row["models"].split("|")


def as_list(value):
    return value if isinstance(value, list) else [value]


def standard(sheet):
    """The standard price of input and output by provider and literal name, of rows that are valid to this day."""
    found = {}
    for row in sheet["prices"]:
        if "to" in row or "when" in row or "hours" in row:
            continue
        for provider in as_list(row["provider"]):
            for name in names(row):
                if "*" not in name and "#" not in name:
                    found[provider, name] = {key: float(row["price"][key]) for key in ("input", "output") if key in row["price"]}
    return found


def selected(sheet, ids):
    """Rows of whole providers and of the models that are named, with the genai-prices id as their source."""
    wanted = {provider: set(text.lower().split()) for provider, text in PARTS.items()}
    kept = []
    for row in sheet["prices"]:
        source = row.get("source")
        if row.get("to", "9") < ENDED_BEFORE or set(names(row)) & RETIRED:
            continue
        if source in WHOLE:
            kept.append(row)
        elif source in wanted:
            ends = {name for name in names(row)} | {name.split("/")[-1] for name in names(row) if source == "fireworks"}
            if ends & wanted[source]:
                ids.setdefault(source, set()).update(ends & wanted[source])
                kept.append(row)
    for provider, all_names in wanted.items():
        for name in sorted(all_names - ids.get(provider, set())):
            print(f"not in the table: {provider} {name}", file=sys.stderr)
    return kept


def merged(rows):
    """Rows that differ in the service tier alone, as one."""
    made, places = [], {}
    for row in rows:
        tier = row.get("when", {}).get("service_tier")
        if tier is None or len(row["when"]) > 1:
            made.append(row)
            continue
        key = json.dumps({k: v for k, v in row.items() if k != "when"}, sort_keys=True)
        if key in places:
            places[key]["when"]["service_tier"] = sorted(set(as_list(places[key]["when"]["service_tier"]) + as_list(tier)))
        else:
            places[key] = row
            made.append(row)
    return made


def written(row):
    """One row a line; prices as they are written, not as floating point."""
    text = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
    for value in [v for v in row["price"].values()] + [v for step in row.get("tiers", []) for v in step["price"].values()]:
        if isinstance(value, str):
            text = text.replace(f':"{value}"', f":{value}")
    return text


def main():
    weir, litellm_path, output = sys.argv[1:4]
    day = sys.argv[4] if len(sys.argv) > 4 else __import__("datetime").date.today().isoformat()
    with tempfile.TemporaryDirectory() as scratch:
        table = pathlib.Path(scratch, "table.json")
        table.write_text(genai_parity.table())
        genai = imported(weir, str(table), "genai", day, scratch)
        litellm = imported(weir, litellm_path, "litellm", day, scratch)
    rows = selected(genai, {})
    theirs = standard(litellm)
    equal = different = 0
    for row in rows:
        if "to" in row or "when" in row or "hours" in row:
            continue
        for provider in as_list(row["provider"]):
            other = next((theirs[provider, name] for name in names(row) if (provider, name) in theirs), None)
            if other is None:
                continue
            ours = {key: float(row["price"][key]) for key in ("input", "output") if key in row["price"]}
            shared = ours.keys() & other.keys()
            if all(abs(ours[key] - other[key]) <= 1e-9 for key in shared):
                equal += 1
            else:
                different += 1
                said = ", ".join(f"{key} {other[key]:g}" for key in ("input", "output") if key in shared)
                row["note"] = f"LiteLLM has {said}" + (f" for {provider}" if isinstance(row["provider"], list) else "")
    sources = {key: value for key, value in genai["sources"].items() if key in WHOLE or key in PARTS}
    for value in sources.values():
        value["via"], value["checked"] = "genai-prices 0.2.3", day
    for provider, text in LITELLM.items():
        wanted = set(text.lower().split())
        source = provider + "-by-litellm"
        sources[source] = {"url": PAGES[provider], "via": "LiteLLM", "checked": day}
        for row in litellm["prices"]:
            if row["provider"] == provider and row["models"] in wanted and "when" not in row:
                wanted.discard(row["models"])
                rows.append({key: value for key, value in row.items() if key != "source"} | {"source": source})
        for name in sorted(wanted):
            print(f"not in the table: {provider} {name}", file=sys.stderr)
    sources["own-machine"] = {"url": "https://github.com/ollama/ollama", "checked": day}
    rows = merged(rows) + OWN
    head = {"format": "weir-prices/1", "dated": day,
            "note": "Prices of the providers' own pages, read through genai-prices (MIT) and LiteLLM (MIT); made by price_table.py",
            "sources": dict(sorted(sources.items())),
            "fallbacks": {key: value for key, value in genai["fallbacks"].items() if key in ("azure-openai", "gemini", "vertex-ai")}}
    text = json.dumps(head, ensure_ascii=False, separators=(",", ":"))[:-1]
    order = ["provider", "models", "except", "from", "to", "hours", "when", "price", "tiers", "source", "checked", "note"]
    lines = ",\n".join(written({key: row[key] for key in order if key in row}) for row in rows)
    pathlib.Path(output).write_text(text + ',"prices":[\n' + lines + "\n]}\n")
    print(f"{len(rows)} rows, {pathlib.Path(output).stat().st_size} bytes; LiteLLM agrees on {equal}, has another price for {different}")


if __name__ == "__main__":
    main()
