// Strict JSON (RFC 8259) that keeps integers apart from other numbers, as BZ-MAT-005 needs it: JSON.parse of this
// language takes 96, 96.0 and 9.6e1 for the same and rounds what is beyond 53 bits.
//
// An integer becomes a number, or a BigInt where it is beyond 53 bits; any other number a Real. Objects become Maps.

export class NotJson extends Error {}

// A number with a fraction or an exponent: no integer, whatever its value.
export class Real {
  constructor(text) { this.text = text; }
}

// Deeper nesting than any message has is refused: it would cost a stack (BZ-MSG-006).
const DEEPEST = 500;

const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const BLANK = /[ \t\n\r]*/y;
const ESCAPES = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };
const WORDS = [['true', true], ['false', false], ['null', null]];

export function isInteger(value) {
  return typeof value === 'number' || typeof value === 'bigint';
}

// The value of a JSON text; NotJson where it is none.
export function read(text) {
  let at = 0;

  function fail() { throw new NotJson(`no JSON at ${at}`); }

  function take(pattern) {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found === null) fail();
    at = pattern.lastIndex;
    return found;
  }

  function number() {
    const found = take(NUMBER);
    if (found[1] !== undefined || found[2] !== undefined) return new Real(found[0]);
    const value = Number(found[0]);
    return Number.isSafeInteger(value) ? value + 0 : BigInt(found[0]);
  }

  function string() {
    at += 1;
    let out = '';
    for (;;) {
      out += take(PLAIN)[0];
      const sign = text[at];
      at += 1;
      if (sign === '"') return out;
      if (sign !== '\\') fail();
      const escape = text[at];
      at += 1;
      if (escape === 'u') {
        const digits = text.slice(at, at + 4);
        if (!/^[0-9a-fA-F]{4}$/.test(digits)) fail();
        out += String.fromCharCode(parseInt(digits, 16));
        at += 4;
      } else if (Object.hasOwn(ESCAPES, escape ?? '')) out += ESCAPES[escape];
      else fail();
    }
  }

  // What stands between two brackets: `entry` reads one, until the closing sign.
  function entries(closing, entry) {
    at += 1;
    take(BLANK);
    if (text[at] === closing) { at += 1; return; }
    for (;;) {
      entry();
      take(BLANK);
      const sign = text[at];
      at += 1;
      if (sign === closing) return;
      if (sign !== ',') fail();
    }
  }

  function value(depth) {
    if (depth > DEEPEST) fail();
    take(BLANK);
    const sign = text[at];
    if (sign === '"') return string();
    if (sign === '{') {
      const object = new Map();
      entries('}', () => {
        take(BLANK);
        if (text[at] !== '"') fail();
        const key = string();
        take(BLANK);
        if (text[at] !== ':') fail();
        at += 1;
        object.set(key, value(depth + 1));
      });
      return object;
    }
    if (sign === '[') {
      const list = [];
      entries(']', () => list.push(value(depth + 1)));
      return list;
    }
    for (const [word, meaning] of WORDS) {
      if (text.startsWith(word, at)) { at += word.length; return meaning; }
    }
    return number();
  }

  const whole = value(0);
  take(BLANK);
  if (at !== text.length) fail();
  return whole;
}

// The JSON text of a value, Maps, BigInts and Reals included.
export function write(value) {
  if (value instanceof Map) return write(Object.fromEntries(value));
  if (value instanceof Real) return value.text;
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return `[${value.map(write).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const parts = Object.entries(value).filter(([, part]) => part !== undefined);
  return `{${parts.map(([key, part]) => `${JSON.stringify(key)}:${write(part)}`).join(',')}}`;
}

// A value in which objects are this language's own.
export function plain(value) {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, part]) => [key, plain(part)]));
  return Array.isArray(value) ? value.map(plain) : value;
}
