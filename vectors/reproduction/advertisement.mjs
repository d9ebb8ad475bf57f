// Chapter "Advertisement": AD structures, the kinds of advertisement, and the obfuscated name of v1's iPhones.

import { Refused } from './outcomes.mjs';

const MOST = 31; // octets of a legacy record
export const ID_OCTETS = 12;
const COMPANY = 0x22b5;
const APPLE = 0x004c;
const reversed = (hex) => Buffer.from(hex, 'hex').reverse().toString('hex');
const ANDROID = ['564e', reversed('00004e56'), reversed('00004e5600001000800000805f9b34fb')];
const IOS = reversed('00004e5673f54bc4a12f17d1ad07a667');
const OLD_ANDROID = reversed('e20a39f473f54bc4a12f17d1ad07a889');
export const OLD_IOS = reversed('e20a39f473f54bc4a12f17d1ad07a667');
const UUID_OCTETS = { 0x02: 2, 0x03: 2, 0x04: 4, 0x05: 4, 0x06: 16, 0x07: 16 };
const STATIC_ID = /^[0-9A-Za-z]{6}$/;

// The AD structures before the damage, and the damage's code or null (BZ-ADV-001).
export function structuresOf(octets) {
  const end = Math.min(octets.length, MOST);
  const structures = [];
  let damage = octets.length > MOST ? 'AD_TOO_LONG' : null;
  for (let at = 0; at < end; at += 1 + octets[at]) {
    if (octets[at] === 0) {
      if (octets.subarray(at, end).some((octet) => octet !== 0)) damage ??= 'DATA_AFTER_END';
      break;
    }
    if (at + 1 + octets[at] > end) {
      damage ??= 'TRUNCATED_AD';
      break;
    }
    structures.push({ type: octets[at + 1], data: octets.subarray(at + 2, at + 1 + octets[at]) });
  }
  return { structures, damage };
}

// What AD structures say together, in no order (BZ-ADV-011).
export function contentOf(structures) {
  const content = { uuids: new Set(), broken: false, short: false, ours: [], names: [], overflow: [], makers: [] };
  for (const { type, data } of structures) {
    const width = UUID_OCTETS[type];
    if (width !== undefined) {
      for (let at = 0; at + width <= data.length; at += width) content.uuids.add(data.toString('hex', at, at + width));
      if (data.length % width !== 0) content.broken = true;
    } else if (type === 0x08 || type === 0x09) {
      content.names.push(new TextDecoder('utf-8', { ignoreBOM: true }).decode(data));
    } else if (type === 0xff) {
      content.makers.push(data);
      if (data.length < 2) content.short = true;
      else if (data.readUInt16LE() === COMPANY) content.ours.push(data.subarray(2));
      else if (data.readUInt16LE() === APPLE && data[2] === 0x01 && data.length === 19) {
        content.overflow.push(data.subarray(3));
      }
    }
  }
  content.android = ANDROID.some((uuid) => content.uuids.has(uuid));
  content.ios = content.uuids.has(IOS);
  return content;
}

// Several overflow fields are joined by OR.
export function servicesOf({ overflow }) {
  const joined = Buffer.alloc(16);
  for (const field of overflow) field.forEach((octet, at) => { joined[at] |= octet; });
  return joined;
}

// BZ-ADV-003: the one id of twelve octets, or a refusal.
export function androidId({ short, ours }) {
  if (short) throw new Refused('SHORT_MANUFACTURER_DATA');
  if (ours.some((data) => data.length !== ID_OCTETS)) throw new Refused('BAD_ID_LENGTH');
  if (ours.length === 0) throw new Refused('MISSING_ID');
  return theOne(ours.map((data) => data.toString('hex')));
}

// BZ-ADV-011: what two structures contradict each other in is refused, and the same twice is one.
function theOne(values) {
  if (new Set(values).size > 1) throw new Refused('AMBIGUOUS_ID');
  return values[0] ?? null;
}

// BZ-ADV-002: a broken list in an advertisement that is otherwise Bluezone's.
export function refuseBrokenList(content) {
  const known = content.android || [IOS, OLD_ANDROID, OLD_IOS].some((uuid) => content.uuids.has(uuid));
  if (content.broken && (known || content.ours.length > 0)) throw new Refused('BAD_UUID_LIST');
}

export function decodeAdvertisement({ ad, scan_response }) {
  const structures = [ad, scan_response].filter((hex) => hex !== undefined && hex !== null).flatMap((hex) => {
    const found = structuresOf(Buffer.from(hex, 'hex'));
    if (found.damage !== null) throw new Refused(found.damage);
    return found.structures;
  });
  return { advertisement: kindOf(contentOf(structures)) };
}

// The table "The kinds of advertisement": the first row that applies.
function kindOf(content) {
  refuseBrokenList(content);
  if (content.android) return { kind: 'android', id: androidId(content) };
  if (content.uuids.has(OLD_ANDROID)) {
    const ids = content.ours.map((data) => data.toString('latin1')).filter((id) => STATIC_ID.test(id));
    if (ids.length > 0) return { kind: 'old_android', static_id: theOne(ids) };
  }
  if (content.ios) return { kind: 'ios', local_name: theOne(content.names) };
  if (content.uuids.has(OLD_IOS)) {
    const name = theOne(content.names);
    return { kind: 'old_ios', local_name: name, static_id: name === null ? null : revealedId(name) };
  }
  const services = servicesOf(content);
  if ((services[0] & 0x08) !== 0) {
    const field = services.toString('hex');
    return { kind: 'ios_background', services: field, only_bluezone: field === `08${'00'.repeat(15)}` };
  }
  return { kind: 'other' };
}

// The static id that an obfuscated name holds, or null.
export function revealedId(name) {
  if (!/^[1-5][0-9A-Za-z]{8}[1-5]$/.test(name) || name[0] === name[9]) return null;
  const [start, end] = [Number(name[0]), Number(name[9])].sort();
  if (name[start + 1] !== name[end + 1] || name[end + 2] !== name[start]) return null;
  return [...name].filter((_, at) => ![0, start + 1, end + 2, 9].includes(at)).join('');
}

const structure = (type, data) => Buffer.concat([Buffer.from([data.length + 1, type]), data]);
const FLAGS = { android: structure(0x01, Buffer.from([0x02])), ios: structure(0x01, Buffer.from([0x1a])) };

export function encodeAdvertisement({ advertisement }) {
  const ad = Buffer.concat(partsOf(advertisement));
  if (ad.length > MOST) throw new Refused('AD_TOO_LONG');
  return { ad: ad.toString('hex') };
}

function partsOf({ kind, id, local_name: name = null, static_id: staticId, services }) {
  const company = (data) => structure(0xff, Buffer.concat([Buffer.from([COMPANY & 0xff, COMPANY >> 8]), data]));
  // Flags go in front where the record has room for them
  const withFlags = (parts) => (Buffer.concat(parts).length + 3 <= MOST ? [FLAGS.ios, ...parts] : parts);
  const named = name === null ? [] : [structure(0x09, Buffer.from(name, 'utf8'))];
  switch (kind) {
    case 'android': {
      if (!/^([0-9a-fA-F]{2}){12}$/.test(id)) throw new Refused('BAD_ID_LENGTH');
      return [FLAGS.android, company(Buffer.from(id, 'hex')), structure(0x03, Buffer.from('564e', 'hex'))];
    }
    case 'old_android': {
      if (!STATIC_ID.test(staticId)) throw new Refused('BAD_ID_LENGTH');
      return [FLAGS.android, company(Buffer.from(staticId)), structure(0x07, Buffer.from(OLD_ANDROID, 'hex'))];
    }
    case 'ios':
      return withFlags([structure(0x07, Buffer.from(IOS, 'hex')), ...named]);
    case 'old_ios': {
      if (typeof staticId === 'string' && revealedId(name ?? '') !== staticId) throw new Refused('BAD_OBFUSCATED_NAME');
      return withFlags([structure(0x07, Buffer.from(OLD_IOS, 'hex')), ...named]);
    }
    case 'ios_background': {
      if (!/^([0-9a-fA-F]{2}){16}$/.test(services)) throw new Refused('BAD_ID_LENGTH');
      return [FLAGS.ios, structure(0xff, Buffer.from(`4c0001${services}`, 'hex'))];
    }
    default:
      return []; // not Bluezone's: nothing to say
  }
}
