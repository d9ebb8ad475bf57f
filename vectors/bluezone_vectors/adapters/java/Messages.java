import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A small port of positive cases, matching, pushes and InfoF. */
final class Messages {
    private static final long LAST_S = 253_402_300_799L;
    private static final long SPAN_S = 400 * 86_400;
    private static final String KEY = "[0-9a-fA-F]{64}";
    private static final String[] UPLOAD_KEYS = {"base_id", "time", "daily_key", "time_start"};
    private static final Map<String, List<String>> TEXT_FIELDS = new HashMap<>();

    static {
        TEXT_FIELDS.put("KiemTraLichSuTiepXuc", List.of("FindGUID", "InfoF"));
        TEXT_FIELDS.put("LayThongTinVaLichSu", List.of("FindGUID"));
        TEXT_FIELDS.put("GetInfoApp", List.of("PushGUID"));
        TEXT_FIELDS.put("YeuCauGuiLichSu", List.of("OTP"));
        for (String type : List.of("CanhBaoXacNhanTiepXuc", "GuiThongBao", "bznews", "urlnews", "MOBILE", "XoaThongBao",
            "CapNhatCauHinh", "CapNhatNgonNgu", "GetLogApp", "PingPong")) TEXT_FIELDS.put(type, List.of());
    }

    private Messages() { }

    /** A positive case. */
    record Case(String dayKey, long startMs, long endMs, long max) {
        Map<String, Object> value() {
            return Json.object("day_key", dayKey, "time_start_ms", startMs, "time_end_ms", endMs, "max", max);
        }
    }

    private record Hit(long day, long slot, int record) {
        Map<String, Object> value() {
            return Json.object("record", record, "day", day, "slot", slot);
        }
    }

    private static Object need(Map<?, ?> object, String key) {
        if (!object.containsKey(key)) throw new Refused("MISSING_FIELD");
        return object.get(key);
    }

    private static long integer(Object value) {
        if (value instanceof Long number) return number;
        throw new Refused("NOT_AN_INTEGER");
    }

    private static String text(Object value) {
        if (value instanceof String text) return text;
        throw new Refused("NOT_TEXT");
    }

    private static void refuseIf(boolean wrong, String code) {
        if (wrong) throw new Refused(code);
    }

    private static boolean isTime(long seconds) {
        return seconds >= 0 && seconds <= LAST_S;
    }

    /** One positive case, or a refusal with the first code that applies (BZ-MAT-005). */
    private static Case caseOf(Object value) {
        if (!(value instanceof Map<?, ?> entry)) throw new Refused("BAD_JSON");
        Object key = need(entry, "daily_key");
        long start = integer(need(entry, "time_start"));
        long end = integer(need(entry, "time_end"));
        long max = integer(need(entry, "max"));
        refuseIf(!(key instanceof String hex) || !hex.matches(KEY), "BAD_DAY_KEY");
        refuseIf(!Schedule.dividesTheDay(max), "BAD_MAX");
        refuseIf(!isTime(start) || !isTime(end), "BAD_TIME");
        refuseIf(end < start, "TIME_END_BEFORE_TIME_START");
        refuseIf(end - start >= SPAN_S, "CASE_TOO_LONG");
        return new Case(((String) key).toLowerCase(), start * 1000, end * 1000, max);
    }

    private static Map<?, ?> message(String text) {
        if (!(Json.read(text.replaceFirst("^\ufeff", "")) instanceof Map<?, ?> message)) throw new Refused("BAD_JSON");
        refuseIf(!(message.get("data") instanceof List<?>), "MISSING_FIELD");
        return message;
    }

    /** Each case of a message, or the code with which it is refused. */
    private static List<Object> casesOf(Map<?, ?> message) {
        List<Object> cases = new ArrayList<>();
        for (Object entry : (List<?>) message.get("data")) {
            try {
                cases.add(caseOf(entry));
            } catch (Refused refused) {
                cases.add(refused.code);
            }
        }
        return cases;
    }

    static Map<String, Object> decodeCases(String text) {
        Map<?, ?> message = message(text);
        List<Object> shown = new ArrayList<>();
        for (Object each : casesOf(message)) {
            shown.add(each instanceof Case good ? good.value() : Json.object("reject", each));
        }
        return Json.object("cases", shown, "further", Json.further(message, "data"));
    }

    /** The hits of a case; a record can lie in two slots at most, so that only those are tried. */
    private static List<Hit> hits(Case found, List<ContactLog.Entry> records) {
        long length = Schedule.DAY_MS / found.max;
        TreeMap<Long, List<Hit>> tried = new TreeMap<>();
        for (int i = 0; i < records.size(); i++) {
            long after = records.get(i).timeMs() - found.startMs;
            long last = Math.floorDiv(after, length);
            for (long slot = after % length == 0 ? last - 1 : last; slot <= last; slot++) {
                if (slot < 0 || found.startMs + slot * length > found.endMs) continue;
                Hit hit = new Hit(slot / found.max, slot % found.max, i);
                tried.computeIfAbsent(hit.day, day -> new ArrayList<>()).add(hit);
            }
        }
        List<Hit> hits = new ArrayList<>();
        byte[] key = Schedule.HEX.parseHex(found.dayKey);
        for (long day = 0; !tried.isEmpty() && day <= tried.lastKey(); day++, key = Schedule.sha256(key)) {
            List<Hit> asked = tried.getOrDefault(day, List.of());
            List<String> ids = Schedule.rollingIds(key, asked.stream().mapToLong(hit -> hit.slot + 1).max().orElse(0));
            for (Hit hit : asked) {
                if (ids.get((int) hit.slot).equals(records.get(hit.record).contactId())) hits.add(hit);
            }
        }
        hits.sort(Comparator.comparingLong(Hit::day).thenComparingLong(Hit::slot).thenComparingInt(Hit::record));
        return hits;
    }

    static Map<String, Object> match(String text, List<ContactLog.Entry> records) {
        List<Object> cases = new ArrayList<>();
        boolean contact = false;
        for (Object each : casesOf(message(text))) {
            if (each instanceof Case good) {
                List<Hit> hits = hits(good, records);
                contact |= !hits.isEmpty();
                cases.add(Json.object("contact", !hits.isEmpty(), "hits", hits.stream().map(Hit::value).toList()));
            } else {
                cases.add(Json.object("reject", each));
            }
        }
        return Json.object("contact", contact, "cases", cases);
    }

    /** The object that JSON text of a push holds; a missing one is empty. */
    private static Map<?, ?> inner(Map<?, ?> push, String key) {
        if (!push.containsKey(key)) return Map.of();
        if (Json.read(text(push.get(key))) instanceof Map<?, ?> object) return object;
        throw new Refused("NOT_AN_OBJECT");
    }

    static Map<String, Object> decodePush(String text) {
        if (!(Json.read(text) instanceof Map<?, ?> push)) throw new Refused("NOT_AN_OBJECT");
        String type = push.containsKey("Type") ? text(push.get("Type")) : "";
        if (!TEXT_FIELDS.containsKey(type)) return Json.object("ignored", true);
        Map<?, ?> content = inner(push, "DataContent");
        Map<?, ?> notify = inner(push, "Notify");
        for (String key : TEXT_FIELDS.get(type)) text(need(content, key));
        boolean asksDays = type.equals("KiemTraLichSuTiepXuc") || type.equals("LayThongTinVaLichSu");
        if (asksDays && content.containsKey("Numberdays")) integer(content.get("Numberdays"));
        List<String> further = Json.further(push, "Type", "DataContent", "Notify");
        return Json.object("type", type, "content", content, "notify", notify, "further", further);
    }

    static Map<String, Object> decodeUpload(String infoF) {
        if (!(Json.read(infoF) instanceof Map<?, ?> info)) throw new Refused("BAD_JSON");
        Arrays.stream(UPLOAD_KEYS).forEach(key -> need(info, key));
        String base = text(info.get("base_id"));
        String key = text(info.get("daily_key"));
        long time = integer(info.get("time"));
        long start = integer(info.get("time_start"));
        refuseIf(!base.matches(KEY), "BAD_BASE_ID");
        refuseIf(!key.matches(KEY), "BAD_DAY_KEY");
        refuseIf(!isTime(time) || !isTime(start), "BAD_TIME");
        refuseIf(time % 86_400 != 0 || start % 86_400 != 0, "NOT_MIDNIGHT");
        refuseIf(start < time, "DAY_BEFORE_BASE_DAY");
        byte[] right = Schedule.dayKey(Schedule.HEX.parseHex(base), (start - time) / 86_400);
        refuseIf(!Schedule.HEX.formatHex(right).equalsIgnoreCase(key), "WRONG_DAY_KEY");
        return Json.object("base_id", base.toLowerCase(), "base_day_ms", time * 1000, "day_key", key.toLowerCase(),
            "time_start_ms", start * 1000, "further", Json.further(info, UPLOAD_KEYS));
    }

    static String encodeUpload(Schedule.Phone phone, long nowMs, long days) {
        Map<String, Object> key = phone.published(nowMs, days);
        return Json.write(Json.object("base_id", Schedule.HEX.formatHex(phone.baseId()),
            "time", Math.floorDiv(phone.baseDayMs(), Schedule.DAY_MS) * 86_400,
            "daily_key", key.get("day_key"), "time_start", (Long) key.get("time_start_ms") / 1000));
    }

    /** The message of positive cases; what a receiver would refuse is refused here. */
    static String encodeCases(List<?> cases) {
        List<Object> data = new ArrayList<>();
        for (Object value : cases) {
            Map<?, ?> each = (Map<?, ?>) value;
            Map<String, Object> entry = Json.object("daily_key", each.get("day_key"),
                "time_start", Math.floorDiv((Long) each.get("time_start_ms"), 1000L),
                "time_end", Math.floorDiv((Long) each.get("time_end_ms"), 1000L), "max", each.get("max"));
            caseOf(entry);
            data.add(entry);
        }
        return Json.write(Json.object("data", data));
    }
}
