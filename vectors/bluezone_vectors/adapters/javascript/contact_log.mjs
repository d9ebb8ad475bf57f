// A small port of the receiver and of the contact log with its data trace.

import { androidId, contentOf, structures } from './advertisement.mjs';
import { DAY_MS, Refused, slotAt } from './schedule.mjs';

const REPEAT_MS = 5000;
const ATTEMPT_MS = 10_000;
const SECONDS_BELOW = 100_000_000_000;
const LAST_MS = 253_402_300_799_999;

// Turns adverts and reads into records; `ownId` gives the phone's own rolling id of an instant.
export class Receiver {
  constructor(ownId, count) {
    Object.assign(this, { ownId, count, records: [], cached: new Map(), attempt: undefined });
  }

  // Takes an advert, heard and told of at these times; true if the address is to be read now.
  advert(octets, address, rssi, timeMs, toldMs) {
    let content;
    try {
      content = contentOf(octets.flatMap((each) => structures(each).found));
      if (content.android) {
        this.record(androidId(content), rssi, timeMs);
        return false;
      }
    } catch (error) {
      if (error instanceof Refused) return false;
      throw error;
    }
    if (!content.iphone && !content.background) return false;
    const kept = this.cached.get(address);
    if (kept !== undefined && this.period(kept.timeMs) === this.period(timeMs)) {
      this.record(kept.id, rssi, timeMs);
      return false;
    }
    if (this.busy(toldMs)) return false;
    this.attempt = { address, began: toldMs };
    return true;
  }

  // Takes what a read gave; null where it failed.
  read(value, address, rssi, timeMs) {
    if (this.attempt?.address !== address) return;
    const late = this.isLate(timeMs);
    this.attempt = undefined;
    if (late || value === null || value.length !== 24) return;
    this.cached.set(address, { id: value, timeMs });
    this.record(value, rssi, timeMs);
  }

  busy(timeMs) { return this.attempt !== undefined && timeMs >= this.attempt.began && !this.isLate(timeMs); }

  isLate(timeMs) { return timeMs - this.attempt.began >= ATTEMPT_MS; }

  period(timeMs) { return `${Math.floor(timeMs / DAY_MS)} ${slotAt(timeMs, this.count)}`; }

  // Records a contact id, unless it is a repeat or there is no own id.
  record(contactId, rssi, timeMs) {
    if (this.records.some((r) => r.contact_id === contactId && Math.abs(r.time_ms - timeMs) < REPEAT_MS)) return;
    try {
      this.records.push({ own_id: this.ownId(timeMs), contact_id: contactId, rssi, time_ms: timeMs });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
  }
}

export function exportLog(records) {
  const columns = (r) => [r.own_id.toUpperCase(), r.contact_id.toUpperCase(), r.rssi, r.time_ms];
  return records.map((record) => `${columns(record).join('\t')}\n`).join('');
}

// The record of a line without its end, if it can be read, and the codes of its defects
function readLine(line) {
  const plain = line.replace(/^\xef\xbb\xbf/, '').replace(/\r$/, '');
  const columns = plain.split('\t');
  if (columns.length !== 4 || /[^\0-\x7f]/.test(plain)) return { codes: ['BAD_LOG_LINE'] };
  const [ownId, contactId, rssi, time] = columns;
  const isId = (text) => /^([0-9a-fA-F]{2})+$/.test(text);
  const number = (text) => (/^[+-]?[0-9]+$/.test(text) ? Number(text) + 0 : NaN);
  const [dbm, instant] = [number(rssi), number(time)];
  if (!isId(ownId) || !isId(contactId)) return { codes: ['BAD_LOG_LINE'] };
  if (!((dbm >= -127 && dbm <= 20) || dbm === 127)) return { codes: ['BAD_RSSI'] };
  if (!(instant >= 0 && instant <= LAST_MS)) return { codes: ['BAD_TIME'] };
  const written = [ownId.toUpperCase(), contactId.toUpperCase(), dbm, instant].join('\t');
  const codes = line === written ? [] : ['BAD_LOG_LINE'];
  if (ownId.length !== 24 || contactId.length !== 24) codes.push('BAD_ID_LENGTH');
  const timeMs = instant < SECONDS_BELOW ? instant * 1000 : instant;
  const ids = { own_id: ownId.toLowerCase(), contact_id: contactId.toLowerCase() };
  return { record: { ...ids, rssi: dbm, time_ms: timeMs }, codes };
}

// The records of a data trace, and its defects, each with its line
export function importLog(octets) {
  const lines = octets.toString('latin1').split('\n');
  const rest = lines.pop();
  const found = { records: [], defects: [] };
  (rest === '' ? lines : [...lines, rest]).forEach((line, at) => {
    let { record, codes } = readLine(line);
    if (record) found.records.push(record);
    if (at === lines.length) codes = [...(record ? codes : []), 'UNTERMINATED_LOG_LINE'];
    found.defects.push(...codes.map((code) => ({ line: at + 1, code })));
  });
  return found;
}
