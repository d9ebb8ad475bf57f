// Chapter "Contact log": the data trace, written and read.

const SECONDS_BELOW = 100_000_000_000; // a smaller time counts seconds
const LAST_MS = 253_402_300_799_999;
const LF = 0x0a;

export function logExport({ records }, profile) {
  const line = ({ own_id: ownId, contact_id: contactId, rssi, time_ms: timeMs }) => {
    const time = profile.log === 's' ? Math.floor(timeMs / 1000) : timeMs; // F-01: cut, not rounded
    return `${[ownId.toUpperCase(), contactId.toUpperCase(), rssi, time].join('\t')}\n`;
  };
  return { text: records.map(line).join('') };
}

// A number of a column: its value, or null, and whether it is written as BZ-LOG-003 says.
function numberOf(text) {
  if (!/^[+-]?[0-9]+$/.test(text)) return { value: null, plain: false };
  return { value: Number(text) + 0, plain: /^(0|-?[1-9][0-9]*)$/.test(text) };
}

// A line without its LF: its record if it can be read, and the codes of its defects.
function readLine(octets) {
  const codes = new Set();
  const lost = (code) => ({ record: null, codes: [code] });
  let text = octets.toString('latin1');
  if (text.startsWith('\xef\xbb\xbf')) { text = text.slice(3); codes.add('BAD_LOG_LINE'); }
  if (text.endsWith('\r')) { text = text.slice(0, -1); codes.add('BAD_LOG_LINE'); }
  const columns = text.split('\t');
  if (columns.length !== 4 || /[^\0-\x7f]/.test(text)) return lost('BAD_LOG_LINE');
  const ids = columns.slice(0, 2);
  if (!ids.every((id) => /^([0-9a-fA-F]{2})+$/.test(id))) return lost('BAD_LOG_LINE');
  const rssi = numberOf(columns[2]);
  if (rssi.value === null || !((rssi.value >= -127 && rssi.value <= 20) || rssi.value === 127)) return lost('BAD_RSSI');
  const time = numberOf(columns[3]);
  if (time.value === null || time.value < 0 || time.value > LAST_MS) return lost('BAD_TIME');
  if (/[a-f]/.test(ids.join('')) || !rssi.plain || !time.plain) codes.add('BAD_LOG_LINE');
  if (ids.some((id) => id.length !== 24)) codes.add('BAD_ID_LENGTH');
  const [ownId, contactId] = ids.map((id) => id.toLowerCase());
  const timeMs = time.value < SECONDS_BELOW ? time.value * 1000 : time.value;
  return { record: { own_id: ownId, contact_id: contactId, rssi: rssi.value, time_ms: timeMs }, codes: [...codes] };
}

export function logImport({ octets: hex }) {
  const octets = Buffer.from(hex, 'hex');
  const records = [];
  const defects = [];
  for (let start = 0, line = 1; start < octets.length; line += 1) {
    const found = octets.indexOf(LF, start);
    const end = found < 0 ? octets.length : found;
    const { record, codes } = readLine(octets.subarray(start, end));
    if (record !== null) records.push(record);
    // a line that is cut and cannot be read has this one defect, whatever else the cut made of it
    if (found < 0 && record === null) codes.length = 0;
    if (found < 0) codes.push('UNTERMINATED_LOG_LINE');
    defects.push(...codes.map((code) => ({ line, code })));
    start = end + 1;
  }
  return { records, defects };
}
