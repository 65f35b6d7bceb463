//! Every importer: what opens must hold together.

#![no_main]

use libfuzzer_sys::fuzz_target;

/// What a file may unpack to here.
const LIMIT: u64 = 16 << 20;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(imported) = plop_view::import::import_within(bytes, LIMIT) {
        imported.profile.call_edges();
    }
});
