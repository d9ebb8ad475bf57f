// A small port of the key schedule: base ids, day keys, rolling ids and slots of Bluezone v3.

import { createHash, randomBytes } from 'node:crypto';

export const DAY_MS = 86_400_000;
export const DEFAULT_MAX = 96;
const SALT = Buffer.from('bluzonesubkey');
const POSITIONS = [0, 4, 8, 12, 16, 18, 20, 22, 24, 26, 28, 30];
const LAST_DAY = 36_525;

// A question or an input is refused, with a code of the specification.
export class Refused extends Error {
  constructor(code) { super(code); this.code = code; }
}

export const sha256 = (octets) => createHash('sha256').update(octets).digest();

// Whether a value may be `max` (BZ-KEY-007)
export function dividesTheDay(value) {
  return Number.isInteger(value) && value >= 2 && value <= 86_400 && DAY_MS % value === 0;
}

export function slotsADay(value = DEFAULT_MAX) {
  if (!dividesTheDay(value)) throw new Refused('BAD_MAX');
  return value;
}

export function baseIdOf(hex) {
  if (!/^[0-9a-fA-F]{64}$/.test(hex)) throw new Refused('BAD_BASE_ID');
  return Buffer.from(hex, 'hex');
}

// UTC days since the base day
export function dayNumber(baseDayMs, timeMs) {
  return Math.floor(timeMs / DAY_MS) - Math.floor(baseDayMs / DAY_MS);
}

// The base id, hashed once a day
export function dayKey(baseId, day) {
  if (day < 0) throw new Refused('BEFORE_BASE_DAY');
  if (day > LAST_DAY) throw new Refused('DAY_OUT_OF_RANGE');
  let key = baseId;
  for (let n = 0; n < day; n += 1) key = sha256(key);
  return key;
}

// The rolling ids of a day as hex, up to those of `count` slots
export function rollingIds(key, count) {
  const ids = [];
  let subkey = sha256(Buffer.concat([key, SALT]));
  while (ids.length < count) {
    ids.push(Buffer.from(POSITIONS.map((position) => subkey[position])).toString('hex'));
    subkey = sha256(subkey);
  }
  return ids;
}

export function deriveIds(baseId, day, count, slots) {
  if (!slots.every((slot) => slot >= 0 && slot < count)) throw new Refused('BAD_SLOT');
  const ids = rollingIds(dayKey(baseId, day), Math.max(0, ...slots) + 1);
  return slots.map((slot) => ids[slot]);
}

export function slotAt(timeMs, count) {
  const sinceMidnight = timeMs - Math.floor(timeMs / DAY_MS) * DAY_MS;
  return Math.floor(sinceMidnight / (DAY_MS / count));
}

// The rolling id of an instant, with its day, its slot, and the first instants of its slot and of the next
export function idAt(baseId, baseDayMs, count, timeMs) {
  const [day, slot, length] = [dayNumber(baseDayMs, timeMs), slotAt(timeMs, count), DAY_MS / count];
  const [id] = deriveIds(baseId, day, count, [slot]);
  const start = Math.floor(timeMs / length) * length;
  return { day, slot, id, valid_from_ms: start, valid_until_ms: start + length };
}

// What a phone sends while its clock and `max` change: nothing is kept that could go stale (BZ-KEY-009)
export function idsOverTime(baseId, baseDayMs, max, events) {
  let count = max;
  const ids = [];
  for (const event of events) {
    if (event.kind === 'max') {
      count = dividesTheDay(event.value) ? event.value : DEFAULT_MAX;
      continue;
    }
    try {
      ids.push({ id: idAt(baseId, baseDayMs, count, event.time_ms).id });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      ids.push({ reject: error.code });
    }
  }
  return ids;
}

// The day key that is published (BZ-MSG-004)
export function publishedKey(baseId, baseDayMs, nowMs, days = 14) {
  const day = Math.max(0, dayNumber(baseDayMs, nowMs - days * DAY_MS));
  const start = (Math.floor(baseDayMs / DAY_MS) + day) * DAY_MS;
  return { day, day_key: dayKey(baseId, day).toString('hex'), time_start_ms: start };
}

export const newBaseId = () => randomBytes(32).toString('hex');
