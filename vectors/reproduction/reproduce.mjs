// Answers the vectors of a pack and compares: node reproduce.mjs PACK_DIR
//
// Reads the JSON files of that folder and nothing else. Prints how many vectors of each operation agree, and each
// disagreement; the exit code is 1 if there is any, or if there is no vector at all.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { answerOf } from './bluezone.mjs';
import { plain, read, write } from './json.mjs';

const WEAK_STEPS = [0, 1, 255];

// AD structures as hex, in one order, Flags aside; what follows an early end is no structure.
function structuresOf(hex) {
  const octets = Buffer.from(hex, 'hex');
  const found = [];
  for (let at = 0; at < octets.length && octets[at] !== 0; at += 1 + octets[at]) {
    if (octets[at + 1] !== 0x01) found.push(octets.toString('hex', at, at + 1 + octets[at]));
  }
  return found.sort();
}

// InfoF as a value, hex in lower case.
function infoOf(text) {
  const lower = (value) => {
    if (typeof value === 'string') return /^[0-9a-fA-F]+$/.test(value) ? value.toLowerCase() : value;
    if (Array.isArray(value)) return value.map(lower);
    if (value instanceof Map) return new Map([...value].map(([key, part]) => [key, lower(part)]));
    return value;
  };
  return lower(read(text));
}

const COMPARABLE = {
  encode_advertisement: ({ ad }) => structuresOf(ad),
  encode_info: ({ text }) => infoOf(text),
};

function isStrong(hex) {
  const octets = Buffer.from(hex, 'hex');
  const step = (octets[1] - octets[0] + 256) % 256;
  const regular = WEAK_STEPS.includes(step) && octets.every((octet, at) => octet === (octets[0] + at * step) % 256);
  return octets.length === 32 && hex.length === 64 && !regular;
}

function agrees({ in: question, expect }, op, answer) {
  if (expect.reject !== undefined) return answer.reject?.code === expect.reject;
  // a build's failure: the answer says that it failed, or which failure it was
  if (expect.failure !== undefined) return answer.error !== undefined || answer.ok?.failure === expect.failure;
  if (answer.ok === undefined) return false;
  if (expect.properties !== undefined) {
    const ids = answer.ok.base_ids;
    return ids.length === question.count && new Set(ids).size === ids.length && ids.every(isStrong);
  }
  const comparable = COMPARABLE[op] ?? ((value) => value);
  return isDeepStrictEqual(comparable(answer.ok), comparable(expect.ok));
}

function main([folder]) {
  if (folder === undefined) {
    console.error('usage: node reproduce.mjs PACK_DIR');
    return 64;
  }
  let asked = 0;
  let wrong = 0;
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.json')).sort()) {
    const { operation, vectors } = plain(read(readFileSync(join(folder, name), 'utf8')));
    if (operation === undefined || vectors === undefined) continue;
    let agreed = 0;
    for (const vector of vectors) {
      // what is compared is what would be written, so that 1 and 1.0 stay apart
      const answer = plain(read(write(answerOf(operation, vector.in))));
      if (agrees(vector, operation, answer)) agreed += 1;
      else console.log(`${operation} ${vector.id}: expected ${write(vector.expect)}, here ${write(answer)}`);
    }
    console.log(`${operation}: ${agreed} of ${vectors.length} agree`);
    asked += vectors.length;
    wrong += vectors.length - agreed;
  }
  console.log(`${asked - wrong} of ${asked} vectors agree`);
  return wrong > 0 || asked === 0 ? 1 : 0;
}

process.exitCode = main(process.argv.slice(2));
