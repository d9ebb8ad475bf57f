/** A question or an input is refused, with a code of the specification. */
final class Refused extends RuntimeException {
    private static final long serialVersionUID = 1;

    final String code;

    Refused(String code) {
        super(code, null, false, false);
        this.code = code;
    }
}
