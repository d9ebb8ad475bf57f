// A small port of positive cases, matching, pushes and InfoF.

import { randomUUID } from 'node:crypto';
import { DAY_MS, Refused, dayKey, dividesTheDay, publishedKey, rollingIds, sha256 } from './schedule.mjs';

const LAST_S = 253_402_300_799;
const SPAN_S = 400 * 86_400;
const CASE_KEYS = ['daily_key', 'time_start', 'time_end', 'max'];
const UPLOAD_KEYS = ['base_id', 'time', 'daily_key', 'time_start'];
const TEXT_FIELDS = {
  KiemTraLichSuTiepXuc: ['FindGUID', 'InfoF'],
  LayThongTinVaLichSu: ['FindGUID'],
  GetInfoApp: ['PushGUID'],
  YeuCauGuiLichSu: ['OTP'],
  CanhBaoXacNhanTiepXuc: [],
  GuiThongBao: [],
  bznews: [],
  urlnews: [],
  MOBILE: [],
  XoaThongBao: [],
  CapNhatCauHinh: [],
  CapNhatNgonNgu: [],
  GetLogApp: [],
  PingPong: [],
};
const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/gs;
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)
  && !(value instanceof Other);

// A number that is no integer, or none that this language keeps exactly; it is written as it was read.
class Other {
  constructor(text) { this.text = text; }

  toJSON() { return Number(this.text); }
}

// The value of JSON text. JSON.parse takes 96.0 for 96, so that other numbers are marked before it sees them.
export function read(text) {
  const mark = randomUUID();
  const isKept = (token) => token[0] === '"' || (/^-?[0-9]+$/.test(token) && Number.isSafeInteger(Number(token)));
  const marked = text.replace(STRING_OR_NUMBER, (token) => (isKept(token) ? token : `{"${mark}":"${token}"}`));
  const isMarked = (value) => isObject(value) && Object.hasOwn(value, mark);
  try {
    return JSON.parse(marked, (_, value) => (isMarked(value) ? new Other(value[mark]) : value));
  } catch {
    throw new Refused('BAD_JSON'); // no JSON, or nested deeper than the stack
  }
}

// Whether a value is an integer of 64 bits
function isInteger(value) {
  if (!(value instanceof Other)) return Number.isInteger(value);
  return /^-?[0-9]+$/.test(value.text) && BigInt.asIntN(64, BigInt(value.text)) === BigInt(value.text);
}

const isKey = (value) => typeof value === 'string' && /^[0-9a-fA-F]{64}$/.test(value);
const isTime = (value) => value >= 0 && value <= LAST_S;

// One positive case, or a refusal with the first code that applies (BZ-MAT-005)
function caseOf(entry) {
  if (!isObject(entry)) throw new Refused('BAD_JSON');
  if (!Object.hasOwn(entry, 'daily_key')) throw new Refused('MISSING_FIELD');
  for (const key of CASE_KEYS.slice(1)) {
    if (!Object.hasOwn(entry, key)) throw new Refused('MISSING_FIELD');
    if (!isInteger(entry[key])) throw new Refused('NOT_AN_INTEGER');
  }
  const { daily_key: key, time_start: start, time_end: end, max } = entry;
  if (!isKey(key)) throw new Refused('BAD_DAY_KEY');
  if (!dividesTheDay(max)) throw new Refused('BAD_MAX');
  if (!isTime(start) || !isTime(end)) throw new Refused('BAD_TIME');
  if (end < start) throw new Refused('TIME_END_BEFORE_TIME_START');
  if (end - start >= SPAN_S) throw new Refused('CASE_TOO_LONG');
  return { day_key: key.toLowerCase(), time_start_ms: start * 1000, time_end_ms: end * 1000, max };
}

// The cases of a message, {reject} for each that is refused, and the keys that are not known
export function decodeCases(text) {
  const message = read(text.replace(/^\ufeff/, ''));
  if (!isObject(message)) throw new Refused('BAD_JSON');
  if (!Object.hasOwn(message, 'data') || !Array.isArray(message.data)) throw new Refused('MISSING_FIELD');
  const cases = message.data.map((entry) => {
    try { return caseOf(entry); } catch (error) {
      if (error instanceof Refused) return { reject: error.code };
      throw error;
    }
  });
  return { cases, further: furtherOf(message, ['data']) };
}

// The keys that are not known, in the order of their code points
function furtherOf(object, known) {
  const further = Object.keys(object).filter((key) => !known.includes(key));
  return further.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

// The hits of a case; a record can lie in two slots at most, so that only those are tried.
function hitsOf({ day_key: dayKeyHex, time_start_ms: start, time_end_ms: end, max }, records) {
  const length = DAY_MS / max;
  const days = new Map();
  records.forEach((record, index) => {
    const last = Math.floor((record.time_ms - start) / length);
    const atBoundary = start + last * length === record.time_ms;
    for (const slot of atBoundary ? [last - 1, last] : [last]) {
      if (slot < 0 || start + slot * length > end) continue;
      const day = Math.floor(slot / max);
      days.set(day, [...(days.get(day) ?? []), { record: index, day, slot: slot % max }]);
    }
  });
  const hits = [];
  let key = Buffer.from(dayKeyHex, 'hex');
  for (let day = 0; day <= Math.max(-1, ...days.keys()); day += 1) {
    const tried = days.get(day) ?? [];
    const ids = rollingIds(key, tried.reduce((most, { slot }) => Math.max(most, slot + 1), 0));
    hits.push(...tried.filter(({ record, slot }) => records[record].contact_id === ids[slot]));
    key = sha256(key);
  }
  return hits.sort((a, b) => a.day - b.day || a.slot - b.slot || a.record - b.record);
}

export function match(text, records) {
  const cases = decodeCases(text).cases.map((each) => {
    if (each.reject) return each;
    const hits = hitsOf(each, records);
    return { contact: hits.length > 0, hits };
  });
  return { contact: cases.some((each) => each.contact === true), cases };
}

// The object that JSON text of a push holds; a missing one is empty.
function innerObject(push, key) {
  const text = Object.hasOwn(push, key) ? push[key] : '{}';
  if (typeof text !== 'string') throw new Refused('NOT_TEXT');
  const value = read(text);
  if (!isObject(value)) throw new Refused('NOT_AN_OBJECT');
  return value;
}

export function decodePush(text) {
  const push = read(text);
  if (!isObject(push)) throw new Refused('NOT_AN_OBJECT');
  const type = Object.hasOwn(push, 'Type') ? push.Type : '';
  if (typeof type !== 'string') throw new Refused('NOT_TEXT');
  if (!Object.hasOwn(TEXT_FIELDS, type)) return { ignored: true };
  const content = innerObject(push, 'DataContent');
  const notify = innerObject(push, 'Notify');
  for (const key of TEXT_FIELDS[type]) {
    if (!Object.hasOwn(content, key)) throw new Refused('MISSING_FIELD');
    if (typeof content[key] !== 'string') throw new Refused('NOT_TEXT');
  }
  const asksDays = ['KiemTraLichSuTiepXuc', 'LayThongTinVaLichSu'].includes(type);
  if (asksDays && Object.hasOwn(content, 'Numberdays') && !isInteger(content.Numberdays)) {
    throw new Refused('NOT_AN_INTEGER');
  }
  return { type, content, notify, further: furtherOf(push, ['Type', 'DataContent', 'Notify']) };
}

export function decodeUpload(text) {
  const info = read(text);
  if (!isObject(info)) throw new Refused('BAD_JSON');
  if (!UPLOAD_KEYS.every((key) => Object.hasOwn(info, key))) throw new Refused('MISSING_FIELD');
  const { base_id: base, time, daily_key: key, time_start: start } = info;
  if (typeof base !== 'string' || typeof key !== 'string') throw new Refused('NOT_TEXT');
  if (!isInteger(time) || !isInteger(start)) throw new Refused('NOT_AN_INTEGER');
  if (!isKey(base)) throw new Refused('BAD_BASE_ID');
  if (!isKey(key)) throw new Refused('BAD_DAY_KEY');
  if (!isTime(time) || !isTime(start)) throw new Refused('BAD_TIME');
  if (time % 86_400 !== 0 || start % 86_400 !== 0) throw new Refused('NOT_MIDNIGHT');
  if (start < time) throw new Refused('DAY_BEFORE_BASE_DAY');
  const right = dayKey(Buffer.from(base, 'hex'), (start - time) / 86_400).toString('hex');
  if (right !== key.toLowerCase()) throw new Refused('WRONG_DAY_KEY');
  const keys = { base_id: base.toLowerCase(), day_key: right };
  return { ...keys, base_day_ms: time * 1000, time_start_ms: start * 1000, further: furtherOf(info, UPLOAD_KEYS) };
}

export function encodeUpload(baseId, baseDayMs, nowMs, days) {
  const key = publishedKey(baseId, baseDayMs, nowMs, days);
  const time = Math.floor(baseDayMs / DAY_MS) * 86_400;
  const info = { base_id: baseId.toString('hex'), time, daily_key: key.day_key, time_start: key.time_start_ms / 1000 };
  return JSON.stringify(info);
}

export function encodeCases(cases) {
  const data = cases.map(({ day_key: key, time_start_ms: start, time_end_ms: end, max }) => (
    { daily_key: key, time_start: Math.floor(start / 1000), time_end: Math.floor(end / 1000), max }));
  data.forEach(caseOf); // what a receiver would refuse is refused here
  return JSON.stringify({ data });
}
