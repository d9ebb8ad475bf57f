// Stands between `bzc` and the app: reads questions as JSON Lines, asks the app, writes its answers.

import { Sender, SenderError, advertisement, newBaseId } from '../app/sender.mjs';

const ABOUT = { name: 'sample-sender', version: '1.0.0', language: 'javascript' };
const UNSUPPORTED = { unsupported: {} };

// A base id that is no hex becomes one of another length, which the app refuses by itself
const senderOf = (q) => new Sender(Buffer.from(q.base_id, 'hex'), q.base_day_ms, q.max);

function deriveIds(q) {
  const sender = senderOf(q);
  return { ids: q.slots.map((slot) => sender.id(q.day, slot)) };
}

const OPS = {
  derive_ids: deriveIds,
  id_at: (q) => senderOf(q).at(q.time_ms),
  new_base_ids: (q) => ({ base_ids: Array.from({ length: q.count }, () => newBaseId().toString('hex')) }),
  published_key: (q) => senderOf(q).publishedKey(q.now_ms, q.days),
  encode_advertisement: (q) => (
    q.advertisement.kind === 'android' ? { ad: advertisement(q.advertisement.id) } : UNSUPPORTED
  ),
};

function reply(op, question) {
  if (op === 'hello') return { ok: { protocol: 1, implementation: ABOUT, ops: Object.keys(OPS), profiles: ['v3'] } };
  if (!Object.hasOwn(OPS, op)) return UNSUPPORTED;
  try {
    const answer = OPS[op](question);
    return answer === UNSUPPORTED ? answer : { ok: answer };
  } catch (error) {
    if (error instanceof SenderError) return { reject: { code: error.code } };
    return { error: { message: `${error.name}: ${error.message}` } };
  }
}

let rest = '';
process.stdin.setEncoding('utf8');
for await (const piece of process.stdin) {
  const lines = (rest + piece).split('\n');
  rest = lines.pop();
  for (const line of lines) {
    const { op, seq, in: question } = JSON.parse(line);
    if (op === 'bye') process.exit(0);
    process.stdout.write(`${JSON.stringify({ seq, ...reply(op, question) })}\n`);
  }
}
