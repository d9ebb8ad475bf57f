// A small port of the advertisement: AD structures and the kinds of advertisement.

import { Refused } from './schedule.mjs';

const MOST = 31;
const COMPANY = 'b522';
const APPLE_OVERFLOW = '4c0001';
const uuid = (hex) => Buffer.from(hex, 'hex').reverse().toString('hex');
const ANDROID = ['4e56', '00004e56', '00004e5600001000800000805f9b34fb'].map(uuid);
const IOS = uuid('00004e5673f54bc4a12f17d1ad07a667');
const OLD_ANDROID = uuid('e20a39f473f54bc4a12f17d1ad07a889');
const OLD_IOS = uuid('e20a39f473f54bc4a12f17d1ad07a667');
const WIDTHS = { 2: 2, 3: 2, 4: 4, 5: 4, 6: 16, 7: 16 };
const STATIC_ID = /^[0-9A-Za-z]{6}$/;

// The AD structures before the damage, and the damage's code if there is any
export function structures(octets) {
  const whole = octets.subarray(0, MOST);
  let damage = octets.length > MOST ? 'AD_TOO_LONG' : undefined;
  const found = [];
  for (let at = 0; at < whole.length; at += 1 + whole[at]) {
    if (whole[at] === 0) {
      if (whole.subarray(at).some((octet) => octet !== 0)) damage ??= 'DATA_AFTER_END';
      break;
    }
    const end = at + 1 + whole[at];
    if (end > whole.length) {
      damage ??= 'TRUNCATED_AD';
      break;
    }
    found.push([whole[at + 1], whole.subarray(at + 2, end)]);
  }
  return { found, damage };
}

// What AD structures say together, in no order
export function contentOf(parts) {
  const content = { uuids: new Set(), data: [], names: [], shortData: false, services: Buffer.alloc(16) };
  let broken = false;
  for (const [type, data] of parts) {
    const width = WIDTHS[type];
    if (width) {
      for (let at = 0; at + width <= data.length; at += width) content.uuids.add(data.toString('hex', at, at + width));
      broken ||= data.length % width !== 0;
    } else if (type === 8 || type === 9) {
      content.names.push(new TextDecoder('utf-8', { ignoreBOM: true }).decode(data));
    } else if (type === 0xff) {
      const hex = data.toString('hex');
      if (data.length < 2) content.shortData = true;
      else if (hex.startsWith(COMPANY)) content.data.push(data.subarray(2));
      else if (hex.startsWith(APPLE_OVERFLOW) && data.length === 19) {
        data.subarray(3).forEach((octet, at) => { content.services[at] |= octet; });
      }
    }
  }
  content.android = ANDROID.some((each) => content.uuids.has(each));
  content.iphone = content.uuids.has(IOS);
  content.background = (content.services[0] & 0x08) !== 0;
  const known = content.android || [IOS, OLD_ANDROID, OLD_IOS].some((each) => content.uuids.has(each));
  if (broken && (known || content.data.length > 0)) throw new Refused('BAD_UUID_LIST');
  return content;
}

function theOne(values) {
  if (new Set(values).size > 1) throw new Refused('AMBIGUOUS_ID');
  return values[0];
}

// The one rolling id as hex, or the advertisement is refused (BZ-ADV-003)
export function androidId({ shortData, data }) {
  if (shortData) throw new Refused('SHORT_MANUFACTURER_DATA');
  if (data.some((octets) => octets.length !== 12)) throw new Refused('BAD_ID_LENGTH');
  if (data.length === 0) throw new Refused('MISSING_ID');
  return theOne(data.map((octets) => octets.toString('hex')));
}

// What an advertisement, and its scan response if there is one, say
export function decode(records) {
  const parts = records.flatMap((octets) => {
    const { found, damage } = structures(octets);
    if (damage) throw new Refused(damage);
    return found;
  });
  const content = contentOf(parts);
  if (content.android) return { kind: 'android', id: androidId(content) };
  const ids = content.data.map((data) => data.toString('latin1')).filter((id) => STATIC_ID.test(id));
  if (content.uuids.has(OLD_ANDROID) && ids.length > 0) return { kind: 'old_android', static_id: theOne(ids) };
  if (content.iphone) return { kind: 'ios', local_name: theOne(content.names) ?? null };
  if (content.uuids.has(OLD_IOS)) {
    const name = theOne(content.names) ?? null;
    return { kind: 'old_ios', local_name: name, static_id: revealedId(name ?? '') };
  }
  const services = content.services.toString('hex');
  const only = services === `08${'00'.repeat(15)}`;
  if (content.background) return { kind: 'ios_background', services, only_bluezone: only };
  return { kind: 'other' };
}

// The static id that a name of v1's iPhones hides, or null
export function revealedId(name) {
  if (!/^[1-5][0-9A-Za-z]{8}[1-5]$/.test(name) || name[0] === name[9]) return null;
  const [start, end] = [Number(name[0]), Number(name[9])].sort();
  if (name[start + 1] !== name[end + 1] || name[end + 2] !== name[start]) return null;
  return [...name].filter((_, at) => ![0, start + 1, end + 2, 9].includes(at)).join('');
}

// AdvData of an advertisement
export function encode({ kind, id, local_name: name, static_id: staticId, services }) {
  const ad = (type, data) => Buffer.concat([Buffer.from([data.length + 1, type]), data]);
  const hex = (text) => Buffer.from(text, 'hex');
  const named = name === null || name === undefined ? [] : [ad(9, Buffer.from(name))];
  const parts = {
    android: () => [ad(0xff, hex(COMPANY + id)), ad(3, hex(ANDROID[0]))],
    old_android: () => [ad(0xff, Buffer.concat([hex(COMPANY), Buffer.from(staticId)])), ad(7, hex(OLD_ANDROID))],
    ios: () => [ad(7, hex(IOS)), ...named],
    old_ios: () => [ad(7, hex(OLD_IOS)), ...named],
    ios_background: () => [ad(0xff, hex(APPLE_OVERFLOW + services))],
    other: () => [],
  };
  if (kind === 'android' && !/^[0-9a-fA-F]{24}$/.test(id)) throw new Refused('BAD_ID_LENGTH');
  if (kind === 'old_android' && !STATIC_ID.test(staticId)) throw new Refused('BAD_ID_LENGTH');
  const octets = Buffer.concat(parts[kind]());
  if (octets.length > MOST) throw new Refused('AD_TOO_LONG');
  return kind !== 'other' && octets.length <= MOST - 3 ? Buffer.concat([hex('020102'), octets]) : octets;
}
