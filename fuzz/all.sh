#!/usr/bin/env bash
# Fuzzes every importer, each alone, and the reader of profile.proto, one after another: ./all.sh [SECONDS [FOLDER...]]
# SECONDS is for each (600); profiles in the FOLDERs are where they begin, besides viewer/tests/data. FORMATS, a pattern, keeps
# those whose name matches. Says of each how long it ran, how many inputs it took and what became of it; a failing input is
# kept in artifacts/. Needs a C++ compiler and `cargo install cargo-fuzz`.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:-600}
shift || true
export RUSTC_BOOTSTRAP=1

scratch=$(mktemp -d)
mkdir "$scratch/seeds"
trap 'rm -rf "$scratch"' EXIT
# Packed seeds would break in their packing; both kinds are of use. Every fuzzer gets all and keeps what its format reads.
find ../viewer/tests/data "$@" -type f -size -1000k | while read -r file; do
  number=$((${number:-0} + 1))
  cp "$file" "$scratch/seeds/$number.as-is"
  gzip -dcf <"$file" >"$scratch/seeds/$number.plain" 2>/dev/null || true
done
cargo fuzz build

failed=0
# fuzz NAME TARGET: one run, its last words in one line.
fuzz() {
  local name=$1 target=$2 log="$scratch/log" verdict=clean
  mkdir -p "corpus/$name" "artifacts/$name"
  nice -n 19 cargo fuzz run "$target" "corpus/$name" "$scratch/seeds" -- -artifact_prefix="artifacts/$name/" -max_total_time="$seconds" \
    -max_len=65536 -len_control=20 -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=1024 -print_final_stats=1 >"$log" 2>&1 \
    || { verdict="FAILED: $(grep -m1 -E "panicked at|SUMMARY|ERROR" "$log" || tail -1 "$log")"; failed=1; }
  printf '%-32s %5s s, %9s inputs, peak %4s MB: %s\n' "$name" "$SECONDS" \
    "$(sed -n 's/stat::number_of_executed_units: *//p' "$log")" "$(sed -n 's/stat::peak_rss_mb: *//p' "$log")" "$verdict"
}

# The names that importers give to their formats.
sed -n 's/^pub(super) const FORMAT: &str = "\(.*\)";/\1/p' ../viewer/src/import/*.rs ../viewer/src/import/*/mod.rs \
  | { grep -E "${FORMATS:-.}" || true; } >"$scratch/formats"
while read -r format; do
  SECONDS=0
  PLOP_FUZZ_FORMAT=$format fuzz "$format" import </dev/null
done <"$scratch/formats"
if [[ "reader of profile.proto" =~ ${FORMATS:-.} ]]; then
  SECONDS=0
  fuzz "reader of profile.proto" profile
fi
exit "$failed"
