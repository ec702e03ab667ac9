// SPDX-License-Identifier: Apache-2.0
import Instrumenting
import Testing

/// One text, what it becomes, and how many places stay undecided.
struct Sample: Sendable, CustomTestStringConvertible {
    let claim: String
    let name: String
    let text: String
    let changed: String?
    let undecided: Int

    init(_ claim: String, _ name: String, _ text: String, _ changed: String?, undecided: Int = 0) {
        self.claim = claim
        self.name = name
        self.text = text
        self.changed = changed
        self.undecided = undecided
    }

    var testDescription: String { claim }
}

@Suite struct ReaderTests {
    static let python: [Sample] = [
        Sample("a comment is left", "a.py", "from openai import OpenAI\n# OpenAI()\n", nil),
        Sample("a string is left", "a.py", "from openai import OpenAI\nx = 'OpenAI()' \"\"\"OpenAI()\n'\"\"\"\n", nil),
        Sample(
            "a backslash hides a quote in a raw string too", "a.py", "from openai import OpenAI\nx = r'\\' OpenAI()'\n", nil),
        Sample(
            "quotes inside a format string are strings of their own", "a.py",
            "from openai import OpenAI\nx = f\"{d[\"OpenAI()\"]!r:>{w}} OpenAI()\"\nc = OpenAI()\n",
            "from openai import OpenAI\nx = f\"{d[\"OpenAI()\"]!r:>{w}} OpenAI()\"\nc = OpenAI(base_url=\"http://127.0.0.1:8080/v1\")\n"
        ),
        Sample("a name from elsewhere is left", "a.py", "from mine import OpenAI\nOpenAI()\n", nil),
        Sample("a relative import is left", "a.py", "from .openai import OpenAI\nOpenAI()\n", nil),
        Sample("a class of our own is left", "a.py", "from openai import OpenAI\nclass OpenAI: pass\nOpenAI()\n", nil),
        Sample("an attribute of something else is left", "a.py", "import openai\nx.openai.OpenAI()\nself.OpenAI()\n", nil),
        Sample(
            "an aliased module is known", "a.py", "import openai as oa\nc = oa.AsyncOpenAI()\n",
            "import openai as oa\nc = oa.AsyncOpenAI(base_url=\"http://127.0.0.1:8080/v1\")\n"),
        Sample(
            "all names of a package are known", "a.py", "from groq import *\nGroq(timeout=3,)\n",
            "from groq import *\nGroq(timeout=3, base_url=\"http://127.0.0.1:8080\",)\n"),
        Sample(
            "single quotes are kept", "a.py", "from anthropic import Anthropic\nc = Anthropic(api_key=get('k'))\n",
            "from anthropic import Anthropic\nc = Anthropic(api_key=get('k'), base_url='http://127.0.0.1:8080')\n"),
        Sample(
            "a comment after the last argument stays its own", "a.py",
            "from openai import OpenAI\nc = OpenAI(\n  timeout=3 # three\n)\n",
            "from openai import OpenAI\nc = OpenAI(\n  timeout=3, # three\n  base_url=\"http://127.0.0.1:8080/v1\"\n)\n"),
        Sample(
            "an existing address of the provider is replaced, its path kept", "a.py",
            "from openai import OpenAI\nc = OpenAI(base_url='https://api.openai.com/v1/')\n",
            "from openai import OpenAI\nc = OpenAI(base_url='http://127.0.0.1:8080/v1/')\n"),
        Sample(
            "no base URL is a base URL to write", "a.py", "from openai import OpenAI\nc = OpenAI(base_url=None)\n",
            "from openai import OpenAI\nc = OpenAI(base_url=\"http://127.0.0.1:8080/v1\")\n"),
        Sample(
            "an address elsewhere is left", "a.py", "from openai import OpenAI\nOpenAI(base_url='http://vllm:8000/v1')\n", nil,
            undecided: 1),
        Sample("a variable address is left", "a.py", "from openai import OpenAI\nOpenAI(base_url=URL)\n", nil, undecided: 1),
        Sample(
            "spread arguments are left", "a.py", "from openai import OpenAI\nOpenAI(**{'base_url': 'x'})\n", nil, undecided: 1),
        Sample(
            "an Azure client without endpoint is left", "a.py", "from openai import AzureOpenAI\nAzureOpenAI()\n", nil,
            undecided: 1),
        Sample(
            "Vertex through google-genai is left", "a.py", "from google import genai\ngenai.Client(vertexai=True)\n", nil,
            undecided: 1),
        Sample(
            "Mistral behind the openai SDK is told by a header", "a.py",
            "from openai import OpenAI\nOpenAI(base_url=\"https://api.mistral.ai/v1\")\n",
            "from openai import OpenAI\nOpenAI(base_url=\"http://127.0.0.1:8080/v1\", default_headers={\"x-inference-provider\": \"mistral\"})\n"
        ),
        Sample(
            "headers that are needed but not written out stop it all", "a.py",
            "from openai import OpenAI\nOpenAI(base_url=\"https://api.x.ai/v1\", default_headers=h)\n", nil, undecided: 1),
        Sample("a partial is named", "a.py", "from openai import OpenAI\nm = partial(OpenAI, timeout=3)\n", nil, undecided: 1),
        Sample("a type is no client", "a.py", "from openai import OpenAI\ndef f(c: OpenAI) -> OpenAI: ...\n", nil),
        Sample("a request by hand is named", "a.py", "requests.post('https://api.openai.com/v1/models')\n", nil, undecided: 1),
        Sample(
            "the module without a client is named", "a.py", "import openai\nopenai.chat.completions.create()\n", nil, undecided: 1
        ),
        Sample("S3 is no LLM", "a.py", "import boto3\nboto3.client('s3')\n", nil),
        Sample(
            "a string that is not closed is named", "a.py", "from openai import OpenAI\nOpenAI(api_key='x\n)\n", nil, undecided: 1
        ),
        Sample("an unclosed call is named", "a.py", "from openai import OpenAI\nOpenAI(timeout=3\n", nil, undecided: 1),
    ]

    static let script: [Sample] = [
        Sample("a comment is left", "a.ts", "import OpenAI from 'openai';\n// new OpenAI()\n/* new OpenAI() */\n", nil),
        Sample(
            "a template is left", "a.ts", "import OpenAI from 'openai';\nconst t = `new OpenAI() ${`}`} new OpenAI()`;\n", nil),
        Sample("a regular expression is left", "a.js", "import OpenAI from 'openai';\nconst r = /[/'] new OpenAI()/g;\n", nil),
        Sample("a type import is left", "a.ts", "import type OpenAI from 'openai';\nnew OpenAI();\n", nil),
        Sample("a name from elsewhere is left", "a.ts", "import OpenAI from './openai';\nnew OpenAI();\n", nil),
        Sample("a call without new is left", "a.ts", "import OpenAI from 'openai';\nOpenAI();\n", nil),
        Sample(
            "a division is no regular expression", "a.js",
            "import OpenAI from 'openai';\nconst a = b / c; new OpenAI(); d / e;\n",
            "import OpenAI from 'openai';\nconst a = b / c; new OpenAI({ baseURL: 'http://127.0.0.1:8080/v1' }); d / e;\n"),
        Sample(
            "a required default is known", "a.cjs", "const Sdk = require(\"@anthropic-ai/sdk\").default\nnew Sdk({})\n",
            "const Sdk = require(\"@anthropic-ai/sdk\").default\nnew Sdk({ baseURL: \"http://127.0.0.1:8080\" })\n"),
        Sample(
            "a renamed export is known", "a.ts", "import { OpenAI as Client } from \"openai\"\nx = new Client({ timeout: 1 })\n",
            "import { OpenAI as Client } from \"openai\"\nx = new Client({ timeout: 1, baseURL: \"http://127.0.0.1:8080/v1\" })\n"
        ),
        Sample(
            "an awaited import is known", "a.mjs", "const { default: OpenAI } = await import(\"openai\")\nnew OpenAI()\n",
            "const { default: OpenAI } = await import(\"openai\")\nnew OpenAI({ baseURL: \"http://127.0.0.1:8080/v1\" })\n"),
        Sample(
            "a method among the options is no spread", "a.ts",
            "import OpenAI from \"openai\"\nnew OpenAI({ fetch(u) { return go(u) } })\n",
            "import OpenAI from \"openai\"\nnew OpenAI({ fetch(u) { return go(u) }, baseURL: \"http://127.0.0.1:8080/v1\" })\n"),
        Sample(
            "a fall-back address is replaced", "a.ts",
            "import OpenAI from \"openai\"\nnew OpenAI({ baseURL: process.env.X_URL ?? \"https://api.openai.com/v1\" })\n",
            "import OpenAI from \"openai\"\nnew OpenAI({ baseURL: process.env.X_URL ?? \"http://127.0.0.1:8080/v1\" })\n"),
        Sample(
            "a factory of the Vercel AI SDK gets its provider's path", "a.ts",
            "import { createAnthropic } from \"@ai-sdk/anthropic\"\ncreateAnthropic({})\n",
            "import { createAnthropic } from \"@ai-sdk/anthropic\"\ncreateAnthropic({ baseURL: \"http://127.0.0.1:8080/v1\" })\n"),
        Sample(
            "Google's factory goes by two names", "a.ts",
            "import { createGoogle, createGoogleGenerativeAI } from '@ai-sdk/google'\ncreateGoogle({});createGoogleGenerativeAI({})\n",
            "import { createGoogle, createGoogleGenerativeAI } from '@ai-sdk/google'\ncreateGoogle({ baseURL: 'http://127.0.0.1:8080/v1beta' });createGoogleGenerativeAI({ baseURL: 'http://127.0.0.1:8080/v1beta' })\n"
        ),
        Sample(
            "OpenRouter's factory is told by a header", "a.ts",
            "import { createOpenRouter } from '@openrouter/ai-sdk-provider'\ncreateOpenRouter({ a })\n",
            "import { createOpenRouter } from '@openrouter/ai-sdk-provider'\ncreateOpenRouter({\n  a,\n  baseURL: 'http://127.0.0.1:8080/api/v1',\n  headers: { 'x-inference-provider': 'openrouter' },\n})\n"
        ),
        Sample("a spread is left", "a.ts", "import OpenAI from 'openai';\nnew OpenAI({ ...o });\n", nil, undecided: 1),
        Sample("a variable is left", "a.ts", "import OpenAI from 'openai';\nnew OpenAI(o);\n", nil, undecided: 1),
        Sample("a computed option is left", "a.ts", "import OpenAI from 'openai';\nnew OpenAI({ [k]: 1 });\n", nil, undecided: 1),
        Sample(
            "a shorthand address is left", "a.ts", "import OpenAI from 'openai';\nnew OpenAI({ baseURL });\n", nil, undecided: 1),
        Sample("a subclass is named", "a.ts", "import OpenAI from 'openai';\nclass A extends OpenAI {}\n", nil, undecided: 1),
    ]

    static let variables: [Sample] = [
        Sample("a comment is left", ".env", "#OPENAI_BASE_URL=https://api.openai.com/v1\n", nil),
        Sample(
            "exports and quotes are kept", ".env", "export OPENAI_BASE_URL='https://api.openai.com/v1'\n",
            "export OPENAI_BASE_URL='http://127.0.0.1:8080/v1'\n"),
        Sample(
            "another provider goes by the path", ".env.local", "OPENAI_BASE_URL=https://api.mistral.ai/v1\n",
            "OPENAI_BASE_URL=http://127.0.0.1:8080/p/mistral/v1\n"),
        Sample("an empty value is left", ".env", "OPENAI_BASE_URL=\n", nil),
        Sample("an address elsewhere is left", ".env", "OPENAI_BASE_URL=http://vllm:8000/v1\n", nil, undecided: 1),
        Sample(
            "loopback in a container is not what it seems", "compose.yaml", "e:\n  OPENAI_BASE_URL: https://api.openai.com/v1\n",
            nil, undecided: 1),
        Sample("a here-document is left", "a.sh", "cat <<-'X'\ncurl https://api.openai.com/v1\n\tX\n", nil),
        Sample("a single-quoted text is left", "a.sh", "echo 'curl https://api.openai.com/v1'\n", nil),
        Sample(
            "commands in quotes are commands", "a.sh", "x=\"a $(curl \"https://api.openai.com/v1/models\")\"\n",
            "x=\"a $(curl \"http://127.0.0.1:8080/v1/models\")\"\n"),
        Sample("a notebook is named", "a.ipynb", "{\"source\": [\"from openai import OpenAI\"]}\n", nil, undecided: 1),
        Sample("other files are not read", "a.go", "OPENAI_BASE_URL=https://api.openai.com/v1\n", nil),
    ]

    @Test(arguments: python + script + variables)
    func reads(sample: Sample) throws {
        let plan = TreePlan(text: Array(sample.text.utf8), name: sample.name, options: try InstrumentOptions())
        let changed = plan.changes.first.map { String(decoding: $0.changed, as: UTF8.self) }
        #expect(changed == sample.changed)
        #expect(plan.undecided.count == sample.undecided, "\(plan.words)")
    }

    @Test func hugeNestingEndsSoon() throws {
        let options = try InstrumentOptions(task: "t")
        let count = 3_000
        let texts: [(String, String)] = [
            ("a.py", "from openai import OpenAI\n" + String(repeating: "OpenAI(", count: count)),
            (
                "a.py",
                "from openai import OpenAI\n" + String(repeating: "OpenAI(", count: count) + String(repeating: ")", count: count)
            ),
            ("a.py", String(repeating: "f'{", count: count)), ("a.ts", String(repeating: "`${", count: count)),
            ("a.ts", String(repeating: "'\\", count: count)), ("a.ts", String(repeating: "=/[", count: count)),
            ("a.ts", "import OpenAI from 'openai'\n" + String(repeating: "new OpenAI({a:", count: count)),
            ("a.sh", String(repeating: "$(", count: count)), ("a.sh", String(repeating: "\"$(", count: count)),
            ("a.yaml", String(repeating: "- ", count: count)), (".env", String(repeating: "A", count: count)),
        ]
        for (name, text) in texts {
            _ = TreePlan(text: Array(text.utf8), name: name, options: options)
        }
    }
}
