//! The reader of profile.proto: what it reads, it writes and reads again as the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use plop_profile::Profile;

/// What a file may unpack to here.
const LIMIT: u64 = 16 << 20;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(profile) = Profile::parse_within(bytes, LIMIT) {
        let again = Profile::parse_within(&profile.encode(), u64::MAX).expect("what was written is read");
        for sample_type in 0..profile.sample_types.len() {
            assert_eq!(again.total(sample_type), profile.total(sample_type));
        }
    }
});
