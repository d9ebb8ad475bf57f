import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;

/** A small port of the key schedule: base ids, day keys, rolling ids and slots of Bluezone v3. */
final class Schedule {
    static final long DAY_MS = 86_400_000;
    static final long DEFAULT_MAX = 96;
    static final HexFormat HEX = HexFormat.of();
    private static final byte[] SALT = "bluzonesubkey".getBytes(java.nio.charset.StandardCharsets.US_ASCII);
    private static final int[] POSITIONS = {0, 4, 8, 12, 16, 18, 20, 22, 24, 26, 28, 30};
    private static final long LAST_DAY = 36_525;
    private static final SecureRandom RANDOM = new SecureRandom();

    private Schedule() { }

    static byte[] sha256(byte[]... parts) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (byte[] part : parts) digest.update(part);
            return digest.digest();
        } catch (NoSuchAlgorithmException missing) {
            throw new IllegalStateException(missing);
        }
    }

    /** Whether a value may be max (BZ-KEY-007). */
    static boolean dividesTheDay(Object value) {
        return value instanceof Long max && max >= 2 && max <= 86_400 && DAY_MS % max == 0;
    }

    static long slotsADay(Object value) {
        if (!dividesTheDay(value)) throw new Refused("BAD_MAX");
        return (Long) value;
    }

    static byte[] baseIdOf(Object hex) {
        if (!(hex instanceof String text) || !text.matches("[0-9a-fA-F]{64}")) throw new Refused("BAD_BASE_ID");
        return HEX.parseHex(text);
    }

    static long dayNumber(long baseDayMs, long timeMs) {
        return Math.floorDiv(timeMs, DAY_MS) - Math.floorDiv(baseDayMs, DAY_MS);
    }

    /** The base id, hashed once a day. */
    static byte[] dayKey(byte[] baseId, long day) {
        if (day < 0) throw new Refused("BEFORE_BASE_DAY");
        if (day > LAST_DAY) throw new Refused("DAY_OUT_OF_RANGE");
        byte[] key = baseId;
        for (long n = 0; n < day; n++) key = sha256(key);
        return key;
    }

    /** The rolling ids of the first slots of a day, as hex. */
    static List<String> rollingIds(byte[] key, long count) {
        List<String> ids = new ArrayList<>();
        for (byte[] subkey = sha256(key, SALT); ids.size() < count; subkey = sha256(subkey)) {
            byte[] id = new byte[POSITIONS.length];
            for (int i = 0; i < id.length; i++) id[i] = subkey[POSITIONS[i]];
            ids.add(HEX.formatHex(id));
        }
        return ids;
    }

    static List<String> deriveIds(byte[] baseId, long day, long max, List<Long> slots) {
        for (long slot : slots) if (slot < 0 || slot >= max) throw new Refused("BAD_SLOT");
        long last = slots.stream().mapToLong(Long::longValue).max().orElse(0);
        List<String> ids = rollingIds(dayKey(baseId, day), last + 1);
        return slots.stream().map(slot -> ids.get(slot.intValue())).toList();
    }

    static long slotAt(long timeMs, long max) {
        return Math.floorMod(timeMs, DAY_MS) / (DAY_MS / max);
    }

    /** A phone's rolling ids: what it shows at an instant follows from this and from nothing that it keeps. */
    record Phone(byte[] baseId, long baseDayMs, long max) {
        long day(long timeMs) {
            return dayNumber(baseDayMs, timeMs);
        }

        String id(long timeMs) {
            return deriveIds(baseId, day(timeMs), max, List.of(slotAt(timeMs, max))).get(0);
        }

        /** The rolling id of an instant, with its day, its slot, and the first instants of its slot and of the next. */
        Map<String, Object> at(long timeMs) {
            long from = Math.floorDiv(timeMs, DAY_MS / max) * (DAY_MS / max);
            return Json.object("day", day(timeMs), "slot", slotAt(timeMs, max), "id", id(timeMs),
                "valid_from_ms", from, "valid_until_ms", from + DAY_MS / max);
        }

        /** The day key that is published (BZ-MSG-004). */
        Map<String, Object> published(long nowMs, long days) {
            long day = Math.max(0, day(nowMs - days * DAY_MS));
            return Json.object("day", day, "day_key", HEX.formatHex(dayKey(baseId, day)),
                "time_start_ms", (Math.floorDiv(baseDayMs, DAY_MS) + day) * DAY_MS);
        }
    }

    /** What a phone sends while its clock and max change: nothing is kept that could go stale (BZ-KEY-009). */
    static List<Object> idsOverTime(Phone phone, List<?> events) {
        List<Object> ids = new ArrayList<>();
        for (Object each : events) {
            Map<?, ?> event = (Map<?, ?>) each;
            if (event.get("kind").equals("max")) {
                Object max = event.get("value");
                phone = new Phone(phone.baseId, phone.baseDayMs, dividesTheDay(max) ? (Long) max : DEFAULT_MAX);
                continue;
            }
            try {
                ids.add(Json.object("id", phone.id((Long) event.get("time_ms"))));
            } catch (Refused refused) {
                ids.add(Json.object("reject", refused.code));
            }
        }
        return ids;
    }

    static List<String> newBaseIds(long count) {
        return LongStream.range(0, count).mapToObj(n -> {
            byte[] baseId = new byte[32];
            RANDOM.nextBytes(baseId);
            return HEX.formatHex(baseId);
        }).toList();
    }
}
