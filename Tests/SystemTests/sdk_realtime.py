# SPDX-License-Identifier: Apache-2.0
"""The openai SDK's realtime client: one WebSocket, one response.

Usage: sdk_realtime.py PROVIDER_BASE_URL WEIR_BASE_URL
"""

import sys

from sdk_common import check, dump
from sdk_openai import client


def realtime(side):
    """A session with one response in text and one in sound."""
    events = []
    with client(side).realtime.connect(model="gpt-realtime", extra_headers=side.headers) as connection:
        for modality in ["text", "audio"]:
            connection.session.update(session={"type": "realtime", "output_modalities": [modality]})
            connection.conversation.item.create(
                item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]})
            connection.response.create()
            for event in connection:
                events.append(dump(event))
                if event.type == "response.done":
                    break
    assert events[-1]["response"]["usage"]["output_tokens"] > 0
    side.tell("openai", "openai-realtime", status=101)
    return events


if __name__ == "__main__":
    check(sys.argv[1], sys.argv[2], [("realtime", realtime, ["current", "older"])])
