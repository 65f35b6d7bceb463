//! A profile as it grows: chunks to append to a file, which is a whole profile after each of them.
//!
//! Protocol buffers that stand one behind the other read as one message: repeated parts add up, single ones are replaced
//! by the last. So a chunk holds the strings, mappings, functions and locations that are new since the last one, and what
//! the samples have grown by. Numbering goes on from chunk to chunk; `sample_type` and `time_nanos` stand in the first only,
//! since `go tool pprof` takes a second `time_nanos` for two profiles in one file.

use crate::Profile;
use crate::encode::{Parts, put_code, put_header, put_progress, put_sample, put_strings};

/// Turns a growing profile into chunks.
///
/// [`ChunkEncoder::encode`] gives the next chunk, [`ChunkEncoder::advance`] says that it was written; if writing failed,
/// the next chunk will hold the same again.
#[derive(Debug, Clone, Default)]
pub struct ChunkEncoder {
    written: Parts,
    /// The samples' values as the file has them.
    values: Vec<i64>,
}

impl ChunkEncoder {
    /// Nothing written yet.
    pub fn new() -> Self {
        ChunkEncoder::default()
    }

    /// What `profile` has that was not written yet, as bytes to append.
    ///
    /// The profile must be the same one at each call, only grown.
    pub fn encode(&self, profile: &Profile) -> Vec<u8> {
        let mut out = Vec::new();
        put_strings(&mut out, profile, self.written.strings);
        if self.written.strings == 0 {
            put_header(&mut out, profile);
        }
        put_code(&mut out, profile, &self.written);
        let mut written = self.values.chunks(profile.samples.width().max(1));
        let mut grown = Vec::with_capacity(profile.samples.width());
        for sample in profile.samples.iter() {
            grown.clear();
            match written.next() {
                Some(old) => grown.extend(sample.values.iter().zip(old).map(|(new, old)| new - old)),
                None => grown.extend_from_slice(sample.values),
            }
            if grown.iter().any(|&value| value != 0) {
                put_sample(&mut out, profile, sample.stack, profile.label_sets.get(sample.labels), &grown);
            }
        }
        put_progress(&mut out, profile);
        out
    }

    /// Says that what [`ChunkEncoder::encode`] gave for `profile` has been written.
    pub fn advance(&mut self, profile: &Profile) {
        self.written = Parts::of(profile);
        self.values.clear();
        self.values.extend(profile.samples.iter().flat_map(|sample| sample.values));
    }

    /// How many bytes of memory this holds.
    pub fn memory_bytes(&self) -> usize {
        self.values.capacity() * size_of::<i64>()
    }
}
