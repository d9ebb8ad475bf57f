// Chapters "Receiver" and "Contact log": from adverts and GATT reads to records. One class a receiver: the corrected
// one, and those of Android 3.0.3 and iOS 3.0.3, which differ in every step (table "What each receiver takes").

import {
  ID_OCTETS, OLD_IOS, androidId, contentOf, refuseBrokenList, servicesOf, structuresOf,
} from './advertisement.mjs';
import { Failure, Refused } from './outcomes.mjs';
import { Phone, baseIdOf, maxOf, midnight, slotAt } from './schedule.mjs';

const REPEAT_MS = 5000;
const ATTEMPT_MS = 10_000;
const PADDED = 62; // octets that AOSP makes of a legacy record (F-29)
const IOS_ATTEMPT_MS = 5000;
const EXACT_FIELD = Buffer.from(`4c000108${'00'.repeat(15)}`, 'hex'); // what Android 3.0.3 asked for (F-26)

const octetsOf = (hex) => Buffer.from(hex ?? '', 'hex');
const isId = (hex) => typeof hex === 'string' && hex.length === 2 * ID_OCTETS;

// The value of `attempt`, or null where it is refused.
function unlessRefused(attempt) {
  try { return attempt(); } catch (error) {
    if (error instanceof Refused) return null;
    throw error;
  }
}

// The corrected receiver.
class Receiver {
  constructor(phone, profile) {
    Object.assign(this, { phone, profile, records: [], reads: [], cached: new Map(), attempt: null });
  }

  hear(event, index) {
    const content = contentOf([event.ad, event.scan_response].flatMap((hex) => structuresOf(octetsOf(hex)).structures));
    if (unlessRefused(() => { refuseBrokenList(content); return true; }) === null) return;
    if (content.android) {
      const id = unlessRefused(() => androidId(content)); // BZ-RCV-001, BZ-RCV-002: refused means no read either
      if (id !== null) this.record(id, event.rssi, event.time_ms);
    } else if (content.ios || (servicesOf(content)[0] & 0x08) !== 0) this.meetIphone(event, index, event.time_ms);
  }

  // BZ-RCV-004 and BZ-RCV-005. An attempt begins when the receiver is told of the advert, which may be later.
  meetIphone(event, index, timeMs) {
    const toldMs = event.delivered_ms ?? event.time_ms;
    const id = this.cachedId(event.address, timeMs);
    if (isId(id)) this.record(id, event.rssi, timeMs);
    else if (id === null && !this.busy(toldMs)) {
      this.attempt = { address: event.address, began: toldMs };
      this.reads.push(index);
    }
  }

  cachedId(address, timeMs) {
    const kept = this.cached.get(address);
    const { max } = this.phone;
    const same = (a, b) => midnight(a) === midnight(b) && slotAt(a, max, this.profile) === slotAt(b, max, this.profile);
    return kept !== undefined && same(kept.timeMs, timeMs) ? kept.id : null;
  }

  // An attempt that began later than now is of a clock that was set back since: it blocks nobody.
  busy(timeMs) { return this.attempt !== null && timeMs >= this.attempt.began && !this.isLate(timeMs); }

  isLate(timeMs) { return timeMs - this.attempt.began >= ATTEMPT_MS; }

  // A value counts if an attempt asked for it and it is not late; a failure ends the attempt.
  hearRead({ address, value, rssi, time_ms: timeMs }) {
    if (this.attempt?.address !== address) return;
    const late = this.isLate(timeMs);
    this.attempt = null;
    if (late) return;
    this.keep(address, value, timeMs);
    if (isId(value)) this.record(value, rssi, timeMs);
  }

  keep(address, id, timeMs) { if (isId(id)) this.cached.set(address, { id, timeMs }); }

  record(contactId, rssi, timeMs) {
    if (this.isRepeat(contactId, timeMs)) return;
    // BZ-LOG-001: without an own id there is no record
    const ownId = unlessRefused(() => this.ownId(timeMs));
    if (ownId === null) return;
    this.records.push({ own_id: ownId, contact_id: contactId, rssi, time_ms: this.logged(timeMs) });
  }

  // BZ-LOG-002: on both sides of the instant
  isRepeat(contactId, timeMs) {
    return this.records.some((r) => r.contact_id === contactId && Math.abs(r.time_ms - timeMs) < REPEAT_MS);
  }

  ownId(timeMs) { return this.phone.id(timeMs); }

  logged(timeMs) { return timeMs; }
}

// What the two published receivers share: the last record of a contact id alone counts.
class PublishedReceiver extends Receiver {
  last(contactId) { return this.records.findLast((record) => record.contact_id === contactId)?.time_ms ?? -Infinity; }

  ownId(timeMs) {
    try { return this.phone.id(timeMs); } catch (error) {
      if (error instanceof Failure) return null;
      throw error;
    }
  }
}

class AndroidReceiver extends PublishedReceiver {
  hear(event, index) {
    const timeMs = event.delivered_ms ?? event.time_ms; // F-28
    const content = contentOf([event.ad, event.scan_response].flatMap((hex) => paddedStructures(octetsOf(hex))));
    if (content.short) return; // the platform gives the app no manufacturer data of such a record
    if (content.android) {
      const id = content.broken ? null : content.ours.at(-1); // of two the later one
      if (id?.length === ID_OCTETS) this.record(id.toString('hex'), event.rssi, timeMs);
    } else if (this.knowsIphone(content)) {
      this.meetIphone(event, index, timeMs);
    }
  }

  // v2's iPhones were still v1's: another service UUID, and no overflow form of v3's
  knowsIphone(content) {
    if (this.profile.lag > 0) return content.uuids.has(OLD_IOS);
    return content.ios || content.makers.some((data) => data.equals(EXACT_FIELD));
  }

  // F-19: the oldest row of the address, and its slot number but not its day
  cachedId(address, timeMs) {
    const oldest = this.cached.get(address);
    const slot = (ms) => slotAt(ms, this.phone.max, this.profile);
    return oldest !== undefined && slot(oldest.timeMs) === slot(timeMs) ? oldest.id : null;
  }

  // A phone without the service is kept too, as one octet 00 that is never logged.
  keep(address, value, timeMs) {
    const id = value ?? '00';
    if (!this.cached.has(address) && (isId(id) || id === '00')) this.cached.set(address, { id, timeMs });
  }

  isRepeat(contactId, timeMs) { return timeMs - this.last(contactId) < REPEAT_MS; }
}

// F-29: zeros complete a last structure that is cut short; one that reaches beyond the padding empties the record.
function paddedStructures(octets) {
  const padded = Buffer.concat([octets, Buffer.alloc(Math.max(0, PADDED - octets.length))]);
  const structures = [];
  for (let at = 0; at < padded.length && padded[at] !== 0; at += 1 + padded[at]) {
    const end = at + 1 + padded[at];
    if (end > padded.length) return [];
    structures.push({ type: padded[at + 1], data: padded.subarray(at + 2, end) });
  }
  return structures;
}

class IosReceiver extends PublishedReceiver {
  hear(event, index) {
    const content = contentOf([event.ad, event.scan_response].flatMap((hex) => structuresOf(octetsOf(hex)).structures));
    const hinted = (servicesOf(content)[0] & 0x08) !== 0; // left to the platform, which knows its own overflow form
    if (!content.android && !content.ios && !hinted) return;
    const data = hinted && !content.android ? undefined : content.makers.at(-1);
    if (data === undefined) this.meetIphone(event, index, event.time_ms);
    else if (data.length < 2) throw new Failure('exception'); // F-17
    else if (data.length === 2 + ID_OCTETS) this.record(data.toString('hex', 2), event.rssi, event.time_ms); // F-18
  }

  // No id is cached. A new attempt: every 5 s an address, or at once after an error. That the build connects again by
  // itself, 2 min after a disconnect, is no matter of adverts and reads.
  meetIphone({ address }, index, timeMs) {
    const next = this.cached.get(address);
    if (next !== undefined && timeMs < next) return;
    this.cached.set(address, timeMs + IOS_ATTEMPT_MS);
    this.reads.push(index);
  }

  hearRead({ address, value, rssi, time_ms: timeMs }) {
    if (!this.cached.has(address)) return; // no attempt asked for it
    if (value === null || value === undefined) {
      this.cached.delete(address);
      return;
    }
    if (isId(value)) this.record(value, rssi, timeMs);
  }

  isRepeat(contactId, timeMs) { return this.logged(timeMs) - this.last(contactId) < REPEAT_MS; } // F-20

  logged(timeMs) { return Math.floor(timeMs / 1000) * 1000; } // F-01
}

export function receive({ base_id, base_day_ms, max, events }, profile) {
  const phone = new Phone(baseIdOf(base_id, profile), base_day_ms, maxOf(max, profile), profile);
  const kinds = { exact: Receiver, ms: AndroidReceiver, s: IosReceiver };
  const receiver = new kinds[profile.slots](phone, profile);
  events.forEach((event, index) => {
    if (event.kind === 'read') receiver.hearRead(event);
    else receiver.hear(event, index);
  });
  return { records: receiver.records, reads: receiver.reads };
}
