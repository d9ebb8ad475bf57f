#!/usr/bin/env bash
# What the action does, with its inputs as variables: an implementation, evidence, or both. The worst exit code counts.
set -euo pipefail
bzc="$BLUEZONE_PROGRAMS/bzc"
mkdir -p "$REPORT"
if [ -z "$IMPLEMENTATION$EVIDENCE" ]; then
    echo "give 'implementation', 'evidence' or both" >&2
    exit 64
fi
common=(--profile "$PROFILE")
[ "$STRICT" = true ] && common+=(--strict)
[ "$ALLOW_INCONCLUSIVE" = true ] && common+=(--allow-inconclusive)
worst=0

judge() { # a name for the reports, then the words of the command
    local name=$1 code=0
    shift
    "$bzc" "$@" "${common[@]}" --junit "$REPORT/$name.xml" --markdown "$REPORT/$name.md" || code=$?
    if [ -f "$REPORT/$name.md" ]; then
        cat "$REPORT/$name.md" >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
    fi
    # a MUST that failed outranks whatever could not be judged
    if [ "$worst" != 1 ] && { [ "$code" = 1 ] || [ "$code" -gt "$worst" ]; }; then worst=$code; fi
}

if [ -n "$IMPLEMENTATION" ]; then
    words=(implementation run "$IMPLEMENTATION")
    [ -n "$DEVIATIONS" ] && words+=(--deviations "$DEVIATIONS")
    judge implementation "${words[@]}"
fi
if [ -n "$EVIDENCE" ]; then
    words=(check)
    while IFS= read -r path; do
        [ -n "$path" ] && words+=("$path")
    done <<<"$EVIDENCE"
    [ -n "$DEVICE" ] && words+=(--device "$DEVICE")
    [ -n "$ACCEPT" ] && words+=(--accept "$ACCEPT")
    judge evidence "${words[@]}"
fi
exit "$worst"
