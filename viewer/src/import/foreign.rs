//! Files that a user may hold out and that are no profile that can be opened: what they are, why not, and what to do instead.

use super::source::Object;

/// What begins like a format that is known and not opened.
const SIGNS: &[(&[u8], &str)] = &[
    (b"PERFILE2", "perf's own data, which only perf can read; run `perf script -i FILE > FILE.txt` and open that"),
    (
        b"FLR\0",
        "a recording of Java's flight recorder, a format of its own; convert it with async-profiler's `jfrconv -o collapsed` and open that",
    ),
    (
        b"PK\x03\x04",
        "a zip archive; unpack it and open what is in it (an Instruments trace can't be opened: run `xctrace export` on it, or copy its call tree with Edit > Deep Copy)",
    ),
    (b"\xfd7zXZ\0", "packed by xz; unpack it with `xz -d` first"),
    (b"BZh", "packed by bzip2; unpack it with `bzip2 -d` first"),
    (b"\x7fELF", "a binary, not a profile of one; name it with --binary beside a profile"),
    (
        b"v8-version,",
        "V8's tick log, whose addresses only Node can name; run `node --prof-process --preprocess -j FILE > FILE.json` and open that",
    ),
    (b"*version\n", "a method trace of Android's runtime, whose records are not documented; open it in Android Studio"),
    (b"SLOW", "a method trace of Android's runtime, whose records are not documented; open it in Android Studio"),
    (b"SIMPLEPERF", "a report of Android's simpleperf; run its `stackcollapse.py` and open that"),
    (b"desc: --", "a profile of Massif, which has heap snapshots without samples; use `valgrind --tool=dhat` instead"),
];

/// What these bytes are, if they begin like something else that is known.
pub(super) fn by_sign(bytes: &[u8]) -> Option<&'static str> {
    SIGNS.iter().find(|(sign, _)| bytes.starts_with(sign)).map(|(_, reason)| *reason)
}

/// Whether JSON is a source map, which lie beside the profiles of scripts.
pub(super) fn is_source_map(object: &Object<'_>) -> bool {
    object.has_all(&["version", "sources", "mappings"])
}

#[cfg(test)]
mod tests {
    use crate::import::{ImportError, import};

    #[test]
    fn what_is_known_and_not_opened_says_what_to_do() {
        for (bytes, word) in
            [(&b"PERFILE2xxxx"[..], "perf script"), (b"PK\x03\x04xx", "unpack"), (b"BZh91AY", "bzip2 -d")]
        {
            let error = import(bytes).unwrap_err();
            assert!(matches!(error, ImportError::Unsupported(_)) && error.to_string().contains(word), "{error}");
        }
        let map = br#"{"version":3,"sources":["a.ts"],"mappings":"AAAA"}"#;
        assert_eq!(import(map).unwrap_err().to_string(), "a source map, not a profile");
    }
}
