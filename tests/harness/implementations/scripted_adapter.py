"""An adapter that answers from a table, for tests of what is made of answers.

Run as ``python scripted_adapter.py TABLE``. The table is JSON: under ``hello`` what to say of itself, under ``log`` a
file to write each line to, under ``answers`` for an operation and its question, as text, the bodies of the replies,
one for each time that it is asked, the last one for all times after; ``crash`` as body ends the process.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def main(path: str) -> None:
    table = json.loads(Path(path).read_text("utf-8"))
    times: dict[str, int] = {}
    sys.stderr.write("scripted\n")
    for line in sys.stdin:
        with Path(table["log"]).open("a", encoding="utf-8") as log:
            log.write(line)
        message = json.loads(line)
        if message["op"] == "bye":
            return
        key = f"{message['op']} {json.dumps(message['in'], sort_keys=True)}"
        bodies = (
            [{"ok": table["hello"]}]
            if message["op"] == "hello"
            else table["answers"].get(key, [table["else"]])
        )
        body = bodies[min(times.get(key, 0), len(bodies) - 1)]
        times[key] = times.get(key, 0) + 1
        if body == "crash":
            os._exit(9)
        print(json.dumps({"seq": message["seq"], **body}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
