// The reproduction as an implementation under test: JSON Lines from standard input to standard output.

import { answerOf, ops, profiles } from './bluezone.mjs';
import { plain, read, write } from './json.mjs';

const ABOUT = { name: 'bluezone-reproduction', version: '1.0.0', language: 'javascript' };

function reply(line) {
  const { op, seq, in: question = {} } = plain(read(line));
  if (op === 'bye') return null;
  const hello = { ok: { protocol: 1, implementation: ABOUT, ops, profiles } };
  const answer = op === 'hello' ? hello : answerOf(op, question);
  return `${write({ seq, ...answer })}\n`;
}

// Lines are taken apart at line feeds alone: node:readline would also split at signs that may stand in JSON text.
process.stdin.setEncoding('utf8');
let rest = '';
serving: for await (const piece of process.stdin) {
  const lines = (rest + piece).split('\n');
  rest = lines.pop();
  for (const line of lines) {
    const answer = reply(line);
    if (answer === null) break serving;
    process.stdout.write(answer);
  }
}
