//! profile.proto out: the parts of a profile from some place on, in the order in which each refers only to earlier ones.

use std::io::Write;
use std::path::Path;

use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint};

use crate::proto::{self, field};
use crate::{Error, Label, LabelValue, LocationId, Profile, StackId, StringId, ValueType};

impl Profile {
    /// The profile as profile.proto, not gzipped.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_strings(&mut out, self, 0);
        put_header(&mut out, self);
        put_code(&mut out, self, &Parts::default());
        for sample in self.samples.iter() {
            put_sample(&mut out, self, sample.stack, self.label_sets.get(sample.labels), sample.values);
        }
        put_progress(&mut out, self);
        out
    }

    /// Writes the profile as one gzip member, beside its place first and renamed when whole, so that no reader ever sees
    /// half of it.
    ///
    /// # Errors
    /// When the file can't be written. The file that was there before then stays.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let mut beside = path.as_os_str().to_owned();
        beside.push(format!(".{}.part", std::process::id()));
        let write = || -> std::io::Result<()> {
            let file = std::fs::File::create(&beside)?;
            let mut gzip = flate2::write::GzEncoder::new(file, flate2::Compression::default());
            gzip.write_all(&self.encode())?;
            gzip.finish()?.sync_all()?;
            std::fs::rename(&beside, path)
        };
        write().map_err(|error| {
            // The part file is ours alone; if it can't be removed either, the first error says more.
            let _ = std::fs::remove_file(&beside);
            Error::Io(error)
        })
    }
}

/// How many of a profile's parts a reader has already.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parts {
    pub(crate) strings: usize,
    pub(crate) mappings: usize,
    pub(crate) functions: usize,
    pub(crate) locations: usize,
}

impl Parts {
    pub(crate) fn of(profile: &Profile) -> Self {
        Parts {
            strings: profile.strings.len(),
            mappings: profile.mappings.len(),
            functions: profile.functions.len(),
            locations: profile.locations.len(),
        }
    }
}

/// What stands once in a file.
pub(crate) fn put_header(out: &mut Vec<u8>, profile: &Profile) {
    for &sample_type in &profile.sample_types {
        put_message(out, field::SAMPLE_TYPE, &value_type(sample_type));
    }
    if profile.period_type != ValueType::default() {
        put_message(out, field::PERIOD_TYPE, &value_type(profile.period_type));
    }
    put_number(out, field::PERIOD, profile.period);
    put_number(out, field::TIME_NANOS, profile.time_nanos);
    put_number(out, field::DROP_FRAMES, number(profile.drop_frames));
    put_number(out, field::KEEP_FRAMES, number(profile.keep_frames));
    for &comment in &profile.comments {
        put_number(out, field::COMMENT, number(comment));
    }
    if let Some(default) = profile.sample_types.get(profile.default_sample_type) {
        put_number(out, field::DEFAULT_SAMPLE_TYPE, number(default.kind));
    }
}

/// The strings beyond those that the reader has.
pub(crate) fn put_strings(out: &mut Vec<u8>, profile: &Profile, have: usize) {
    for text in profile.strings.iter().skip(have) {
        put_bytes(out, field::STRING_TABLE, text.as_bytes());
    }
}

/// Mappings, functions and locations beyond those that the reader has.
pub(crate) fn put_code(out: &mut Vec<u8>, profile: &Profile, have: &Parts) {
    for (at, mapping) in profile.mappings.iter().enumerate().skip(have.mappings) {
        let message = proto::Mapping {
            id: at as u64 + 1,
            memory_start: mapping.start,
            memory_limit: mapping.limit,
            file_offset: mapping.file_offset,
            filename: number(mapping.file),
            build_id: number(mapping.build_id),
            has_functions: mapping.symbolized,
            has_filenames: mapping.symbolized,
            has_line_numbers: mapping.symbolized,
            has_inline_frames: mapping.symbolized,
        };
        put_message(out, field::MAPPING, &message);
    }
    for (at, function) in profile.functions.iter().enumerate().skip(have.functions) {
        let message = proto::Function {
            id: at as u64 + 1,
            name: number(function.name),
            system_name: number(function.system_name),
            filename: number(function.file),
            start_line: function.start_line,
        };
        put_message(out, field::FUNCTION, &message);
    }
    for (at, location) in profile.locations.iter().enumerate().skip(have.locations) {
        let line = |line: &crate::Line| proto::Line {
            function_id: u64::from(line.function.0) + 1,
            line: line.line,
            column: 0,
        };
        let message = proto::Location {
            id: at as u64 + 1,
            mapping_id: location.mapping.map_or(0, |mapping| u64::from(mapping.0) + 1),
            address: location.address,
            line: location.lines.iter().map(line).collect(),
            is_folded: false,
        };
        put_message(out, field::LOCATION, &message);
    }
}

/// One sample.
pub(crate) fn put_sample(out: &mut Vec<u8>, profile: &Profile, stack: StackId, labels: &[Label], values: &[i64]) {
    let label = |label: &Label| {
        let key = number(label.key);
        match label.value {
            LabelValue::Text(text) => proto::Label { key, str: number(text), ..proto::Label::default() },
            LabelValue::Number(num, unit) => {
                proto::Label { key, num, num_unit: number(unit), ..proto::Label::default() }
            }
        }
    };
    let message = proto::Sample {
        location_id: profile.stacks.leaf_first(stack).map(|LocationId(at)| u64::from(at) + 1).collect(),
        value: values.to_vec(),
        label: labels.iter().map(label).collect(),
    };
    put_message(out, field::SAMPLE, &message);
}

/// What changes from chunk to chunk and whose last value holds: the duration and the self-check.
pub(crate) fn put_progress(out: &mut Vec<u8>, profile: &Profile) {
    put_number(out, field::DURATION_NANOS, profile.duration_nanos);
    let Some(check) = &profile.self_check else { return };
    let label = |(key, value): (&str, u64)| {
        let key = profile.strings.find(key)?;
        Some(proto::Label { key: number(key), num: value as i64, ..proto::Label::default() })
    };
    let message = proto::Sample {
        location_id: Vec::new(),
        value: vec![0; profile.sample_types.len()],
        label: check.fields().filter_map(label).collect(),
    };
    put_message(out, field::SAMPLE, &message);
}

fn value_type(of: ValueType) -> proto::ValueType {
    proto::ValueType { kind: number(of.kind), unit: number(of.unit) }
}

fn number(text: StringId) -> i64 {
    i64::from(text.0)
}

fn put_message(out: &mut Vec<u8>, field: u32, message: &impl Message) {
    encode_key(field, WireType::LengthDelimited, out);
    message.encode_length_delimited(out).expect("a Vec has room for any message");
}

fn put_bytes(out: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    encode_key(field, WireType::LengthDelimited, out);
    encode_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// A number; 0 is what an absent one means, so it is left out.
fn put_number(out: &mut Vec<u8>, field: u32, value: i64) {
    if value != 0 {
        encode_key(field, WireType::Varint, out);
        encode_varint(value as u64, out);
    }
}
