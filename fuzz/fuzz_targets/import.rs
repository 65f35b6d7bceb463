//! Every importer, or the one that `PLOP_FUZZ_FORMAT` names: what opens must hold together, and be what the reader of
//! profile.proto would take.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use plop_profile::Profile;
use plop_view::import;

/// What a file may unpack to here.
const LIMIT: u64 = 16 << 20;

static FORMAT: LazyLock<Option<String>> = LazyLock::new(|| {
    let format = std::env::var("PLOP_FUZZ_FORMAT").ok()?;
    assert!(import::formats().any(|known| known == format), "there is no format {format}");
    Some(format)
});

fuzz_target!(|bytes: &[u8]| {
    let imported = match &*FORMAT {
        Some(format) => import::import_only(format, bytes, LIMIT),
        None => import::import_within(bytes, LIMIT),
    };
    if let Ok(import::Imported { profile, .. }) = imported {
        profile.call_edges();
        let again = Profile::parse_within(&profile.encode(), u64::MAX).expect("what was imported holds together");
        for sample_type in 0..profile.sample_types.len() {
            assert_eq!(again.total(sample_type), profile.total(sample_type));
        }
    }
});
