// The protocol once more, written from the chapters of the specification alone: it imports the standard library only
// and reads nothing of the project. `answerOf` answers one question; who asks, and how, is its caller's business.

import { decodeAdvertisement, encodeAdvertisement } from './advertisement.mjs';
import { logExport, logImport } from './contact_log.mjs';
import { match } from './matching.mjs';
import { decodeInfo, decodePush, encodeInfo } from './messages.mjs';
import { Refused } from './outcomes.mjs';
import { receive } from './receiver.mjs';
import { PROFILE_NAMES, deriveIds, idAt, idsOverTime, newBaseIds, profileOf, publishedKey } from './schedule.mjs';

const OPERATIONS = {
  derive_ids: deriveIds,
  id_at: idAt,
  ids_over_time: idsOverTime,
  new_base_ids: newBaseIds,
  published_key: publishedKey,
  encode_advertisement: encodeAdvertisement,
  decode_advertisement: decodeAdvertisement,
  receive,
  log_export: logExport,
  log_import: logImport,
  match,
  decode_push: decodePush,
  decode_info: decodeInfo,
  encode_info: encodeInfo,
};

export const ops = Object.keys(OPERATIONS);
export const profiles = PROFILE_NAMES;

// One of {ok}, {reject: {code}}, {error: {message}} and {unsupported: {}}, whatever the question.
export function answerOf(op, question) {
  if (!Object.hasOwn(OPERATIONS, op)) return { unsupported: {} };
  try {
    return { ok: OPERATIONS[op](question, profileOf(question.profile)) };
  } catch (error) {
    return error instanceof Refused ? { reject: { code: error.code } } : { error: { message: error.message } };
  }
}
