// Chapter "Key schedule": base id, day keys, subkeys, rolling ids and slots, and what the published builds did.

import { createHash, randomBytes } from 'node:crypto';
import { Failure, Refused } from './outcomes.mjs';

export const DAY_MS = 86_400_000;
const SALT = Buffer.from('bluzonesubkey', 'ascii'); // BZ-KEY-004: thirteen octets, without the second e
const POSITIONS = [0, 4, 8, 12, 16, 18, 20, 22, 24, 26, 28, 30]; // BZ-KEY-005
const LAST_DAY = 36_525;
const MOST_SLOTS = 86_400;

// What each profile does; `list` says that it keeps the day's list (F-10, F-11, F-13), `lag` is F-14b.
const CORRECTED = { max: 96, slots: 'exact', list: false, lag: 0, log: 'ms' };
const ANDROID = { max: 96, slots: 'ms', list: true, lag: 0, log: 'ms' };
const PROFILES = {
  v3: CORRECTED,
  'v3-hardened': CORRECTED,
  'android-v3': ANDROID,
  'ios-v3': { max: 96, slots: 's', list: true, lag: 0, log: 's' },
  v2: { ...ANDROID, max: 144, lag: 1 },
  v1: { ...ANDROID, slots: 'none' },
};
export const PROFILE_NAMES = ['v3', 'android-v3', 'ios-v3', 'v2', 'v1'];

export function profileOf(name) {
  const profile = PROFILES[name ?? 'v3'];
  if (profile === undefined) throw new Error(`no profile ${name}`);
  return profile;
}

export const sha256 = (octets) => createHash('sha256').update(octets).digest();
export const midnight = (timeMs) => Math.floor(timeMs / DAY_MS) * DAY_MS;
const isHex = (text, octets) => typeof text === 'string' && text.length === 2 * octets && /^[0-9a-fA-F]*$/.test(text);

// BZ-KEY-001: 32 octets; an iPhone of 3.0.3 also computed with none at all (F-15).
export function baseIdOf(text, profile) {
  if (profile.slots === 'none') throw new Refused('NO_KEY_SCHEDULE');
  if (isHex(text, 32) || (text === '' && profile.slots === 's')) return Buffer.from(text, 'hex');
  throw new Refused('BAD_BASE_ID');
}

// BZ-KEY-007
export const dividesTheDay = (max) => typeof max === 'number' && Number.isInteger(max) && max >= 2 && max <= MOST_SLOTS
  && DAY_MS % max === 0;

// The `max` of a question. A published build took what it found as a setting: below 1 meant the default.
export function maxOf(max, profile) {
  if (max === undefined) return profile.max;
  if (dividesTheDay(max)) return max;
  if (profile.list && (typeof max === 'number' || typeof max === 'bigint') && max <= MOST_SLOTS) {
    return max < 1 ? profile.max : max;
  }
  throw new Refused('BAD_MAX');
}

// The `max` of a setting: what is refused in a question counts as not configured.
function maxOfSetting(max, profile) {
  try { return maxOf(max ?? null, profile); } catch { return profile.max; }
}

// BZ-KEY-003: one SHA-256 a day; v2 one too few (F-14b). Before the base day the builds used the base itself (F-12).
export function dayKey(base, day, profile) {
  if (profile.slots === 'none') throw new Refused('NO_KEY_SCHEDULE');
  if (day < 0 && !profile.list) throw new Refused('BEFORE_BASE_DAY');
  if (day > LAST_DAY) throw new Refused('DAY_OUT_OF_RANGE');
  if (base.length === 0) return base; // F-15: used anew each day
  let key = base;
  for (let n = day - profile.lag; n > 0; n -= 1) key = sha256(key);
  return key;
}

// BZ-KEY-004 and BZ-KEY-005: the rolling ids of a day as hex, slot by slot and without end.
export function* idsOfDay(key) {
  for (let subkey = sha256(Buffer.concat([key, SALT])); ; subkey = sha256(subkey)) {
    yield Buffer.from(POSITIONS.map((position) => subkey[position])).toString('hex');
  }
}

// Those of the first `count` slots.
export function rollingIds(key, count) {
  const chain = idsOfDay(key);
  return Array.from({ length: count }, () => chain.next().value);
}

// BZ-KEY-006 and F-02. The result is `max` in Android's last milliseconds of a day that `max` does not divide.
export function slotAt(timeMs, max, profile) {
  const since = timeMs - midnight(timeMs);
  if (profile.slots === 's') return Math.floor(Math.floor(since / 1000) / (86_400.0 / max));
  return Math.floor(since / Math.floor(DAY_MS / max));
}

// The first ms since midnight of a slot.
function slotStart(slot, max, profile) {
  if (profile.slots !== 's') return slot * Math.floor(DAY_MS / max);
  let second = Math.max(0, Math.floor(slot * (86_400.0 / max)) - 1);
  while (second < 86_400 && Math.floor(second / (86_400.0 / max)) < slot) second += 1;
  return second * 1000;
}

// F-08: with `max` 1 Android made no list.
function needList(max, profile) {
  if (profile.slots === 'ms' && max < 2) throw new Failure('no id');
}

export function deriveIds({ base_id, day, max, slots }, profile) {
  const base = baseIdOf(base_id, profile);
  const count = maxOf(max, profile);
  const key = dayKey(base, day, profile);
  if (!slots.every((slot) => typeof slot === 'number' && slot >= 0 && slot < count)) throw new Refused('BAD_SLOT');
  needList(count, profile);
  const ids = rollingIds(key, Math.max(0, ...slots.map((slot) => slot + 1)));
  return { ids: slots.map((slot) => ids[slot]) };
}

export const dayNumber = (baseDayMs, timeMs) => (midnight(Number(timeMs)) - midnight(Number(baseDayMs))) / DAY_MS;

export function idAt({ base_id, base_day_ms, time_ms, max }, profile) {
  const base = baseIdOf(base_id, profile);
  const count = maxOf(max, profile);
  const day = dayNumber(base_day_ms, time_ms);
  const key = dayKey(base, day, profile);
  const slot = slotAt(time_ms, count, profile);
  needList(count, profile);
  if (slot >= count) throw new Failure('no id'); // F-02, in the call that makes the list
  return {
    day,
    slot,
    id: rollingIds(key, slot + 1)[slot],
    valid_from_ms: midnight(time_ms) + slotStart(slot, count, profile),
    valid_until_ms: midnight(time_ms) + slotStart(slot + 1, count, profile),
  };
}

// What a phone sends while its clock and `max` move (BZ-KEY-009).
export class Phone {
  constructor(base, baseDayMs, max, profile) {
    Object.assign(this, { base, baseDayMs, max, profile, list: null });
  }

  set(max) { this.max = maxOfSetting(max, this.profile); }

  // The corrected phone reads the clock once. The builds kept the day's list, and made a new one with a second
  // reading of the clock, after which they named it and indexed it (F-10, F-11, F-13).
  id(timeMs, rereadMs = timeMs) {
    const { profile, max } = this;
    const day = dayNumber(this.baseDayMs, timeMs);
    if (!profile.list) {
      const slot = slotAt(timeMs, max, profile);
      return rollingIds(dayKey(this.base, day, profile), slot + 1)[slot];
    }
    if (this.list !== null && this.list.day >= day) {
      const id = this.list.ids[slotAt(timeMs, max, profile)];
      if (id === undefined) throw new Failure('exception');
      return id;
    }
    const key = dayKey(this.base, day, profile);
    needList(max, profile);
    this.list = { day: dayNumber(this.baseDayMs, rereadMs), ids: rollingIds(key, max) };
    const id = this.list.ids[slotAt(rereadMs, max, profile)];
    if (id === undefined) throw new Failure('no id');
    return id;
  }
}

export function idsOverTime({ base_id, base_day_ms, max, events }, profile) {
  const phone = new Phone(baseIdOf(base_id, profile), base_day_ms, maxOf(max, profile), profile);
  const ids = [];
  for (const event of events) {
    if (event.kind === 'max') phone.set(event.value);
    else {
      try {
        ids.push({ id: phone.id(event.time_ms, event.reread_ms) });
      } catch (error) {
        if (error instanceof Refused) ids.push({ reject: error.code });
        else if (error instanceof Failure) ids.push({ failure: error.message });
        else throw error;
      }
    }
  }
  return { ids };
}

// BZ-KEY-001: neither of the three regular families of weak base ids; chance would not give one, so this costs nothing.
function isRegular(base) {
  const step = (base[1] - base[0] + 256) % 256;
  return [0, 1, 255].includes(step) && base.every((octet, at) => octet === (base[0] + at * step) % 256);
}

export function newBaseIds({ count }) {
  const drawn = [];
  while (drawn.length < count) {
    const base = randomBytes(32);
    if (!isRegular(base)) drawn.push(base.toString('hex'));
  }
  return { base_ids: drawn };
}

// BZ-MSG-004, clamped to the base day (F-24). The app of 3.0.3 asked for 14 days whatever the push said.
export function publishedKey({ base_id, base_day_ms, now_ms, days }, profile) {
  const base = baseIdOf(base_id, profile);
  const target = Number(now_ms) - (profile.list ? 14 : Number(days ?? 14)) * DAY_MS;
  const day = Math.max(0, dayNumber(base_day_ms, target));
  const key = dayKey(base, day, profile);
  return { day, day_key: key.toString('hex'), time_start_ms: midnight(base_day_ms) + day * DAY_MS };
}
