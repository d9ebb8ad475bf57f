import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A small port of the receiver and of the contact log with its data trace. */
final class ContactLog {
    private static final long REPEAT_MS = 5000;
    private static final long ATTEMPT_MS = 10_000;
    private static final long SECONDS_BELOW = 100_000_000_000L;
    private static final long LAST_MS = 253_402_300_799_999L;

    /** One record of a contact log. */
    record Entry(String ownId, String contactId, long rssi, long timeMs) {
        static Entry of(Map<?, ?> q) {
            return new Entry((String) q.get("own_id"), (String) q.get("contact_id"),
                (Long) q.get("rssi"), (Long) q.get("time_ms"));
        }

        Map<String, Object> value() {
            return Json.object("own_id", ownId, "contact_id", contactId, "rssi", rssi, "time_ms", timeMs);
        }

        String line() {
            return ownId.toUpperCase() + "\t" + contactId.toUpperCase() + "\t" + rssi + "\t" + timeMs;
        }
    }

    private record Cached(String id, long timeMs) { }

    private record Attempt(String address, long beganMs) { }

    private final Schedule.Phone phone;
    private final Map<String, Cached> cached = new HashMap<>();
    private Attempt attempt;
    final List<Entry> records = new ArrayList<>();

    ContactLog(Schedule.Phone phone) {
        this.phone = phone;
    }

    /** Takes an advert, heard and told of at these times; true if the address is to be read now. */
    boolean advert(Advertisement heard, String address, long rssi, long timeMs, long toldMs) {
        try {
            heard.refuseBrokenList();
            if (heard.isAndroid()) {
                record(heard.androidId(), rssi, timeMs);
                return false;
            }
        } catch (Refused refused) {
            return false;
        }
        if (!heard.isIphone()) return false;
        Cached kept = cached.get(address);
        if (kept != null && phone.day(kept.timeMs) == phone.day(timeMs)
            && Schedule.slotAt(kept.timeMs, phone.max()) == Schedule.slotAt(timeMs, phone.max())) {
            record(kept.id, rssi, timeMs);
            return false;
        }
        if (isBusy(toldMs)) return false;
        attempt = new Attempt(address, toldMs);
        return true;
    }

    /** Takes what a read gave; null where it failed. */
    void read(String value, String address, long rssi, long timeMs) {
        if (attempt == null || !attempt.address.equals(address)) return;
        boolean late = timeMs - attempt.beganMs >= ATTEMPT_MS;
        attempt = null;
        if (late || value == null || value.length() != 24) return;
        cached.put(address, new Cached(value, timeMs));
        record(value, rssi, timeMs);
    }

    private boolean isBusy(long timeMs) {
        return attempt != null && timeMs >= attempt.beganMs && timeMs - attempt.beganMs < ATTEMPT_MS;
    }

    /** Records a contact id, unless it is a repeat or there is no own id. */
    private void record(String contactId, long rssi, long timeMs) {
        for (Entry entry : records) {
            if (entry.contactId.equals(contactId) && Math.abs(entry.timeMs - timeMs) < REPEAT_MS) return;
        }
        try {
            records.add(new Entry(phone.id(timeMs), contactId, rssi, timeMs));
        } catch (Refused noOwnId) {
            return;
        }
    }

    static String export(List<Entry> records) {
        StringBuilder text = new StringBuilder();
        for (Entry entry : records) text.append(entry.line()).append('\n');
        return text.toString();
    }

    /** The records of a data trace, and its defects, each with its line. */
    static Map<String, Object> read(byte[] octets) {
        List<Object> records = new ArrayList<>();
        List<Object> defects = new ArrayList<>();
        String[] lines = new String(octets, StandardCharsets.ISO_8859_1).split("\n", -1);
        for (int i = 0; i < lines.length; i++) {
            boolean last = i == lines.length - 1;
            if (last && lines[i].isEmpty()) break;
            List<String> codes = new ArrayList<>();
            Entry entry = readLine(lines[i], codes);
            if (entry != null) records.add(entry.value());
            else if (last) codes.clear();
            if (last) codes.add("UNTERMINATED_LOG_LINE");
            for (String code : codes) defects.add(Json.object("line", i + 1, "code", code));
        }
        return Json.object("records", records, "defects", defects);
    }

    /** The record of a line without its end, or null; the codes of its defects are added. */
    private static Entry readLine(String line, List<String> codes) {
        String plain = line.replaceFirst("^\u00ef\u00bb\u00bf", "").replaceFirst("\r$", "");
        String[] columns = plain.split("\t", -1);
        String hex = "([0-9a-fA-F]{2})+";
        boolean whole = columns.length == 4 && plain.matches("\\p{ASCII}*");
        if (!whole || !columns[0].matches(hex) || !columns[1].matches(hex)) {
            codes.add("BAD_LOG_LINE");
            return null;
        }
        Long rssi = number(columns[2]);
        if (rssi == null || !(rssi >= -127 && rssi <= 20 || rssi == 127)) {
            codes.add("BAD_RSSI");
            return null;
        }
        Long time = number(columns[3]);
        if (time == null || time < 0 || time > LAST_MS) {
            codes.add("BAD_TIME");
            return null;
        }
        if (!line.equals(new Entry(columns[0], columns[1], rssi, time).line())) codes.add("BAD_LOG_LINE");
        if (columns[0].length() != 24 || columns[1].length() != 24) codes.add("BAD_ID_LENGTH");
        long timeMs = time < SECONDS_BELOW ? time * 1000 : time;
        return new Entry(columns[0].toLowerCase(), columns[1].toLowerCase(), rssi, timeMs);
    }

    private static Long number(String text) {
        if (!text.matches("[+-]?[0-9]+")) return null;
        try {
            return Long.valueOf(text);
        } catch (NumberFormatException beyond) {
            return null;
        }
    }
}
