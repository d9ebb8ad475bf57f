// Chapter "Matching": positive cases, their expansion, and the hits in a contact log.

import { NotJson, isInteger, read } from './json.mjs';
import { Failure, Refused } from './outcomes.mjs';
import { DAY_MS, dividesTheDay, idsOfDay, rollingIds, sha256 } from './schedule.mjs';

const LAST_S = 253_402_300_799;
const SPAN_S = 400 * 86_400;
const HUGE_SPAN_S = 36_525 * 86_400; // a hundred years: nobody waits for the end of it
const CASE_KEYS = ['daily_key', 'time_start', 'time_end', 'max'];

export const isDayKey = (text) => typeof text === 'string' && /^[0-9a-fA-F]{64}$/.test(text);
export const isInteger64 = (value) => isInteger(value)
  && BigInt(value) >= -(2n ** 63n) && BigInt(value) < 2n ** 63n;
export const isTime = (seconds) => seconds >= 0 && seconds <= LAST_S;

// The keys of an object that are not known, in the order of their code points.
export function furtherOf(object, known) {
  const further = [...object.keys()].filter((key) => !known.includes(key));
  return further.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

export function parse(text) {
  try { return read(text); } catch (error) {
    if (error instanceof NotJson) throw new Refused('BAD_JSON');
    throw error;
  }
}

// The entries of `data` (BZ-MAT-005), and the keys of the message that nobody knows.
export function entriesOf(message) {
  const value = parse(message.replace(/^\ufeff/, ''));
  if (!(value instanceof Map)) throw new Refused('BAD_JSON');
  const data = value.get('data');
  if (!Array.isArray(data)) throw new Refused('MISSING_FIELD');
  return { data, further: furtherOf(value, ['data']) };
}

// One case, or a refusal with the first code of the table that applies.
export function caseOf(entry) {
  if (!(entry instanceof Map)) throw new Refused('BAD_JSON');
  if (!entry.has('daily_key')) throw new Refused('MISSING_FIELD');
  for (const key of CASE_KEYS.slice(1)) {
    if (!entry.has(key)) throw new Refused('MISSING_FIELD');
    if (!isInteger64(entry.get(key))) throw new Refused('NOT_AN_INTEGER');
  }
  const [dayKey, start, end, max] = CASE_KEYS.map((key) => entry.get(key));
  if (!isDayKey(dayKey)) throw new Refused('BAD_DAY_KEY');
  if (!dividesTheDay(max)) throw new Refused('BAD_MAX');
  if (!isTime(start) || !isTime(end)) throw new Refused('BAD_TIME');
  if (end < start) throw new Refused('TIME_END_BEFORE_TIME_START');
  if (end - start >= SPAN_S) throw new Refused('CASE_TOO_LONG');
  return { day_key: dayKey.toLowerCase(), time_start_ms: start * 1000, time_end_ms: end * 1000, max };
}

// The hits of a case. A record can lie in two slots at most, so that only these are looked at: the work is bounded by
// the records and by the days on which they lie (BZ-MAT-006).
function hitsOf(found, records) {
  const length = DAY_MS / found.max;
  const wanted = new Map(); // day -> [{record, slot}]
  records.forEach(({ time_ms: timeMs }, record) => {
    const after = timeMs - found.time_start_ms;
    if (after < 0) return;
    const last = Math.floor(after / length);
    // BZ-MAT-002: the boundary lies in both slots
    for (const slot of after % length === 0 && last > 0 ? [last - 1, last] : [last]) {
      if (found.time_start_ms + slot * length > found.time_end_ms) continue; // BZ-MAT-004
      const day = Math.floor(slot / found.max);
      if (!wanted.has(day)) wanted.set(day, []);
      wanted.get(day).push({ record, slot: slot % found.max });
    }
  });
  const hits = [];
  let key = Buffer.from(found.day_key, 'hex');
  const days = Math.max(-1, ...wanted.keys());
  for (let day = 0; day <= days; day += 1, key = sha256(key)) {
    const asked = wanted.get(day);
    if (asked === undefined) continue;
    const ids = rollingIds(key, asked.reduce((most, { slot }) => Math.max(most, slot + 1), 0));
    const right = asked.filter(({ record, slot }) => records[record].contact_id === ids[slot]);
    hits.push(...right.map(({ record, slot }) => ({ record, day, slot })));
  }
  return hits.sort((a, b) => a.day - b.day || a.slot - b.slot || a.record - b.record);
}

export function match({ message, records }, profile) {
  if (profile.slots === 'none') throw new Refused('NO_KEY_SCHEDULE');
  if (profile.list) return matchAsPublished(message, records, profile);
  const cases = entriesOf(message).data.map((entry) => {
    try {
      const hits = hitsOf(caseOf(entry), records);
      return { contact: hits.length > 0, hits };
    } catch (error) {
      if (error instanceof Refused) return { reject: error.code };
      throw error;
    }
  });
  return { contact: cases.some((found) => found.contact === true), cases };
}

// Android and iOS 3.0.3: the first hit of the first case that has one is the answer (table "How the published builds
// match"). What they evaluated is listed, up to that hit.
function matchAsPublished(message, records, profile) {
  const cases = [];
  const ios = profile.slots === 's';
  const { data } = entriesOf(message);
  // a value of another JSON type is as good as none to a reader that asks for text or for an integer
  const lacking = (entry) => !(entry instanceof Map) || typeof entry.get('daily_key') !== 'string'
    || CASE_KEYS.slice(1).some((key) => !isInteger(entry.get(key)));
  if (ios && data.some(lacking)) return { contact: false, cases }; // the whole message is dropped
  for (const entry of data) {
    if (lacking(entry)) break;
    const hits = firstHit(entry, records, ios);
    cases.push({ contact: hits.length > 0, hits });
    if (hits.length > 0) break;
  }
  return { contact: cases.some((found) => found.contact), cases };
}

function firstHit(entry, records, ios) {
  const [text, start, end, max] = CASE_KEYS.map((name) => entry.get(name));
  let key = publishedKeyOctets(text, ios);
  if (max === 0) throw new Failure('exception');
  if (max < 0 || max > DAY_MS || end - start > HUGE_SPAN_S) throw new Failure('endless loop');
  if (!ios && key.length !== 32) return [];
  const length = ios ? 86_400.0 / max : Math.floor(DAY_MS / max);
  const unit = ios ? 1 : 1000; // iOS computes in seconds
  const bound = (time) => (ios ? Math.trunc(time) * 1000 : time);
  let time = start * unit;
  for (let day = 0; ; day += 1, key = sha256(key)) {
    const ids = idsOfDay(key);
    for (let slot = 0; slot < max; slot += 1) {
      if (time > end * unit) return [];
      const id = ids.next().value;
      const [from, to] = [bound(time), bound(time + length)];
      const record = records.findIndex((r) => r.contact_id === id && r.time_ms >= from && r.time_ms <= to);
      if (record >= 0) return [{ record, day, slot }];
      time += length;
    }
  }
}

// F-16: Android counted a bad digit as -1 and cut the octet to 8 bits; both fell over an odd number of digits.
function publishedKeyOctets(text, ios) {
  if (text.length % 2 !== 0) throw new Failure('exception');
  if (ios && !/^[0-9a-fA-F]*$/.test(text)) throw new Failure('exception');
  const digit = (sign) => { const value = parseInt(sign, 16); return Number.isNaN(value) ? -1 : value; };
  return Buffer.from(text.match(/../gs)?.map((pair) => (digit(pair[0]) * 16 + digit(pair[1])) & 0xff) ?? []);
}
