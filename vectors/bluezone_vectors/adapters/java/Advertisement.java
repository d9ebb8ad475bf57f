import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A small port of the advertisement: AD structures and the kinds of advertisement. */
final class Advertisement {
    private static final int MOST = 31;
    private static final String COMPANY = "b522";
    private static final String OVERFLOW = "4c0001";
    private static final Set<String> ANDROID = Set.of("564e", "564e0000", "fb349b5f8000008000100000564e0000");
    private static final String IOS = "67a607add1172fa1c44bf573564e0000";
    private static final String OLD_ANDROID = "89a807add1172fa1c44bf573f4390ae2";
    private static final String OLD_IOS = "67a607add1172fa1c44bf573f4390ae2";
    private static final Map<Integer, Integer> WIDTHS = Map.of(2, 2, 3, 2, 4, 4, 5, 4, 6, 16, 7, 16);
    private static final String STATIC_ID = "[0-9A-Za-z]{6}";

    private final Set<String> uuids = new HashSet<>();
    private final List<byte[]> data = new ArrayList<>();
    private final List<String> names = new ArrayList<>();
    private final byte[] services = new byte[16];
    private boolean brokenList;
    private boolean shortData;
    private String damage;

    /** What the AD structures before the damage of each record say together, in no order. */
    Advertisement(List<byte[]> records) {
        for (byte[] octets : records) {
            if (octets.length > MOST) damaged("AD_TOO_LONG");
            takeApart(Arrays.copyOf(octets, Math.min(octets.length, MOST)));
        }
    }

    private void takeApart(byte[] octets) {
        for (int at = 0; at < octets.length; at += 1 + (octets[at] & 0xff)) {
            int end = at + 1 + (octets[at] & 0xff);
            if (octets[at] == 0) {
                for (int i = at; i < octets.length; i++) if (octets[i] != 0) damaged("DATA_AFTER_END");
                return;
            }
            if (end > octets.length) {
                damaged("TRUNCATED_AD");
                return;
            }
            gather(octets[at + 1] & 0xff, Arrays.copyOfRange(octets, at + 2, end));
        }
    }

    private void damaged(String code) {
        if (damage == null) damage = code;
    }

    private void gather(int type, byte[] octets) {
        String hex = Schedule.HEX.formatHex(octets);
        if (WIDTHS.containsKey(type)) {
            int digits = 2 * WIDTHS.get(type);
            for (int i = 0; i + digits <= hex.length(); i += digits) uuids.add(hex.substring(i, i + digits));
            brokenList |= hex.length() % digits != 0;
        } else if (type == 8 || type == 9) {
            names.add(new String(octets, StandardCharsets.UTF_8));
        } else if (type == 0xff) {
            shortData |= octets.length < 2;
            if (hex.startsWith(COMPANY)) data.add(Arrays.copyOfRange(octets, 2, octets.length));
            else if (hex.startsWith(OVERFLOW) && octets.length == 19) {
                for (int i = 0; i < 16; i++) services[i] |= octets[3 + i];
            }
        }
    }

    boolean isAndroid() {
        return uuids.stream().anyMatch(ANDROID::contains);
    }

    boolean isIphone() {
        return uuids.contains(IOS) || (services[0] & 0x08) != 0;
    }

    void refuseBrokenList() {
        boolean known = isAndroid() || List.of(IOS, OLD_ANDROID, OLD_IOS).stream().anyMatch(uuids::contains);
        if (brokenList && (known || !data.isEmpty())) throw new Refused("BAD_UUID_LIST");
    }

    /** The one rolling id, or a refusal (BZ-ADV-003). */
    String androidId() {
        if (shortData) throw new Refused("SHORT_MANUFACTURER_DATA");
        if (data.stream().anyMatch(octets -> octets.length != 12)) throw new Refused("BAD_ID_LENGTH");
        if (data.isEmpty()) throw new Refused("MISSING_ID");
        return theOne(data.stream().map(Schedule.HEX::formatHex).toList());
    }

    private static String theOne(List<String> values) {
        if (new HashSet<>(values).size() > 1) throw new Refused("AMBIGUOUS_ID");
        return values.isEmpty() ? null : values.get(0);
    }

    /** What the advertisement says, or a refusal. */
    Map<String, Object> kind() {
        if (damage != null) throw new Refused(damage);
        refuseBrokenList();
        if (isAndroid()) return Json.object("kind", "android", "id", androidId());
        List<String> ids = data.stream().map(octets -> new String(octets, StandardCharsets.ISO_8859_1))
            .filter(id -> id.matches(STATIC_ID)).toList();
        if (uuids.contains(OLD_ANDROID) && !ids.isEmpty()) {
            return Json.object("kind", "old_android", "static_id", theOne(ids));
        }
        if (uuids.contains(IOS)) return Json.object("kind", "ios", "local_name", theOne(names));
        if (uuids.contains(OLD_IOS)) {
            String name = theOne(names);
            String id = name == null ? null : revealedId(name);
            return Json.object("kind", "old_ios", "local_name", name, "static_id", id);
        }
        String field = Schedule.HEX.formatHex(services);
        if (!isIphone()) return Json.object("kind", "other");
        boolean only = field.equals("08" + "00".repeat(15));
        return Json.object("kind", "ios_background", "services", field, "only_bluezone", only);
    }

    /** The static id that a name of v1's iPhones hides, or null. */
    static String revealedId(String name) {
        if (!name.matches("[1-5][0-9A-Za-z]{8}[1-5]") || name.charAt(0) == name.charAt(9)) return null;
        int start = Math.min(name.charAt(0), name.charAt(9)) - '0';
        int end = Math.max(name.charAt(0), name.charAt(9)) - '0';
        if (name.charAt(start + 1) != name.charAt(end + 1) || name.charAt(end + 2) != name.charAt(start)) return null;
        return name.substring(1, start + 1) + name.substring(start + 2, end + 2) + name.substring(end + 3, 9);
    }

    /** AdvData as hex. */
    static String encode(Map<?, ?> said) {
        String kind = (String) said.get("kind");
        String id = (String) said.get("id");
        String staticId = (String) said.get("static_id");
        String name = said.get("local_name") == null ? "" : ad("09", hexOf((String) said.get("local_name")));
        if (kind.equals("android") && !id.matches("[0-9a-fA-F]{24}")) throw new Refused("BAD_ID_LENGTH");
        if (kind.equals("old_android") && !staticId.matches(STATIC_ID)) throw new Refused("BAD_ID_LENGTH");
        String hex = switch (kind) {
            case "android" -> ad("ff", COMPANY + id) + ad("03", "564e");
            case "old_android" -> ad("ff", COMPANY + hexOf(staticId)) + ad("07", OLD_ANDROID);
            case "ios" -> ad("07", IOS) + name;
            case "old_ios" -> ad("07", OLD_IOS) + name;
            case "ios_background" -> ad("ff", OVERFLOW + said.get("services"));
            default -> "";
        };
        if (hex.length() > 2 * MOST) throw new Refused("AD_TOO_LONG");
        boolean flags = !hex.isEmpty() && hex.length() <= 2 * (MOST - 3);
        return ((flags ? "020102" : "") + hex).toLowerCase();
    }

    private static String hexOf(String text) {
        return Schedule.HEX.formatHex(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String ad(String type, String hex) {
        return String.format("%02x%s%s", hex.length() / 2 + 1, type, hex);
    }
}
