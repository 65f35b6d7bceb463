#!/usr/bin/env bash
# Everything that CI checks, in the order in which it is cheapest to fail. Needs Rust and Node.js; installs Debian's
# chromium and the page's npm packages if they are missing. Tests that need a peer's tool (Debian's golang) say so when
# they skip.
set -euo pipefail
cd "$(dirname "$0")"

step() { printf '\n== %s\n' "$*"; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

if ! command -v chromium >/dev/null; then
  step "installing chromium"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
fi

step "formatting"
cargo fmt --all --check

step "lints"
cargo clippy --workspace --all-targets -- -D warnings

step "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet

step "Rust tests"
cargo test --workspace

step "where the handler's machine code leads"
cargo test --quiet --release --package plop-collector --test calls

step "the collector under stress, the short form"
cargo run --quiet --release --package plop-benches --bin stress -- --seconds 30

step "the page: packages, types, unit tests"
npm --prefix web ci --no-audit --no-fund --silent
npm --prefix web run --silent check
npm --prefix web test --silent

step "the page in a browser"
cargo build --quiet --package plop-view
# Optimised, since its page follows it from second to second.
cargo build --quiet --release --package plop-examples --example busy_server
npm --prefix web run --silent test:browser

step "packaging"
# Cargo keeps the crates that it packs, unpacks and builds for this check by name and version alone; those of an older state
# would be checked again instead of these.
rm -rf target/packaging "${CARGO_HOME:-$HOME/.cargo}"/registry/src/-*/plop-*
cargo package --workspace --allow-dirty --quiet --target-dir target/packaging
