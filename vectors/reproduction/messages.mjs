// Chapter "Messages": pushes, and both kinds of InfoF.

import { isDayKey, isInteger64, isTime, caseOf, entriesOf, furtherOf, parse } from './matching.mjs';
import { plain } from './json.mjs';
import { Refused } from './outcomes.mjs';
import { DAY_MS, dayKey, midnight, publishedKey } from './schedule.mjs';

// What `DataContent` of each type must hold, and of which JSON type.
const TYPES = {
  KiemTraLichSuTiepXuc: { FindGUID: 'text', Numberdays: 'integer', InfoF: 'text' },
  LayThongTinVaLichSu: { FindGUID: 'text', Numberdays: 'integer' },
  CanhBaoXacNhanTiepXuc: {},
  GuiThongBao: {},
  bznews: {},
  urlnews: {},
  MOBILE: {},
  XoaThongBao: {},
  CapNhatCauHinh: {},
  CapNhatNgonNgu: {},
  GetInfoApp: { PushGUID: 'text' },
  GetLogApp: {},
  PingPong: {},
  YeuCauGuiLichSu: { OTP: 'text' },
};
const OPTIONAL = ['Numberdays']; // 14 where the push does not say (BZ-MSG-004)
const UPLOAD_KEYS = ['base_id', 'time', 'daily_key', 'time_start'];

// The object of JSON text that a push holds under a key; a missing one is empty (BZ-MSG-001).
function objectOf(push, key) {
  if (!push.has(key)) return new Map();
  const text = push.get(key);
  if (typeof text !== 'string') throw new Refused('NOT_TEXT');
  const value = parse(text);
  if (!(value instanceof Map)) throw new Refused('NOT_AN_OBJECT');
  return value;
}

function checkFields(content, fields) {
  for (const [name, kind] of Object.entries(fields)) {
    const value = content.get(name);
    if (!content.has(name)) {
      if (!OPTIONAL.includes(name)) throw new Refused('MISSING_FIELD');
    } else if (kind === 'text' && typeof value !== 'string') throw new Refused('NOT_TEXT');
    else if (kind === 'integer' && !isInteger64(value)) throw new Refused('NOT_AN_INTEGER');
  }
}

export function decodePush({ text }) {
  const push = parse(text);
  if (!(push instanceof Map)) throw new Refused('NOT_AN_OBJECT');
  if (!push.has('Type')) return { ignored: true };
  const type = push.get('Type');
  if (typeof type !== 'string') throw new Refused('NOT_TEXT');
  if (!Object.hasOwn(TYPES, type)) return { ignored: true };
  const content = objectOf(push, 'DataContent');
  const notify = objectOf(push, 'Notify');
  checkFields(content, TYPES[type]);
  const further = furtherOf(push, ['Type', 'DataContent', 'Notify']);
  return { type, content: plain(content), notify: plain(notify), further };
}

// InfoF of an upload (BZ-MSG-002).
function uploadOf(text) {
  const info = parse(text);
  if (!(info instanceof Map)) throw new Refused('BAD_JSON');
  for (const key of UPLOAD_KEYS) {
    if (!info.has(key)) throw new Refused('MISSING_FIELD');
  }
  const [base, day, key, start] = UPLOAD_KEYS.map((name) => info.get(name));
  if (typeof base !== 'string' || typeof key !== 'string') throw new Refused('NOT_TEXT');
  if (!isInteger64(day) || !isInteger64(start)) throw new Refused('NOT_AN_INTEGER');
  if (!isDayKey(base)) throw new Refused('BAD_BASE_ID');
  if (!isDayKey(key)) throw new Refused('BAD_DAY_KEY');
  if (!isTime(day) || !isTime(start)) throw new Refused('BAD_TIME');
  const [dayMs, startMs] = [day * 1000, start * 1000];
  if (midnight(dayMs) !== dayMs || midnight(startMs) !== startMs) throw new Refused('NOT_MIDNIGHT');
  if (startMs < dayMs) throw new Refused('DAY_BEFORE_BASE_DAY');
  const steps = (startMs - dayMs) / DAY_MS;
  const right = dayKey(Buffer.from(base, 'hex'), steps, { slots: 'exact', lag: 0 }).toString('hex');
  if (right !== key.toLowerCase()) throw new Refused('WRONG_DAY_KEY');
  return {
    base_id: base.toLowerCase(), base_day_ms: dayMs, day_key: right, time_start_ms: startMs,
    further: furtherOf(info, UPLOAD_KEYS),
  };
}

export function decodeInfo({ kind, text }) {
  if (kind === 'upload') return uploadOf(text);
  const { data, further } = entriesOf(text);
  const cases = data.map((entry) => {
    try { return caseOf(entry); } catch (error) {
      if (error instanceof Refused) return { reject: error.code };
      throw error;
    }
  });
  return { cases, further };
}

export function encodeInfo(question, profile) {
  const seconds = (timeMs) => Math.floor(timeMs / 1000);
  if (question.kind === 'upload') {
    const { day_key: key, time_start_ms: start } = publishedKey(question, profile);
    const info = { base_id: question.base_id.toUpperCase(), time: seconds(midnight(question.base_day_ms)),
      daily_key: key.toUpperCase(), time_start: seconds(start) };
    return { text: JSON.stringify(info) };
  }
  const data = question.cases.map(({ day_key: key, time_start_ms: start, time_end_ms: end, max }) => {
    const entry = { daily_key: key, time_start: seconds(start), time_end: seconds(end), max };
    caseOf(new Map(Object.entries(entry))); // refused before it is sent
    return entry;
  });
  return { text: JSON.stringify({ data }) };
}
