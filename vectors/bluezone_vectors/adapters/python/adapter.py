"""An adapter in Python: the port beside it, asked by ``bzc implementation run "python3 adapter.py"``.

It reads one JSON object a line and writes one a line, by standard input and output, or, with ``--listen PORT``, to
whoever connects. Copy it, put your own core in place of the port, and take out of OPS what yours has not.
"""
# ruff: noqa: D103 (each function answers the operation of its name)

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, BinaryIO, cast

import advertisement
import contact_log
import messages
import schedule
from contact_log import Receiver, Record
from schedule import RefusedError, base_id_of, slots_a_day

Question = Mapping[str, Any]
SHOWN = {"android": "id", "ios_background": "services", "old_android": "static_id"}


def phone(q: Question) -> tuple[bytes, int, int]:
    return base_id_of(q["base_id"]), q.get("base_day_ms", 0), slots_a_day(q.get("max", schedule.DEFAULT_MAX))


def derive_ids(q: Question) -> object:
    base_id, _, count = phone(q)
    return {"ids": [each.hex() for each in schedule.derive_ids(base_id, q["day"], count, q["slots"])]}


def octets_of(advert: Question) -> list[bytes]:
    return [bytes.fromhex(advert[key]) for key in ("ad", "scan_response") if key in advert]


def encode_advertisement(q: Question) -> object:
    said = q["advertisement"]
    return {"ad": advertisement.encode(said["kind"], said.get(SHOWN.get(said["kind"], "local_name"))).hex()}


def receive(q: Question) -> object:
    base_id, base_day_ms, count = phone(q)
    receiver = Receiver(lambda time_ms: schedule.id_at(base_id, base_day_ms, count, time_ms).id, count)
    reads = []
    for index, e in enumerate(q["events"]):
        if e["kind"] == "read":
            receiver.read(bytes.fromhex(e["value"] or ""), e["address"], e["rssi"], e["time_ms"])
            continue
        told_ms = e.get("delivered_ms", e["time_ms"])
        if receiver.advert(octets_of(e), e["address"], e["rssi"], e["time_ms"], told_ms):
            reads.append(index)
    return {"records": [asdict(record) for record in receiver.records], "reads": reads}


def encode_info(q: Question) -> object:
    if q["kind"] == "upload":
        return {"text": messages.encode_upload(*phone(q)[:2], q["now_ms"], q.get("days", 14))}
    return {"text": messages.encode_cases([messages.Case(**each) for each in q["cases"]])}


DECODERS = {"upload": messages.decode_upload, "cases": messages.decode_cases}
OPS: dict[str, Callable[[Question], object]] = {
    "derive_ids": derive_ids,
    "id_at": lambda q: asdict(schedule.id_at(*phone(q), q["time_ms"])),
    "ids_over_time": lambda q: {"ids": schedule.ids_over_time(*phone(q), q["events"])},
    "new_base_ids": lambda q: {"base_ids": [schedule.new_base_id().hex() for _ in range(q["count"])]},
    "published_key": lambda q: asdict(schedule.published_key(*phone(q)[:2], q["now_ms"], q.get("days", 14))),
    "encode_advertisement": encode_advertisement,
    "decode_advertisement": lambda q: {"advertisement": advertisement.decode(octets_of(q))},
    "receive": receive,
    "log_export": lambda q: {"text": contact_log.export([Record(**each) for each in q["records"]])},
    "log_import": lambda q: contact_log.import_log(bytes.fromhex(q["octets"])),
    "match": lambda q: messages.match(q["message"], [Record(**each) for each in q["records"]]),
    "decode_push": lambda q: messages.decode_push(q["text"]),
    "decode_info": lambda q: DECODERS[q["kind"]](q["text"]),
    "encode_info": encode_info,
}
ABOUT = {"name": "bluezone-python", "version": "1.0.0", "language": "python"}


def reply(op: str, q: Question) -> dict[str, object]:
    if op == "hello":
        return {"ok": {"protocol": 1, "implementation": ABOUT, "ops": list(OPS), "profiles": ["v3"]}}
    if op not in OPS:
        return {"unsupported": {}}
    try:
        return {"ok": OPS[op](q)}
    except RefusedError as refused:
        return {"reject": {"code": refused.code}}
    except Exception as error:  # noqa: BLE001 (whatever the core throws is an answer too)
        return {"error": {"message": f"{type(error).__name__}: {error}"}}


def serve(lines: BinaryIO, out: BinaryIO) -> None:
    for line in lines:
        message = json.loads(line)
        if message["op"] == "bye":
            return
        answer = {"seq": message["seq"], **reply(message["op"], message.get("in", {}))}
        out.write(json.dumps(answer).encode() + b"\n")
        out.flush()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--listen"]:
        with socket.create_server(("127.0.0.1", int(sys.argv[2]))) as server:
            while True:
                with server.accept()[0] as connection, connection.makefile("rwb") as stream:
                    serve(cast(BinaryIO, stream), cast(BinaryIO, stream))
    else:
        serve(sys.stdin.buffer, sys.stdout.buffer)
