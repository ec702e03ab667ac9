# SPDX-License-Identifier: Apache-2.0
"""Writes a planted set for redaction: secrets and personal data in sentences, code, JSON and logs, and near misses beside them.

    redaction_set.py FILE [--seed N] [--positives N] [--near N]

Each line: {"id", "kind", "group", "text", "start", "end"}: the value is text[start:end], in characters; near misses have
`kind` null, start and end 0, and the kind they look like in `group`. Every value is random: none of them opens anything. Values follow the
published shape of their kind and the checks of its standard (Luhn, ISO 7064, RFC 4291), written here apart from the program's.
"""
import argparse
import base64
import json
import random
import string

LOWER, UPPER, DIGITS = string.ascii_lowercase, string.ascii_uppercase, string.digits
ALNUM = LOWER + UPPER + DIGITS
HEX = "0123456789abcdef"
FIRST = ["anna", "ben", "carla", "dmitri", "elena", "farid", "grace", "hugo", "ines", "jonas", "keiko", "liam", "mara", "nils", "olga", "pavel"]
LAST = ["smith", "okafor", "garcia", "nguyen", "kowalski", "silva", "haddad", "larsen", "rossi", "tanaka", "moreau", "jensen"]
DOMAINS = ["example.com", "mail.example.org", "acme-corp.co.uk", "uni-koeln.de", "startup.io", "corp.example.net", "posteo.de", "firma.com.br"]


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, items):
        return self.random.choice(items)

    def some(self, alphabet, count):
        return "".join(self.random.choice(alphabet) for _ in range(count))

    def mixed(self, alphabet, count):
        while True:
            text = self.some(alphabet, count)
            if any(c.isdigit() for c in text) and any(c.isalpha() for c in text):
                return text

    # Secrets

    def openai(self):
        return self.pick([
            lambda: "sk-proj-" + self.mixed(ALNUM + "-_", 58) + "T3BlbkFJ" + self.mixed(ALNUM + "_-", 57) + "A",
            lambda: "sk-" + self.mixed(ALNUM, 20) + "T3BlbkFJ" + self.mixed(ALNUM, 20),
            lambda: "sk-svcacct-" + self.mixed(ALNUM + "-_", 74) + "T3BlbkFJ" + self.mixed(ALNUM, 74)])()

    def anthropic(self):
        return self.pick(["sk-ant-api03-", "sk-ant-admin01-"]) + self.mixed(ALNUM + "_-", 93) + "AA"

    def aws_id(self):
        return self.pick(["AKIA", "ASIA"]) + self.mixed(UPPER + "234567", 16)

    def aws_secret(self):
        return self.mixed(ALNUM + "/+", 40)

    def gcp(self):
        return "AIza" + self.mixed(ALNUM + "-_", 34) + self.pick(ALNUM)

    def github(self):
        return self.pick([
            lambda: self.pick(["ghp_", "gho_", "ghu_", "ghs_", "ghr_"]) + self.mixed(ALNUM, 36),
            lambda: "github_pat_" + self.mixed(ALNUM, 22) + "_" + self.mixed(ALNUM, 59)])()

    def slack(self):
        return self.pick([
            lambda: "xoxb-" + self.some(DIGITS, 12) + "-" + self.some(DIGITS, 13) + "-" + self.mixed(ALNUM, 24),
            lambda: "xoxp-" + "-".join(self.some(DIGITS, 12) for _ in range(3)) + "-" + self.mixed(HEX, 32),
            lambda: "xapp-1-A" + self.some(DIGITS, 10) + "-" + self.some(DIGITS, 13) + "-" + self.mixed(HEX, 64)])()

    def slack_hook(self):
        return "https://hooks.slack.com/services/T" + self.some(UPPER + DIGITS, 10) + "/B" + self.some(UPPER + DIGITS, 10) + "/" + self.mixed(ALNUM, 24)

    def stripe(self):
        return self.pick(["sk_live_", "rk_live_", "sk_test_"]) + self.mixed(ALNUM, self.pick([24, 99]))

    def twilio(self):
        return "SK" + self.mixed(HEX, 32)

    def sendgrid(self):
        return "SG." + self.mixed(ALNUM + "-_", 21) + self.pick(ALNUM) + "." + self.mixed(ALNUM + "-_", 42) + self.pick(ALNUM)

    def huggingface(self):
        return "hf_" + self.mixed(ALNUM, 34)

    def jwt(self):
        def part(value):
            return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).rstrip(b"=").decode()
        claims = {"sub": self.some(DIGITS, 10), "name": self.pick(FIRST).title(), "iat": 1_700_000_000 + self.random.randrange(10**7)}
        head = self.pick([{"alg": "HS256", "typ": "JWT"}, {"alg": "RS256", "kid": self.some(HEX, 8)}])
        return part(head) + "." + part(claims) + "." + self.mixed(ALNUM + "-_", 42) + self.pick(ALNUM)

    def private_key(self):
        label = self.pick(["RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY"])
        lines = [self.mixed(ALNUM + "+/", 64) for _ in range(self.random.randint(3, 12))] + [self.mixed(ALNUM + "+/", 30) + "=="]
        return f"-----BEGIN {label}-----\n" + "\n".join(lines) + f"\n-----END {label}-----"

    def password(self):
        word = self.pick(["Sommer", "hunter", "Tr0ub4dor", "dragon", "Qwertz", "letmein", "P4ss", "wolke", "Maple"])
        return self.pick([
            lambda: word + self.some(DIGITS, 4) + self.pick("!#%+?$&*"),
            lambda: self.mixed(ALNUM, 12), lambda: self.mixed(ALNUM, 10) + self.pick("!#*+") + self.mixed(ALNUM, 4),
            lambda: word.lower() + self.pick("-_.") + self.pick(["tiger", "river", "stone"]) + self.some(DIGITS, 2)])()

    def opaque(self):
        return self.pick([
            lambda: self.mixed(ALNUM, self.pick([24, 32, 40, 48])), lambda: self.mixed(HEX, self.pick([32, 40, 64])),
            lambda: base64.b64encode(bytes(self.random.randrange(256) for _ in range(32))).decode(),
            lambda: "-".join(self.some(HEX, n) for n in (8, 4, 4, 4, 12))])()

    # Personal data

    def email(self):
        name = self.pick(FIRST) + self.pick([".", "_", "", "-"]) + self.pick(LAST) + self.pick(["", "", str(self.random.randrange(100)), "+news"])
        return (name if self.random.random() < 0.8 else name.title()) + "@" + self.pick(DOMAINS)

    def nanp(self):
        return self.pick("23456789") + self.some("023456789", 2), self.pick("23456789") + self.some("023456789", 2), self.some(DIGITS, 4)

    def phone(self):
        a, b, c = self.nanp()
        d = self.some(DIGITS, 4)
        return self.pick([
            f"({a}) {b}-{c}", f"{a}-{b}-{c}", f"+1 {a} {b} {c}", f"+1-{a}-{b}-{c}", f"{a}.{b}.{c}", f"1-{a}-{b}-{c}",
            f"+49 30 {self.some('123456789', 1)}{self.some(DIGITS, 6)}", f"+44 20 7{self.some(DIGITS, 3)} {d}",
            f"+33 {self.pick('1234567')} " + " ".join(self.some(DIGITS, 2) for _ in range(4)), f"0{self.pick('67')} " + " ".join(self.some(DIGITS, 2) for _ in range(4)),
            f"030 {self.some('123456789', 1)}{self.some(DIGITS, 6)}", f"+91 9{self.some(DIGITS, 4)} {self.some(DIGITS, 5)}",
            f"+55 11 9{self.some(DIGITS, 4)}-{d}", f"+81-3-{self.some('3456789', 1)}{self.some(DIGITS, 3)}-{d}"])

    @staticmethod
    def luhn(digits):
        total = 0
        for place, digit in enumerate(reversed(digits + "0")):
            value = int(digit) * (2 if place % 2 else 1)
            total += value - 9 if value > 9 else value
        return digits + str(-total % 10)

    def card_digits(self):
        lead, count = self.pick([("4", 16), ("51", 16), ("55", 16), ("2221", 16), ("34", 15), ("37", 15), ("6011", 16), ("3528", 16), ("36", 14)])
        return self.luhn(lead + self.some(DIGITS, count - 1 - len(lead)))

    def card(self):
        digits = self.card_digits()
        if len(digits) == 16:
            return self.pick(["", " ", "-"]).join(digits[i:i + 4] for i in range(0, 16, 4))
        if len(digits) == 15 and self.random.random() < 0.5:
            return f"{digits[:4]} {digits[4:10]} {digits[10:]}"
        return digits

    def iban_text(self):
        country, body = self.pick([
            ("DE", self.some(DIGITS, 18)), ("GB", self.some(UPPER, 4) + self.some(DIGITS, 14)), ("FR", self.some(DIGITS, 10) + self.some(UPPER + DIGITS, 11) + self.some(DIGITS, 2)),
            ("NL", self.some(UPPER, 4) + self.some(DIGITS, 10)), ("ES", self.some(DIGITS, 20)), ("IT", self.some(UPPER, 1) + self.some(DIGITS, 10) + self.some(UPPER + DIGITS, 12)),
            ("CH", self.some(DIGITS, 5) + self.some(UPPER + DIGITS, 12)), ("PL", self.some(DIGITS, 24)), ("BE", self.some(DIGITS, 12)), ("SE", self.some(DIGITS, 20))])
        number = int("".join(str(int(c, 36)) for c in body + country + "00"))
        return country + f"{98 - number % 97:02d}" + body

    def iban(self):
        text = self.iban_text()
        return text if self.random.random() < 0.5 else " ".join(text[i:i + 4] for i in range(0, len(text), 4))

    def ssn(self):
        area = self.pick([n for n in range(1, 900) if n != 666])
        return f"{area:03d}-{self.random.randint(1, 99):02d}-{self.random.randint(1, 9999):04d}"

    def ip(self):
        if self.random.random() < 0.65:
            return ".".join(str(n) for n in (self.pick([10, 23, 52, 81, 104, 172, 185, 192, 203]), *(self.random.randint(0, 255) for _ in range(2)), self.random.randint(1, 254)))
        groups = [f"{self.random.randint(1, 0xFFFF):x}" for _ in range(8)]
        return self.pick([":".join(groups), "2001:db8:" + ":".join(groups[:2]) + "::" + groups[2], "fe80::" + ":".join(groups[:4])])


PLACES = [
    "My {n} is {v}, please update the record.", "{v}", "Here it is: {v}", "Use {v} for the test and tell me when it works.", "({v})",
    "The old one was wrong; the new one is {v}.", "- item\n- {v}\n- other", "\"{v}\"", "| {n} | {v} |", "2024-03-05T12:00:01Z INFO request from {v} done in 12 ms",
    "{{\"id\": 17, \"{n}\": \"{v}\"}}", "{{\"data\":{{\"{n}\":\"{v}\",\"ok\":true}}}}", "{{\"arguments\":\"{{\\\"{n}\\\":\\\"{v}\\\"}}\"}}", "curl -H 'x: {v}' https://api.example.com/v1/things",
    "请查看 {v} 谢谢", "Contact: {v}\nThanks!",
]
# Where a secret stands that only its name gives away.
NAMED = {
    "password": [
        "password={v}", "DB_PASSWORD='{v}'", "password: {v}", "\"password\": \"{v}\"", "PGPASSWORD={v} psql -h db", "pwd: \"{v}\"", "db_pass = \"{v}\"",
        "{{\"user\":\"root\",\"passwd\":\"{v}\"}}", "const password = '{v}';", "spring.datasource.password={v}", "passphrase: {v}",
        "My password is {v}", "Log in with user bob and password {v}",
    ],
    "generic": [
        "client_secret={v}", "API_KEY={v}", "\"api_key\": \"{v}\"", "secret_key = '{v}'", "\"access_token\":\"{v}\"", "auth_token: {v}", "TOKEN=\"{v}\"",
        "x-api-key: {v}", "export SECRET={v}", "{{\"refresh_token\": \"{v}\"}}", "apiKey: '{v}',", "token = \"{v}\"", "webhook secret: {v}",
        "Authorization: Bearer {v}",
    ],
    "aws_secret": ["aws_secret_access_key = {v}", "AWS_SECRET_ACCESS_KEY={v}", "\"SecretAccessKey\": \"{v}\"", "secret_access_key: \"{v}\""],
    "url_password": ["postgres://app:{v}@db.example.com:5432/main", "redis://:{v}@cache.internal:6379/0", "https://deploy:{v}@git.example.org/x.git", "amqp://guest:{v}@mq.example.net"],
}
SHAPED = ["openai", "anthropic", "aws_id", "gcp", "github", "slack", "slack_hook", "stripe", "twilio", "sendgrid", "huggingface", "jwt", "private_key"]
PERSONAL = ["email", "phone", "card", "iban", "ssn", "ip"]
NAMES = {"email": "email", "phone": "phone", "card": "card", "iban": "iban", "ssn": "ssn", "ip": "ip"}


def positives(make, count):
    groups = SHAPED + list(NAMED) + PERSONAL
    for number in range(count):
        group = groups[number % len(groups)]
        if group in NAMED:
            value = make.opaque() if group == "generic" else make.aws_secret() if group == "aws_secret" else make.password() if group == "password" else make.mixed(ALNUM, 14)
            template = make.pick(NAMED[group])
        else:
            value = getattr(make, group)()
            template = make.pick([p for p in PLACES if group != "private_key" or "2024" not in p])
        escaped = "\\\"" in template
        shown = value
        if template.startswith("{{"):
            shown = json.dumps(value, ensure_ascii=False)[1:-1]
            if escaped:
                shown = json.dumps(shown, ensure_ascii=False)[1:-1]
        head, tail = template.split("{v}")
        head, tail = (part.replace("{n}", NAMES.get(group, "value")).replace("{{", "{").replace("}}", "}") for part in (head, tail))
        kind = group if group in PERSONAL else "secret"
        yield {"kind": kind, "group": group, "text": head + shown + tail, "start": len(head), "end": len(head) + len(shown)}


def near_misses(make):
    """What looks like a value and is none: by the checks of its kind, or because of what it says."""
    def bad_luhn():
        digits = make.card_digits()
        return digits[:-1] + str((int(digits[-1]) + make.random.randint(1, 9)) % 10)

    def bad_iban():
        text = make.iban_text()
        return text[:2] + f"{(int(text[2:4]) + make.random.randint(1, 90)) % 97:02d}" + text[4:]

    def uuid():
        return "-".join(make.some(HEX, n) for n in (8, 4, 4, 4, 12))
    rules = {
        "secret": [
            lambda: f"commit {make.some(HEX, 40)}", lambda: f"sha256:{make.some(HEX, 64)}", lambda: f"request id {uuid()}", lambda: f"etag \"{make.some(HEX, 32)}\"",
            lambda: "sk-learn-pipeline-config-v" + make.some(DIGITS, 2), lambda: "task-" + "-".join(make.pick(LAST) for _ in range(4)),
            lambda: "AKIA is the prefix of access key ids", lambda: "AKIA" + make.some(LOWER, 16), lambda: "set OPENAI_API_KEY to your key", lambda: "api_key=YOUR_API_KEY_HERE",
            lambda: "password=\"\"", lambda: "password: str", lambda: "password = getpass.getpass()", lambda: "password=${DB_PASSWORD}", lambda: "password: <your password>",
            lambda: "token = tokenizer.next()", lambda: f"max_tokens: {make.random.randint(100, 9999)}", lambda: f"\"next_page_token\": \"{make.mixed(ALNUM, 40)}\"",
            lambda: "secret = os.environ[\"CLIENT_SECRET\"]", lambda: "The secret: work hard and be kind.", lambda: f"cache_key: {make.some(HEX, 32)}",
            lambda: "hf_hub_download(repo_id=\"bert-base-uncased\")", lambda: "ghp_ is how tokens of GitHub begin", lambda: "npm_config_registry=https://registry.example.com",
            lambda: f"data:image/png;base64,{make.some(ALNUM + '+/', 60)}", lambda: "-----BEGIN CERTIFICATE-----\n" + make.some(ALNUM, 64) + "\n-----END CERTIFICATE-----",
            lambda: "-----BEGIN PUBLIC KEY-----\n" + make.some(ALNUM, 64) + "\n-----END PUBLIC KEY-----", lambda: "eyJ is how base64 of JSON begins", lambda: "password must have 8 characters",
            lambda: "PASSWORD_MIN_LENGTH=12", lambda: f"primary_key = order-{make.some(DIGITS, 6)}", lambda: "foreign_key: customer_id", lambda: f"public_key_id: {make.some(DIGITS, 8)}",
            lambda: "keyboard key: Ctrl+Shift+P", lambda: f"chatcmpl-{make.mixed(ALNUM, 29)}", lambda: f"msg_{make.mixed(ALNUM, 24)}", lambda: f"toolu_{make.mixed(ALNUM, 24)}",
            lambda: "postgres://app:${PGPASSWORD}@db/main", lambda: "secret santa: " + make.pick(FIRST).title(),
            lambda: "risk-" + make.some(LOWER, 20), lambda: f"desk-{make.mixed(LOWER + DIGITS, 24)}", lambda: "def reset_password(token: str) -> None:",
            lambda: f"integrity=\"sha512-{base64.b64encode(bytes(make.random.randrange(256) for _ in range(64))).decode()}\"",
        ],
        "email": [
            lambda: "icon@2x.png", lambda: f"lodash@4.17.{make.random.randint(1, 30)}", lambda: f"git@github.com:{make.pick(LAST)}/repo.git", lambda: "@decorator\ndef f(): pass", lambda: "user@localhost",
            lambda: f"@{make.pick(FIRST)}_{make.pick(LAST)} thanks!", lambda: "import x from '@scope/package'", lambda: "5 apples @ 2.50 each", lambda: "a@b", lambda: f"actions/checkout@v{make.random.randint(2, 5)}",
            lambda: "name [at] example [dot] com is how some hide it", lambda: "docker pull repo@sha256:" + make.some(HEX, 64),
        ],
        "phone": [
            lambda: f"order {make.some('123456789', 1)}{make.some(DIGITS, 9)}", lambda: f"2024-{make.random.randint(10, 12)}-{make.random.randint(10, 28)} 12:30:45", lambda: f"timestamp 17{make.some(DIGITS, 8)}",
            lambda: f"{make.some('123456789', 1)},{make.some(DIGITS, 3)},{make.some(DIGITS, 3)}", lambda: f"pi is 3.14159{make.some(DIGITS, 6)}", lambda: f"version 10.{make.some('123456789', 1)}.{make.some(DIGITS, 3)}",
            lambda: f"pages 120-135, 200-{make.some('23456789', 1)}10", lambda: f"ISBN 978-3-16-1484{make.some(DIGITS, 2)}-0", lambda: f"lines 100-200-3000 of log {make.some(DIGITS, 3)}", lambda: f"error 0x{make.some(HEX, 8)}",
            lambda: f"id={make.some('123456789', 1)}{make.some(DIGITS, 10)}", lambda: uuid(), lambda: f"{make.random.randint(1900, 2030)}/{make.random.randint(10, 12)}/{make.random.randint(10, 28)}",
        ],
        "card": [
            bad_luhn, lambda: f"order number {bad_luhn()}", lambda: make.luhn("9" + make.some("1234567", 14)), lambda: f"0.{make.card_digits()}", lambda: f"hash {make.card_digits()}ab{make.some(HEX, 6)}",
            lambda: f"id_{make.card_digits()}_x", lambda: f"{bad_luhn()[:4]}-{make.some(DIGITS, 4)}", lambda: f"trace {make.some(DIGITS, 24)}",
        ],
        "iban": [
            bad_iban, lambda: f"pay to {bad_iban()}", lambda: "XX" + make.some(DIGITS, 20), lambda: "DE" + make.some(DIGITS, 12), lambda: make.iban_text() + make.some(DIGITS, 3),
            lambda: f"SKU GB{make.some(DIGITS, 8)}", lambda: f"flight DE{make.some(DIGITS, 4)}",
        ],
        "ssn": [
            lambda: f"000-{make.random.randint(10, 99)}-{make.some('123456789', 4)}", lambda: f"666-{make.random.randint(10, 99)}-{make.some('123456789', 4)}", lambda: f"9{make.some(DIGITS, 2)}-{make.random.randint(10, 60)}-{make.some('123456789', 4)}",
            lambda: f"{make.random.randint(100, 899)}-00-{make.some('123456789', 4)}", lambda: f"{make.random.randint(100, 899)}-{make.random.randint(10, 99)}-0000", lambda: f"part {make.some('123456789', 3)}-{make.some('123456789', 2)}-{make.some('123456789', 4)}-{make.some('123456789', 2)}",
            lambda: f"invoice {make.some('12345678', 9)}", lambda: f"{make.some('123456789', 2)}-{make.some('123456789', 7)}", lambda: "123-45-6789 is what samples print",
        ],
        "ip": [
            lambda: f"version {make.random.randint(1, 20)}.{make.random.randint(0, 9)}.{make.random.randint(0, 9)}.{make.random.randint(0, 99)}", lambda: f"Chrome/{make.random.randint(90, 140)}.0.{make.random.randint(1000, 7000)}.0",
            lambda: f"{make.random.randint(256, 999)}.1.2.3", lambda: f"1.2.3.4.{make.random.randint(1, 9)}", lambda: f"v{make.random.randint(1, 9)}.2.3.4", lambda: "127.0.0.1", lambda: "255.255.255.0", lambda: "12:30:45",
            lambda: ":".join(make.some(HEX, 2) for _ in range(6)), lambda: "std::vector::begin", lambda: f"section {make.random.randint(1, 9)}.{make.random.randint(1, 9)}.{make.random.randint(1, 9)}", lambda: "0.0.0.0",
        ],
    }
    return rules


def write(path, seed, positive_count, near_count):
    make = Maker(seed)
    rows = list(positives(make, positive_count))
    rules = near_misses(make)
    kinds = list(rules)
    for number in range(near_count):
        kind = kinds[number % len(kinds)]
        value = make.pick(rules[kind])()
        template = make.pick(["{v}", "See {v} for details.", "{v}\n", "Here: {v}", "log: {v} ok"])
        rows.append({"kind": None, "group": kind, "text": template.replace("{v}", value), "start": 0, "end": 0})
    make.random.shuffle(rows)
    with open(path, "w", encoding="utf-8") as file:
        for number, row in enumerate(rows):
            file.write(json.dumps({"id": number, **row}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--positives", type=int, default=1150)
    parser.add_argument("--near", type=int, default=1050)
    options = parser.parse_args()
    write(options.file, options.seed, options.positives, options.near)
