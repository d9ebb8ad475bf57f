import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Strict JSON: objects are maps, arrays lists, integers of 64 bits Long, and any other number a Number of its own. */
final class Json {
    /** A number that is no integer of 64 bits, as it was written. */
    record Other(String text) { }

    private static final int DEEPEST = 500;
    private static final Pattern NUMBER = Pattern.compile("-?(?:0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?");
    private static final String ESCAPES = "\"\\/bfnrt";
    private static final String ESCAPED = "\"\\/\b\f\n\r\t";

    private final String text;
    private int at;

    private Json(String text) {
        this.text = text;
    }

    /** The value of a text, or a refusal with BAD_JSON. */
    static Object read(String text) {
        Json reader = new Json(text);
        Object value = reader.value(0);
        reader.blanks();
        if (reader.at != text.length()) throw new Refused("BAD_JSON");
        return value;
    }

    private char sign() {
        if (at >= text.length()) throw new Refused("BAD_JSON");
        return text.charAt(at);
    }

    private void blanks() {
        while (at < text.length() && " \t\n\r".indexOf(text.charAt(at)) >= 0) at++;
    }

    private boolean take(String word) {
        boolean there = text.startsWith(word, at);
        if (there) at += word.length();
        return there;
    }

    private Object value(int depth) {
        if (depth > DEEPEST) throw new Refused("BAD_JSON");
        blanks();
        if (sign() == '"') return string();
        if (take("{")) {
            Map<String, Object> object = new LinkedHashMap<>();
            for (boolean more = !closes("}"); more; more = continues("}")) {
                blanks();
                if (sign() != '"') throw new Refused("BAD_JSON");
                String key = string();
                blanks();
                if (!take(":")) throw new Refused("BAD_JSON");
                object.put(key, value(depth + 1));
            }
            return object;
        }
        if (take("[")) {
            List<Object> list = new ArrayList<>();
            for (boolean more = !closes("]"); more; more = continues("]")) list.add(value(depth + 1));
            return list;
        }
        if (take("true")) return Boolean.TRUE;
        if (take("false")) return Boolean.FALSE;
        if (take("null")) return null;
        return number();
    }

    private boolean closes(String sign) {
        blanks();
        return take(sign);
    }

    private boolean continues(String sign) {
        if (closes(sign)) return false;
        if (!take(",")) throw new Refused("BAD_JSON");
        return true;
    }

    private Object number() {
        Matcher found = NUMBER.matcher(text).region(at, text.length());
        if (!found.lookingAt()) throw new Refused("BAD_JSON");
        at = found.end();
        if (found.group(1) != null || found.group(2) != null) return new Other(found.group());
        try {
            return Long.valueOf(found.group());
        } catch (NumberFormatException beyond) {
            return new Other(found.group());
        }
    }

    private String string() {
        StringBuilder out = new StringBuilder();
        for (at++; sign() != '"'; at++) {
            char next = sign();
            if (next < ' ') throw new Refused("BAD_JSON");
            if (next != '\\') {
                out.append(next);
                continue;
            }
            at++;
            int escape = ESCAPES.indexOf(sign());
            if (escape >= 0) {
                out.append(ESCAPED.charAt(escape));
            } else {
                String digits = text.substring(at, Math.min(at + 5, text.length()));
                if (!digits.matches("u[0-9a-fA-F]{4}")) throw new Refused("BAD_JSON");
                out.append((char) Integer.parseInt(digits.substring(1), 16));
                at += 4;
            }
        }
        at++;
        return out.toString();
    }

    /** An object of keys and values in turn. */
    static Map<String, Object> object(Object... pairs) {
        Map<String, Object> object = new LinkedHashMap<>();
        for (int i = 0; i < pairs.length; i += 2) object.put((String) pairs[i], pairs[i + 1]);
        return object;
    }

    /** The keys of an object that are not known, in the order of their code points. */
    static List<String> further(Map<?, ?> object, String... known) {
        List<String> further = new ArrayList<>();
        for (Object key : object.keySet()) if (!Arrays.asList(known).contains(key)) further.add((String) key);
        further.sort((a, b) -> Arrays.compare(a.codePoints().toArray(), b.codePoints().toArray()));
        return further;
    }

    /** A value as JSON text of ASCII. */
    static String write(Object value) {
        if (value instanceof Map<?, ?> object) {
            List<String> parts = new ArrayList<>();
            object.forEach((key, part) -> parts.add(write(key) + ":" + write(part)));
            return "{" + String.join(",", parts) + "}";
        }
        if (value instanceof List<?> list) return "[" + String.join(",", list.stream().map(Json::write).toList()) + "]";
        if (value instanceof Other number) return number.text();
        if (!(value instanceof String string)) return String.valueOf(value);
        StringBuilder out = new StringBuilder("\"");
        for (char sign : string.toCharArray()) {
            if (sign == '"' || sign == '\\') out.append('\\').append(sign);
            else if (sign >= ' ' && sign < 127) out.append(sign);
            else out.append(String.format("\\u%04x", (int) sign));
        }
        return out.append('"').toString();
    }
}
