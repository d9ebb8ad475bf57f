// An adapter in JavaScript: the port beside it, asked by `bzc implementation run "node adapter.mjs"`.
//
// It reads one JSON object a line and writes one a line, by standard input and output, or, with `--listen PORT`, to
// whoever connects. Copy it, put your own core in place of the port, and take out of OPS what yours has not.

import { createServer } from 'node:net';
import * as advertisement from './advertisement.mjs';
import { Receiver, exportLog, importLog } from './contact_log.mjs';
import * as messages from './messages.mjs';
import * as schedule from './schedule.mjs';

const ABOUT = { name: 'bluezone-javascript', version: '1.0.0', language: 'javascript' };

// Base id, base day and `max` of a question
const phone = (q) => [schedule.baseIdOf(q.base_id), q.base_day_ms, schedule.slotsADay(q.max)];
const octetsOf = (advert) => [advert.ad, advert.scan_response ?? ''].map((hex) => Buffer.from(hex, 'hex'));

function deriveIds(q) {
  const [baseId, , count] = phone(q);
  return { ids: schedule.deriveIds(baseId, q.day, count, q.slots) };
}

function publishedKey(q) {
  const [baseId, baseDayMs] = phone(q);
  return schedule.publishedKey(baseId, baseDayMs, q.now_ms, q.days);
}

function receive(q) {
  const [baseId, baseDayMs, count] = phone(q);
  const receiver = new Receiver((timeMs) => schedule.idAt(baseId, baseDayMs, count, timeMs).id, count);
  const reads = [];
  q.events.forEach((event, index) => {
    const { kind, address, rssi, time_ms: timeMs } = event;
    if (kind === 'read') receiver.read(event.value, address, rssi, timeMs);
    else if (receiver.advert(octetsOf(event), address, rssi, timeMs, event.delivered_ms ?? timeMs)) reads.push(index);
  });
  return { records: receiver.records, reads };
}

function encodeInfo(q) {
  if (q.kind === 'cases') return { text: messages.encodeCases(q.cases) };
  const [baseId, baseDayMs] = phone(q);
  return { text: messages.encodeUpload(baseId, baseDayMs, q.now_ms, q.days) };
}

const OPS = {
  derive_ids: deriveIds,
  id_at: (q) => schedule.idAt(...phone(q), q.time_ms),
  ids_over_time: (q) => ({ ids: schedule.idsOverTime(...phone(q), q.events) }),
  new_base_ids: (q) => ({ base_ids: Array.from({ length: q.count }, schedule.newBaseId) }),
  published_key: publishedKey,
  encode_advertisement: (q) => ({ ad: advertisement.encode(q.advertisement).toString('hex') }),
  decode_advertisement: (q) => ({ advertisement: advertisement.decode(octetsOf(q)) }),
  receive,
  log_export: (q) => ({ text: exportLog(q.records) }),
  log_import: (q) => importLog(Buffer.from(q.octets, 'hex')),
  match: (q) => messages.match(q.message, q.records),
  decode_push: (q) => messages.decodePush(q.text),
  decode_info: (q) => (q.kind === 'upload' ? messages.decodeUpload : messages.decodeCases)(q.text),
  encode_info: encodeInfo,
};

function reply(op, question) {
  if (op === 'hello') return { ok: { protocol: 1, implementation: ABOUT, ops: Object.keys(OPS), profiles: ['v3'] } };
  if (!Object.hasOwn(OPS, op)) return { unsupported: {} };
  try {
    return { ok: OPS[op](question) };
  } catch (error) {
    if (error instanceof schedule.Refused) return { reject: { code: error.code } };
    return { error: { message: `${error.name}: ${error.message}` } }; // whatever the core throws is an answer too
  }
}

// Lines are taken apart at line feeds alone: node:readline would also split at signs that may stand in JSON text.
async function serve(input, output) {
  input.setEncoding('utf8');
  let rest = '';
  for await (const piece of input) {
    const lines = (rest + piece).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      const { op, seq, in: question } = messages.read(line);
      if (op === 'bye') return;
      output.write(`${JSON.stringify({ seq, ...reply(op, question) })}\n`);
    }
  }
}

if (process.argv[2] === '--listen') {
  const server = createServer((socket) => { serve(socket, socket).finally(() => socket.end()); });
  server.listen(Number(process.argv[3]), '127.0.0.1');
} else {
  await serve(process.stdin, process.stdout);
  process.stdin.destroy();
}
