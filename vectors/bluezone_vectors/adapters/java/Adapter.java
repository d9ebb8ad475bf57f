import java.io.*;
import java.net.*;
import java.nio.charset.StandardCharsets;
import java.util.*;
import java.util.function.Function;

/**
 * An adapter in Java: the port beside it, asked by {@code bzc implementation run "java -cp out Adapter"}.
 *
 * <p>It reads one JSON object a line and writes one a line; with {@code --listen PORT} to whoever connects. Copy it,
 * put your own core in place of the port, and take out of OPS what yours has not.
 */
final class Adapter {
    private static final Map<String, Function<Map<?, ?>, Object>> OPS = new LinkedHashMap<>();

    static {
        OPS.put("derive_ids", q -> {
            Schedule.Phone phone = phone(q);
            List<Long> slots = ((List<?>) q.get("slots")).stream().map(slot -> (Long) slot).toList();
            return Json.object("ids", Schedule.deriveIds(phone.baseId(), (Long) q.get("day"), phone.max(), slots));
        });
        OPS.put("id_at", q -> phone(q).at((Long) q.get("time_ms")));
        OPS.put("ids_over_time", q -> Json.object("ids", Schedule.idsOverTime(phone(q), (List<?>) q.get("events"))));
        OPS.put("new_base_ids", q -> Json.object("base_ids", Schedule.newBaseIds((Long) q.get("count"))));
        OPS.put("published_key", q -> phone(q).published((Long) q.get("now_ms"), integer(q, "days", 14)));
        OPS.put("encode_advertisement", q -> Json.object("ad", Advertisement.encode(inner(q, "advertisement"))));
        OPS.put("decode_advertisement", q -> Json.object("advertisement", heard(q).kind()));
        OPS.put("receive", Adapter::receive);
        OPS.put("log_export", q -> Json.object("text", ContactLog.export(records(q))));
        OPS.put("log_import", q -> ContactLog.read(Schedule.HEX.parseHex((String) q.get("octets"))));
        OPS.put("match", q -> Messages.match((String) q.get("message"), records(q)));
        OPS.put("decode_push", q -> Messages.decodePush((String) q.get("text")));
        OPS.put("decode_info", q -> q.get("kind").equals("upload")
            ? Messages.decodeUpload((String) q.get("text")) : Messages.decodeCases((String) q.get("text")));
        OPS.put("encode_info", q -> Json.object("text", q.get("kind").equals("upload")
            ? Messages.encodeUpload(phone(q), (Long) q.get("now_ms"), integer(q, "days", 14))
            : Messages.encodeCases((List<?>) q.get("cases"))));
    }

    private static long integer(Map<?, ?> q, String key, long otherwise) {
        return q.containsKey(key) ? (Long) q.get(key) : otherwise;
    }

    private static Map<?, ?> inner(Map<?, ?> q, String key) {
        return (Map<?, ?>) q.get(key);
    }

    private static Schedule.Phone phone(Map<?, ?> q) {
        Object max = q.containsKey("max") ? q.get("max") : Long.valueOf(Schedule.DEFAULT_MAX);
        byte[] baseId = Schedule.baseIdOf(q.get("base_id"));
        return new Schedule.Phone(baseId, integer(q, "base_day_ms", 0), Schedule.slotsADay(max));
    }

    private static List<ContactLog.Entry> records(Map<?, ?> q) {
        return ((List<?>) q.get("records")).stream().map(each -> ContactLog.Entry.of((Map<?, ?>) each)).toList();
    }

    private static Advertisement heard(Map<?, ?> q) {
        List<byte[]> records = new ArrayList<>();
        for (String key : List.of("ad", "scan_response"))
            if (q.containsKey(key)) records.add(Schedule.HEX.parseHex((String) q.get(key)));
        return new Advertisement(records);
    }

    private static Object receive(Map<?, ?> q) {
        ContactLog log = new ContactLog(phone(q));
        List<Object> reads = new ArrayList<>();
        List<?> events = (List<?>) q.get("events");
        for (int i = 0; i < events.size(); i++) {
            Map<?, ?> event = (Map<?, ?>) events.get(i);
            String address = (String) event.get("address");
            long rssi = (Long) event.get("rssi");
            long time = (Long) event.get("time_ms");
            if (event.get("kind").equals("read")) log.read((String) event.get("value"), address, rssi, time);
            else if (log.advert(heard(event), address, rssi, time, integer(event, "delivered_ms", time))) reads.add(i);
        }
        return Json.object("records", log.records.stream().map(ContactLog.Entry::value).toList(), "reads", reads);
    }

    private static Map<String, Object> reply(String op, Object seq, Map<?, ?> q) {
        if (op.equals("hello")) {
            Object about = Json.object("name", "bluezone-java", "version", "1.0.0", "language", "java");
            return Json.object("seq", seq, "ok", Json.object("protocol", 1, "implementation", about,
                "ops", List.copyOf(OPS.keySet()), "profiles", List.of("v3")));
        }
        if (!OPS.containsKey(op)) return Json.object("seq", seq, "unsupported", Map.of());
        try {
            return Json.object("seq", seq, "ok", OPS.get(op).apply(q));
        } catch (Refused refused) {
            return Json.object("seq", seq, "reject", Json.object("code", refused.code));
        } catch (RuntimeException | StackOverflowError thrown) { // whatever the core throws is an answer too
            return Json.object("seq", seq, "error", Json.object("message", thrown.toString()));
        }
    }

    private static void serve(InputStream in, OutputStream out) throws IOException {
        BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            Map<?, ?> message = (Map<?, ?>) Json.read(line);
            if (message.get("op").equals("bye")) return;
            Object answer = reply((String) message.get("op"), message.get("seq"), inner(message, "in"));
            out.write((Json.write(answer) + "\n").getBytes(StandardCharsets.US_ASCII));
            out.flush();
        }
    }

    public static void main(String[] arguments) throws IOException {
        if (arguments.length == 2 && arguments[0].equals("--listen")) {
            ServerSocket server = new ServerSocket(Integer.parseInt(arguments[1]), 1, InetAddress.getLoopbackAddress());
            while (true) {
                try (Socket socket = server.accept()) {
                    serve(socket.getInputStream(), socket.getOutputStream());
                }
            }
        } else {
            serve(System.in, System.out);
        }
    }
}
