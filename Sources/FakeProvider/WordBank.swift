// SPDX-License-Identifier: Apache-2.0

/// Words and sentence patterns from which answers are made; `{x}` is a slot filled from the list of that name.
enum WordBank {
    static let general = [
        "The {adjective} part is the {noun}, because it {verb} the {noun} before the {noun} is ready.",
        "In practice, teams {action} the {noun} first and look at the {noun} afterwards.",
        "There are {number} things to check here: the {noun}, the {noun} and the {adjective} {noun}.",
        "If the {noun} {verb} the {noun}, you can safely {action} it.",
        "A {adjective} {noun} is usually enough, but watch the {noun} under load.",
        "I would {action} the {noun} now and revisit the {noun} next {period}.",
        "Note that the {noun} only {verb} the {noun} once per {period}.",
        "Overall, the {adjective} choice is to {action} the {noun} and keep the {noun} as it is.",
        "The {noun} was {adjective} at first, yet it {verb} the {noun} well enough.",
        "Compared with last {period}, the {noun} looks {adjective}, while the {noun} has hardly changed.",
        "One {adjective} detail: the {noun} and the {noun} share the same {noun}.",
        "Please {action} the {noun} within {number} days, otherwise the {noun} expires.",
    ]

    static let triage = [
        "Thanks for getting in touch, and sorry about the trouble with your {product}.",
        "I have set the priority to {priority} and passed this to the {team} team.",
        "This looks like a {cause}, which we have seen in {number} other reports this {period}.",
        "As a first step, please {step} and tell us whether the problem is still there.",
        "A refund for the {product} usually shows on your statement within {number} working days.",
        "Your {product} is covered by the warranty, so there is nothing to pay.",
        "If you still have the order confirmation, reply with the number and we will speed this up.",
        "We will get back to you by the end of the {period} with a definite answer.",
        "In the meantime you can track the case under the reference at the top of this message.",
        "The {team} team confirmed that the {cause} has been corrected on our side.",
    ]

    static let review = [
        "In `{name}`, the {construct} is never checked, so a {failure} goes unnoticed.",
        "The loop in `{name}` runs {number} times more often than needed; hoist the {construct} out of it.",
        "`{name}` mixes parsing and I/O; splitting it makes the {construct} testable.",
        "Consider a named constant instead of the literal {number}, since it appears again further down.",
        "There is no test for the case in which `{name}` meets an empty {construct}.",
        "The error path of `{name}` leaks the {construct}; release it in both branches.",
        "Naming: `{name}` says what it does but not which {construct} it changes.",
        "This is correct for small inputs, but a {failure} becomes likely with concurrent callers.",
        "Blocking: the {construct} is read before it is locked, which allows a {failure}.",
        "Otherwise this reads well, and the early return in `{name}` is a clear improvement.",
    ]

    static let slots: [String: [String]] = [
        "adjective": [
            "central", "simple", "surprising", "fragile", "robust", "costly", "recent", "clear", "risky", "stable", "modest",
        ],
        "noun": [
            "schedule", "contract", "report", "budget", "deployment", "forecast", "supplier", "dashboard", "customer", "index",
            "pipeline", "estimate", "warehouse", "policy", "summary", "invoice", "team", "release", "meeting", "backlog",
        ],
        "verb": ["replaces", "delays", "confirms", "improves", "blocks", "covers", "explains", "limits", "supports", "updates"],
        "action": ["review", "approve", "archive", "measure", "simplify", "postpone", "share", "replace", "document", "test"],
        "number": ["two", "three", "four", "five", "seven", "ten", "twelve"],
        "period": ["day", "week", "month", "quarter"],
        "product": ["order", "subscription", "router", "headset", "parcel", "account", "invoice", "coffee machine", "gift card"],
        "priority": ["low", "normal", "high", "urgent"],
        "team": ["billing", "shipping", "returns", "network", "accounts", "product"],
        "cause": [
            "duplicate charge", "delayed shipment", "login problem", "faulty adapter", "wrong address label", "sync error",
        ],
        "step": [
            "restart the device", "check the tracking page", "sign out and in again", "send us a photo of the label",
            "update the app", "compare the two amounts on your statement",
        ],
        "construct": [
            "return value", "optional", "file handle", "lock", "index", "buffer", "timeout", "connection", "list", "map entry",
        ],
        "failure": ["race", "silent truncation", "stale read", "off-by-one error", "deadlock", "partial write", "memory leak"],
    ]

    static let fragments = ["north", "delta", "amber", "cedar", "orbit", "maple", "river", "stone", "lumen", "harbor"]
}
