//! A profile as it grows: chunks to append to a file, which is a whole profile after each of them.
//!
//! Protocol buffers that stand one behind the other read as one message: repeated parts add up, single ones are replaced
//! by the last. So a chunk holds the strings, mappings, functions and locations that are new since the last one, and what
//! the samples have grown by. Numbering goes on from chunk to chunk; `sample_type` and `time_nanos` stand in the first only,
//! since `go tool pprof` takes a second `time_nanos` for two profiles in one file. Each ends with how long sampling has gone on,
//! so a growing file, and one that a killed program left behind, says when its samples came.

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

/// What one chunk of a file added to the samples.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chunk {
    /// How long the profile had lasted when it was written, in nanoseconds.
    pub until_ns: i64,
    /// Rows of [`Profile::samples`] by number, one after another as they stood in the file.
    pub(crate) rows: Vec<u32>,
    /// What each has more than before, one value for each sample type.
    pub(crate) values: Vec<i64>,
}

impl Chunk {
    /// The rows that have grown, by number, and what by.
    pub fn grown(&self) -> impl Iterator<Item = (usize, &[i64])> {
        let width = self.values.len() / self.rows.len().max(1);
        self.rows.iter().map(|&row| row as usize).zip(self.values.chunks(width.max(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LabelSetId;

    #[test]
    fn a_growing_file_says_what_came_until_when() {
        let mut profile = Profile::new([("samples", "count"), ("cpu", "nanoseconds")]);
        let [main, parse] = ["main", "parse"].map(|name| profile.named_location(name, ""));
        let [main, parse] = [profile.stacks.intern([main]), profile.stacks.intern([parse, main])];
        let mut encoder = ChunkEncoder::new();
        let mut file = Vec::new();
        for (until, rows) in
            [(5, vec![]), (1000, vec![(main, 2)]), (2007, vec![(parse, 1), (main, 3)]), (2990, vec![(parse, 4)])]
        {
            rows.iter().for_each(|&(stack, count)| {
                profile.samples.add(stack, LabelSetId::EMPTY, &[count, 10 * count]);
            });
            profile.duration_nanos = until;
            file.extend(encoder.encode(&profile));
            encoder.advance(&profile);
        }
        let read = Profile::parse(&file).expect("chunks are a profile");
        let chunks: Vec<_> =
            read.chunks.iter().map(|chunk| (chunk.until_ns, chunk.grown().collect::<Vec<_>>())).collect();
        let [two, three, one, four] = [[2, 20], [3, 30], [1, 10], [4, 40]];
        let expected = [
            (5, vec![]),
            (1000, vec![(0, &two[..])]),
            (2007, vec![(0, &three[..]), (1, &one[..])]),
            (2990, vec![(1, &four[..])]),
        ];
        assert_eq!(chunks, expected);
        assert!(
            Profile::parse(&read.encode()).expect("it is a profile").chunks.is_empty(),
            "a whole one has no chunks"
        );
    }
}
