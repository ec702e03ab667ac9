# SPDX-License-Identifier: Apache-2.0
"""Holds a folder of exported files against readers that are not Weir's.

    dataset_formats.py FOLDER [--need datasets,inspect_ai,mistral_common]

FOLDER has files.jsonl (file, format, profile, pairs, rows) and the files, or is a data set, whose manifest says the same. Every check whose library is here is made; --need names those that must
be here. The rules of OpenAI's cookbook, Mistral's ids, promptfoo's templates and Gemini's parts are checked by code of this file alone.
One line of JSON a check; exit 1 where one fails.
"""

import argparse
import hashlib
import importlib
import json
import pathlib
import re
import sys
import tempfile

failures = 0


def report(check, name, problem=None, **more):
    global failures
    failures += problem is not None
    print(json.dumps({"check": check, "file": name, "problem": problem, **more}), flush=True)


def module(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def unique(pairs):
    keys = [key for key, _ in pairs]
    assert len(keys) == len(set(keys)), f"a key stands twice in {keys}"
    return dict(pairs)


def lines(path):
    with open(path, encoding="utf-8", newline="") as file:
        return [json.loads(line, object_pairs_hook=unique) for line in file.read().split("\n")[:-1]]


# The rules of OpenAI's cookbook (data preparation for chat fine-tuning), and what the API adds: weights, tools, calls with their results.

MESSAGE_KEYS = {"role", "content", "name", "function_call", "weight", "tool_calls", "tool_call_id"}


def cookbook(messages, allowed=MESSAGE_KEYS, images=False):
    if not isinstance(messages, list) or not messages:
        return "no list of messages"
    waiting = []
    for place, message in enumerate(messages):
        if "role" not in message or "content" not in message:
            return f"message {place}: key missing"
        if any(key not in allowed for key in message):
            return f"message {place}: key unrecognised"
        if message["role"] not in ("system", "user", "assistant", "tool"):
            return f"message {place}: role unrecognised"
        content = message["content"]
        parts = isinstance(content, list) and images and message["role"] == "user"
        if not isinstance(content, str) and not parts:
            return f"message {place}: content is no string"
        if parts:
            for part in content:
                if part["type"] == "text" and isinstance(part["text"], str):
                    continue
                if part["type"] != "image_url" or not re.match(r"https://|data:image/(jpeg|png|webp);base64,", part["image_url"]["url"]):
                    return f"message {place}: part unrecognised"
        if message["role"] == "tool":
            if message["tool_call_id"] not in waiting:
                return f"message {place}: a result of no call"
            waiting.remove(message["tool_call_id"])
        elif waiting:
            return f"message {place}: calls are not answered"
        if "weight" in message and (message["role"] != "assistant" or message["weight"] not in (0, 1)):
            return f"message {place}: weight"
        for call in message.get("tool_calls", []):
            assert message["role"] == "assistant" and call["type"] == "function", "a call out of place"
            arguments = call["function"]["arguments"]
            assert isinstance(arguments, str) and isinstance(json.loads(arguments), dict), "arguments are no JSON object in a string"
            waiting.append(call["id"])
    return None


def short_ids(row):
    """OpenAI takes ids of calls of at most 40 characters."""
    for message in row.get("messages", row.get("input", {}).get("messages", [])):
        for identity in [message.get("tool_call_id", ""), *(call["id"] for call in message.get("tool_calls", []))]:
            assert len(identity) <= 40, "an id is too long"
    return None


def tools_rule(row):
    assert row.get("tools") != [] and len(row.get("tools", [])) <= 128, "an empty list of tools, or too many"
    for tool in row.get("tools", []):
        assert tool["type"] == "function" and isinstance(tool["function"]["parameters"], dict), "a tool's form"
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", tool["function"]["name"]), "a tool's name"
    return None


def openai_sft(row):
    assert isinstance(row, dict) and set(row) <= {"messages", "tools", "parallel_tool_calls"}, "keys"
    if not any(message["role"] == "assistant" for message in row["messages"]):
        return "no assistant message"
    return cookbook(row["messages"], images=True) or tools_rule(row) or short_ids(row)


def openai_dpo(row):
    assert set(row) == {"input", "preferred_output", "non_preferred_output"}, "keys"
    for key in ("preferred_output", "non_preferred_output"):
        assert len(row[key]) == 1 and row[key][0]["role"] == "assistant", key
    assert row["preferred_output"] != row["non_preferred_output"], "outputs are equal"
    assert row["input"]["messages"][-1]["role"] != "assistant", "the prompt ends with an answer"
    return cookbook(row["input"]["messages"]) or tools_rule(row["input"]) or short_ids(row)


def openai_rft(row):
    assert row["messages"][-1]["role"] == "user", "the last message is not the user's"
    assert isinstance(row["reference_answer"], str), "no reference"
    return cookbook(row["messages"], images=True) or tools_rule(row) or short_ids(row)


ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def short_id(text):
    number, out = int.from_bytes(hashlib.sha256(text.encode()).digest(), "big"), ""
    for _ in range(43):
        number, digit = divmod(number, 62)
        out = ALPHABET[digit] + out
    return out[:9]


KNOWN_IDS = {short_id(text) for text in ["a", "last", *(f"call-{step}" for step in range(9))]}


def mistral(row):
    roles = [message["role"] for message in row["messages"]]
    assert roles[-1] == "assistant" and "system" not in roles[1:], "roles"
    for message in row["messages"]:
        for call in message.get("tool_calls", []):
            assert re.fullmatch(r"[A-Za-z0-9]{9}", call["id"]) and call["id"] in KNOWN_IDS, call["id"]
            assert not message["content"].strip(), "speaks and calls"
    return cookbook(row["messages"])


def alternating(row):
    roles = [message["role"] for message in row["messages"] if message["role"] != "tool"]
    roles = roles[1:] if roles[0] == "system" else roles
    spoken = [role for place, role in enumerate(roles) if not (place and role == roles[place - 1] == "assistant")]
    assert spoken == ["user", "assistant"] * (len(spoken) // 2), roles
    return cookbook(row["messages"])


def gemini(row):
    assert set(row) <= {"systemInstruction", "contents", "tools"}, "keys"
    calls = []
    for content in row["contents"]:
        assert content["role"] in ("user", "model") and content["parts"], "role or parts"
        for part in content["parts"]:
            assert len(part) == 1 and set(part) <= {"text", "fileData", "functionCall", "functionResponse"}, part
            assert part.get("text") != "", "an empty text"
        responses = [part["functionResponse"] for part in content["parts"] if "functionResponse" in part]
        assert [response["name"] for response in responses] == [call["name"] for call in calls], "results do not follow their calls"
        assert all(isinstance(response["response"], dict) for response in responses), "a result is no object"
        calls = [part["functionCall"] for part in content["parts"] if "functionCall" in part]
        assert all(isinstance(call["args"], dict) for call in calls), "args are no object"
    assert row["contents"][-1]["role"] == "model", "the model does not speak last"
    for tool in [tool for entry in row.get("tools", []) for tool in entry["functionDeclarations"]]:
        assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}", tool["name"]), "a tool's name"
        assert not {"parameters", "parametersJsonSchema"} <= set(tool), "two schemas of one tool"
        if "parameters" in tool:
            assert tool["parameters"].get("properties"), "an object without properties"
            openapi(tool["parameters"])
    return None


OPENAPI = {"type", "format", "title", "description", "nullable", "default", "example", "items", "minItems", "maxItems", "enum", "properties", "propertyOrdering",
           "required", "minProperties", "maxProperties", "minimum", "maximum", "minLength", "maxLength", "pattern", "anyOf"}


def openapi(schema):
    """The part of OpenAPI 3.0 that Gemini's Schema has."""
    assert isinstance(schema, dict) and set(schema) <= OPENAPI, f"{sorted(set(schema) - OPENAPI)}"
    assert isinstance(schema.get("type", ""), str) and ("type" in schema or "anyOf" in schema), "a type"
    for inner in [*schema.get("properties", {}).values(), *schema.get("anyOf", []), *([schema["items"]] if "items" in schema else [])]:
        openapi(inner)


def anthropic(row):
    assert set(row) <= {"system", "messages"}, "keys"
    roles = [message["role"] for message in row["messages"]]
    assert len(roles) >= 2 and roles == ["user", "assistant"] * (len(roles) // 2), roles
    assert all(set(message) == {"role", "content"} and message["content"] for message in row["messages"]), "a message"
    return None


def sharegpt(row):
    names = [turn["from"] for turn in row["conversations"]]
    names = names[1:] if names[0] == "system" else names
    spoken = []
    for place, name in enumerate(names):
        if name == "observation":
            assert names[place - 1] == "function_call", "a result of no call"
        elif name == "function_call" and place + 1 < len(names):
            assert names[place + 1] == "observation", "a call is not answered"
        else:
            spoken.append("gpt" if name == "function_call" else name)
    assert spoken == ["human", "gpt"] * (len(spoken) // 2), names
    return None


def trl(row):
    assert isinstance(row.get("tools", "[]"), str), "tools are no text"
    for message in [message for key in ("messages", "prompt", "chosen", "rejected") for message in row.get(key, [])]:
        assert all(isinstance(call["function"]["arguments"], dict) for call in message.get("tool_calls", [])), "arguments are no object"
    return None


def promptfoo(row):
    for name, value in row["vars"].items():
        assert isinstance(value, str) and not re.search(r"\{[{%#]", value) and not re.match(r"file://|package:", value), name
    assert isinstance(json.loads(row["vars"]["conversation"]), list)
    jinja = module("jinja2")
    for item in row["assert"]:
        assert not re.match(r"file://|package:", item["value"]), item
        if jinja:
            jinja.Template(item["value"], keep_trailing_newline=True).render()
    if jinja:
        once = jinja.Template("{{ conversation }}").render(**row["vars"])
        twice = jinja.Template(once).render()
        assert json.loads(twice) == json.loads(row["vars"]["conversation"]), "rendering changes the conversation"
    return None


RULES = {
    "openai-sft": openai_sft, "openai-dpo": openai_dpo, "openai-rft": openai_rft, "mistral": mistral, "together": alternating,
    "vertex-gemini": gemini, "bedrock-anthropic": anthropic, "sharegpt": sharegpt, "trl": trl, "promptfoo": promptfoo,
    "chat": lambda row: cookbook(row["messages"], {"role", "content", "tool_calls", "tool_call_id"}),
    "catalyst-hf": lambda row: cookbook(row["messages"], images=True),
    "catalyst-source": lambda row: cookbook(row["request"]["messages"], images=True) or (None if row["request"]["model"] else "no model"),
}


def check_rules(entry, rows):
    rule = openai_dpo if entry["pairs"] and entry["format"] in ("together", "fireworks") else RULES.get(entry["format"])
    if rule is None:
        return
    problem = None
    for number, row in enumerate(rows, 1):
        try:
            found = rule(row)
        except (AssertionError, KeyError, TypeError, ValueError) as error:
            found = repr(error)
        if found:
            problem = f"row {number}: {found}"
            break
    report("rules", entry["file"], problem, rows=len(rows))


def check_uniform(entry, rows):
    """Keys, their order and types in every row as in the first, apart from the validator."""

    def shape(value):
        if isinstance(value, dict):
            return tuple((key, shape(inner)) for key, inner in value.items())
        if isinstance(value, list):
            inner = {shape(element) for element in value}
            return ("list", inner.pop() if len(inner) == 1 else f"{len(inner)} shapes")
        return type(value).__name__

    shapes = {shape(row) for row in rows}
    problem = None if len(shapes) == 1 and "shapes'" not in repr(shapes) else f"{len(shapes)} shapes: {sorted(map(repr, shapes))[:3]}"
    report("uniform", entry["file"], problem)


def check_datasets(datasets, entry, path, rows, cache):
    problem = None
    try:
        loaded = datasets.load_dataset("json", data_files=str(path), split="train", cache_dir=cache)
        if len(loaded) != entry["rows"]:
            problem = f"{len(loaded)} rows of {entry['rows']}"
        else:
            bad = next((number for number, (one, other) in enumerate(zip(loaded, rows), 1) if not same(one, other)), None)
            if bad:
                problem = f"row {bad} is read otherwise than it was written"
    except Exception as error:  # whatever the reader says, it did not read the file
        problem = f"{type(error).__name__}: {error}"[:400]
    isBound = entry["profile"] == "arrow-uniform"
    report(f"datasets {datasets.__version__}", entry["file"], problem if isBound else None, rows=entry["rows"], note=None if isBound else problem)


def same(one, other):
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


def check_inspect(entry, path, rows):
    from inspect_ai.dataset import FieldSpec, json_dataset

    fields = {"inspect": None, "plain": FieldSpec(input="input", target="ideal", id="id"), "openai-evals": FieldSpec(input="input", target="ideal")}
    if entry["format"] not in fields or entry["profile"] != "strict-vendor":
        return
    if entry["format"] == "plain":
        # Its messages are OpenAI's; Inspect has its own form of calls.
        rows = [row for row in rows if not any("tool_calls" in message for message in row["input"])]
        path = pathlib.Path(tempfile.mkdtemp()) / "plain.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    problem = None
    try:
        spec = fields[entry["format"]]
        samples = json_dataset(str(path), sample_fields=spec) if spec else json_dataset(str(path))
        if len(samples) != len(rows):
            problem = f"{len(samples)} samples of {len(rows)}"
        for number, (sample, row) in enumerate(zip(samples, rows), 1):
            target = row.get("target", row.get("ideal", ""))
            if sample.target != target or len(sample.input) != len(row["input"]):
                problem = f"row {number} is read otherwise"
            for message, written in zip(sample.input, row["input"]):
                calls = [(call.id, call.function, call.arguments) for call in getattr(message, "tool_calls", None) or []]
                wanted = [(call["id"], call["function"], call["arguments"]) for call in written.get("tool_calls", [])]
                if message.role != written["role"] or calls != wanted or (isinstance(written["content"], str) and message.content != written["content"]):
                    problem = problem or f"row {number}: a message is read otherwise"
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"[:400]
    report("inspect", entry["file"], problem, rows=len(rows))


def check_mistral(entry, rows):
    """Mistral's own validator, in the mode and version that mistral-finetune uses."""
    if entry["format"] != "mistral" or entry["profile"] != "strict-vendor":
        return
    from mistral_common.protocol.instruct.messages import FinetuningAssistantMessage, SystemMessage, ToolMessage, UserMessage
    from mistral_common.protocol.instruct.tool_calls import Tool
    from mistral_common.protocol.instruct.validator import MistralRequestValidatorV3, ValidationMode

    kinds = {"system": SystemMessage, "user": UserMessage, "assistant": FinetuningAssistantMessage, "tool": ToolMessage}
    validator = MistralRequestValidatorV3(ValidationMode.finetuning)
    problem = None
    for number, row in enumerate(rows, 1):
        try:
            # mistral-finetune takes the system prompt out before it validates.
            messages = [kinds[m["role"]](**{k: v for k, v in m.items() if k != "role"}) for m in row["messages"] if m["role"] != "system"]
            validator.validate_messages(messages)
            if row.get("tools"):
                # Names, descriptions, and the schemas by Draft7Validator.check_schema.
                validator._validate_tools([Tool(**tool) for tool in row["tools"]])
        except Exception as error:
            problem = f"row {number}: {type(error).__name__}: {error}"[:400]
            break
    report("mistral_common", entry["file"], problem, rows=len(rows))


def entries(folder):
    """What files.jsonl says, or the manifest of a data set."""
    if (folder / "files.jsonl").exists():
        return lines(folder / "files.jsonl")
    found = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["formats"]
    for entry in found:
        # Ids of calls as they were, which Mistral's are made of.
        for row in lines(folder / entry["file"]) if entry["format"] == "chat" else []:
            KNOWN_IDS.update(short_id(call["id"]) for message in row["messages"] for call in message.get("tool_calls", []))
    return found


def check_task(folder, path):
    yaml = module("yaml")
    if yaml is None:
        return
    task = yaml.safe_load(path.read_text())
    rows = lines(folder / task["dataset_kwargs"]["data_files"]["test"])
    if not rows:
        return
    row = rows[-1]
    problem = None
    jinja = module("jinja2")
    if jinja:
        # What lm-eval does with both: a column's name is its value; anything else is rendered, and read as a Python value where it is one.
        for key, column in (("doc_to_target", "target"), ("doc_to_decontamination_query", "prompt")):
            if task[key] != column or column not in row:
                problem = f"{key} is {task[key]!r}"
        said = jinja.Template(task["doc_to_text"], keep_trailing_newline=True).render(**row)
        wanted = (row["system"] + "\n\n" if row["system"] else "") + row["prompt"]
        problem = problem if said == wanted else f"{said!r} is not {wanted!r}"
    report("lm-eval task", path.name, problem)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--need", default="")
    options = parser.parse_args()
    for name in filter(None, options.need.split(",")):
        if module(name) is None:
            report("need", name, "is not installed")
    datasets, inspect, mistral_common = module("datasets"), module("inspect_ai"), module("mistral_common")
    if datasets:
        datasets.disable_progress_bars()
        datasets.utils.logging.set_verbosity(50)
    with tempfile.TemporaryDirectory() as cache:
        for entry in entries(options.folder):
            path = options.folder / entry["file"]
            rows = lines(path)
            if len(rows) != entry["rows"]:
                report("rows", entry["file"], f"{len(rows)} lines of {entry['rows']}")
            if not rows:
                continue
            if entry["profile"] == "strict-vendor":
                check_rules(entry, rows)
            else:
                check_uniform(entry, rows)
            if datasets:
                check_datasets(datasets, entry, path, rows, cache)
            if inspect:
                check_inspect(entry, path, rows)
            if mistral_common:
                check_mistral(entry, rows)
    for path in sorted(options.folder.glob("*.yaml")):
        check_task(options.folder, path)
    print(json.dumps({"failures": failures}))
    sys.exit(1 if failures else 0)


main()
