// What this app sends: rolling ids, and the advertisement that carries one. It receives nothing.

import { createHash, randomBytes } from 'node:crypto';

const DAY_MS = 86_400_000;
const POSITIONS = [0, 4, 8, 12, 16, 18, 20, 22, 24, 26, 28, 30];
const sha256 = (octets) => createHash('sha256').update(octets).digest();

// The app's own codes; conformance/deviations.toml says which of the specification's they are
export class SenderError extends Error {
  constructor(code) { super(code); this.code = code; }
}

export const newBaseId = () => randomBytes(32);

export class Sender {
  constructor(baseId, baseDayMs = 0, max = 96) {
    if (baseId.length !== 32) throw new SenderError('E_BASE');
    if (!Number.isInteger(max) || max < 2 || max > 86_400 || DAY_MS % max !== 0) throw new SenderError('E_MAX');
    Object.assign(this, { baseId, baseDay: Math.floor(baseDayMs / DAY_MS), max });
  }

  dayKey(day) {
    if (day < 0) throw new SenderError('E_EARLY');
    if (day > 36_525) throw new SenderError('E_FAR');
    let key = this.baseId;
    for (let n = 0; n < day; n += 1) key = sha256(key);
    return key;
  }

  // All rolling ids of a day as hex, a slot each
  ids(day) {
    const ids = [];
    let subkey = sha256(Buffer.concat([this.dayKey(day), Buffer.from('bluzonesubkey')]));
    for (; ids.length < this.max; subkey = sha256(subkey)) {
      ids.push(Buffer.from(POSITIONS.map((position) => subkey[position])).toString('hex'));
    }
    return ids;
  }

  // Known bug, in conformance/deviations.toml: a slot that the day does not have makes it stumble
  id(day, slot) {
    return this.ids(day)[slot].toString();
  }

  at(timeMs) {
    const length = DAY_MS / this.max;
    const today = Math.floor(timeMs / DAY_MS);
    const slot = Math.floor((timeMs - today * DAY_MS) / length);
    const start = today * DAY_MS + slot * length;
    const day = today - this.baseDay;
    return { day, slot, id: this.id(day, slot), valid_from_ms: start, valid_until_ms: start + length };
  }

  publishedKey(nowMs, days = 14) {
    const day = Math.max(0, Math.floor((nowMs - days * DAY_MS) / DAY_MS) - this.baseDay);
    return { day, day_key: this.dayKey(day).toString('hex'), time_start_ms: (this.baseDay + day) * DAY_MS };
  }
}

// AdvData: flags, 12 octets of company 0x22B5, service UUID 0x4E56
export function advertisement(id) {
  if (!/^[0-9a-f]{24}$/.test(id)) throw new SenderError('E_ID');
  return `0201020fffb522${id}0303564e`;
}
