//! profile.proto in: from bytes, gzipped or plain, whole or torn, to a checked [`Profile`].
//!
//! The outermost message is walked field by field. A file that the collector was writing when it died ends in the middle
//! of a field: that field is dropped and [`Profile::torn`] says so. Everything else that is wrong is an error that names
//! the part.

use std::io::Read;
use std::path::Path;

use prost::Message;
use rustc_hash::FxHashMap;

use crate::proto::{self, field};
use crate::{
    Chunk, Error, Function, FunctionId, Label, LabelSetId, LabelValue, Line, Location, LocationId, Mapping, MappingId,
    Profile, Samples, SelfCheck, StringId, ValueType, self_check,
};

impl Profile {
    /// How many bytes a profile may unpack to unless the caller says otherwise: 1 GiB.
    pub const DEFAULT_LIMIT: u64 = 1 << 30;

    /// Reads a profile file.
    ///
    /// # Errors
    /// When the file can't be read, is no profile.proto, or a broken one.
    pub fn load(path: impl AsRef<Path>) -> Result<Profile, Error> {
        Profile::parse(&std::fs::read(path)?)
    }

    /// Reads a profile from its bytes, gzipped or plain, and checks it.
    ///
    /// # Errors
    /// When the bytes are no profile.proto, a broken one, or unpack to more than [`Profile::DEFAULT_LIMIT`].
    pub fn parse(bytes: &[u8]) -> Result<Profile, Error> {
        Profile::parse_within(bytes, Profile::DEFAULT_LIMIT)
    }

    /// The same with another bound for the unpacked bytes.
    ///
    /// # Errors
    /// As [`Profile::parse`].
    pub fn parse_within(bytes: &[u8], limit: u64) -> Result<Profile, Error> {
        if !bytes.starts_with(&[0x1f, 0x8b]) {
            return decode(bytes);
        }
        let mut plain = Vec::new();
        let unpacked = flate2::read::MultiGzDecoder::new(bytes).take(limit + 1).read_to_end(&mut plain);
        if plain.len() as u64 > limit {
            return Err(Error::TooLarge { limit });
        }
        match unpacked {
            Ok(_) => decode(&plain),
            // What a truncated gzip gave before it broke off is a torn profile.
            Err(_) if !plain.is_empty() => {
                let mut profile = decode(&plain)?;
                profile.torn = true;
                Ok(profile)
            }
            Err(_) => Err(Error::NotAProfile),
        }
    }
}

/// A field of the outermost message.
enum Field<'a> {
    Number(u32, u64),
    Bytes(u32, &'a [u8]),
}

/// The fields from the front of `bytes` on; ends at the first that is not whole, and says whether there was one.
struct Fields<'a> {
    rest: &'a [u8],
    torn: bool,
    /// A wire type that profile.proto does not use: these bytes are something else.
    foreign: bool,
}

impl<'a> Fields<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Fields { rest: bytes, torn: false, foreign: false }
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for (at, &byte) in self.rest.iter().enumerate().take(10) {
            value |= u64::from(byte & 0x7f) << (7 * at);
            if byte < 0x80 {
                self.rest = &self.rest[at + 1..];
                return Some(value);
            }
        }
        None
    }

    fn bytes(&mut self, length: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(usize::try_from(length).ok()?)?;
        self.rest = rest;
        Some(taken)
    }

    fn field(&mut self) -> Option<Field<'a>> {
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).ok()?;
        match key & 7 {
            0 => Some(Field::Number(number, self.varint()?)),
            2 => {
                let length = self.varint()?;
                Some(Field::Bytes(number, self.bytes(length)?))
            }
            _ => {
                self.foreign = true;
                None
            }
        }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.torn = true;
            self.rest = &[];
        }
        field
    }
}

/// How many fields the bytes are judged by.
const JUDGED: usize = 16;

/// Whether the first fields are ones that a profile has, so that bytes with something wrong further on are a broken profile
/// rather than something else.
fn begins_like_a_profile(bytes: &[u8]) -> bool {
    let mut fields = Fields::new(bytes);
    let mut judged = 0;
    for field in fields.by_ref().take(JUDGED) {
        let fits = match field {
            Field::Bytes(field::SAMPLE_TYPE | field::PERIOD_TYPE, part) => proto::ValueType::decode(part).is_ok(),
            Field::Bytes(field::SAMPLE, part) => proto::Sample::decode(part).is_ok(),
            Field::Bytes(field::MAPPING, part) => proto::Mapping::decode(part).is_ok(),
            Field::Bytes(field::LOCATION, part) => proto::Location::decode(part).is_ok(),
            Field::Bytes(field::FUNCTION, part) => proto::Function::decode(part).is_ok(),
            Field::Bytes(field::STRING_TABLE, part) => judged > 0 || part.is_empty(),
            Field::Bytes(number, _) => number == field::COMMENT,
            Field::Number(number, _) => (field::DROP_FRAMES..=field::DEFAULT_SAMPLE_TYPE).contains(&number),
        };
        // Something wrong in a file that began well is worth more words than "no profile".
        if !fits {
            return judged > 2;
        }
        judged += 1;
    }
    judged > 0 && !(fields.foreign && judged < 3)
}

/// The parts that others refer to, with the tables from the file's numbers to ours.
#[derive(Default)]
struct Reader {
    profile: Profile,
    /// The file's string table: number to interned text.
    strings: Vec<StringId>,
    mappings: FxHashMap<u64, MappingId>,
    functions: FxHashMap<u64, FunctionId>,
    locations: FxHashMap<u64, LocationId>,
    /// How often the file says how long the profile lasted: each chunk of a growing one does.
    durations: usize,
}

fn decode(bytes: &[u8]) -> Result<Profile, Error> {
    if !begins_like_a_profile(bytes) {
        return Err(Error::NotAProfile);
    }
    let mut reader = Reader::default();
    // The parts may come in any order, so each kind is read once those that it refers to are known.
    let mut fields = Fields::new(bytes);
    for field in &mut fields {
        if let Field::Bytes(field::STRING_TABLE, text) = field {
            let text = reader.profile.strings.intern(&String::from_utf8_lossy(text));
            reader.strings.push(text);
        }
    }
    if fields.foreign {
        return Err(Error::malformed("a field", "has a wire type that profile.proto does not use"));
    }
    reader.profile.torn = fields.torn;
    reader.header(bytes)?;
    let messages = |wanted: u32| {
        let found = Fields::new(bytes).filter_map(move |field| match field {
            Field::Bytes(number, part) if number == wanted => Some(part),
            _ => None,
        });
        found.enumerate()
    };
    for (at, part) in messages(field::MAPPING) {
        reader.mapping(at, part)?;
    }
    for (at, part) in messages(field::FUNCTION) {
        reader.function(at, part)?;
    }
    for (at, part) in messages(field::LOCATION) {
        reader.location(at, part)?;
    }
    reader.samples(bytes)?;
    Ok(reader.profile)
}

impl Reader {
    fn string(&self, number: i64, part: impl Fn() -> String) -> Result<StringId, Error> {
        let known = usize::try_from(number).ok().and_then(|number| self.strings.get(number).copied());
        known.ok_or_else(|| Error::malformed(part(), format_args!("names string {number} of {}", self.strings.len())))
    }

    fn value_type(&self, part: &[u8], name: &str) -> Result<ValueType, Error> {
        let name = || name.to_owned();
        let value_type: proto::ValueType = message(part, name)?;
        Ok(ValueType { kind: self.string(value_type.kind, name)?, unit: self.string(value_type.unit, name)? })
    }

    /// Everything but mappings, functions, locations and samples.
    fn header(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let mut default_sample_type = None;
        for field in Fields::new(bytes) {
            match field {
                Field::Bytes(field::SAMPLE_TYPE, part) => {
                    let value_type = self.value_type(part, "a sample type")?;
                    self.profile.sample_types.push(value_type);
                }
                Field::Bytes(field::PERIOD_TYPE, part) => {
                    self.profile.period_type = self.value_type(part, "the period type")?;
                }
                Field::Number(field::DROP_FRAMES, number) => {
                    self.profile.drop_frames = self.string(number as i64, || "drop_frames".to_owned())?;
                }
                Field::Number(field::KEEP_FRAMES, number) => {
                    self.profile.keep_frames = self.string(number as i64, || "keep_frames".to_owned())?;
                }
                Field::Number(field::TIME_NANOS, value) => self.profile.time_nanos = value as i64,
                Field::Number(field::DURATION_NANOS, value) => {
                    self.profile.duration_nanos = value as i64;
                    self.durations += 1;
                }
                Field::Number(field::PERIOD, value) => self.profile.period = value as i64,
                Field::Number(field::COMMENT, number) => self.comment(number as i64)?,
                // A repeated scalar may also come packed.
                Field::Bytes(field::COMMENT, packed) => {
                    let mut numbers = Fields::new(packed);
                    while let Some(number) = numbers.varint() {
                        self.comment(number as i64)?;
                    }
                }
                Field::Number(field::DEFAULT_SAMPLE_TYPE, number) if number != 0 => {
                    default_sample_type = Some(self.string(number as i64, || "the default sample type".to_owned())?);
                }
                _ => {}
            }
        }
        // pprof shows the last sample type unless the file names one.
        let last = self.profile.sample_types.len().saturating_sub(1);
        let named =
            default_sample_type.and_then(|kind| self.profile.sample_types.iter().position(|have| have.kind == kind));
        self.profile.default_sample_type = named.unwrap_or(last);
        self.profile.samples = Samples::new(self.profile.sample_types.len());
        Ok(())
    }

    fn comment(&mut self, number: i64) -> Result<(), Error> {
        let comment = self.string(number, || "a comment".to_owned())?;
        self.profile.comments.push(comment);
        Ok(())
    }

    fn mapping(&mut self, at: usize, part: &[u8]) -> Result<(), Error> {
        let name = || format!("mapping {at}");
        let mapping: proto::Mapping = message(part, name)?;
        let id = MappingId(self.profile.mappings.len() as u32);
        register(&mut self.mappings, mapping.id, id, name)?;
        let (file, build_id) = (self.string(mapping.filename, name)?, self.string(mapping.build_id, name)?);
        self.profile.mappings.push(Mapping {
            start: mapping.memory_start,
            limit: mapping.memory_limit,
            file_offset: mapping.file_offset,
            file,
            build_id,
            symbolized: mapping.has_functions,
        });
        Ok(())
    }

    fn function(&mut self, at: usize, part: &[u8]) -> Result<(), Error> {
        let name = || format!("function {at}");
        let function: proto::Function = message(part, name)?;
        let text = |number| self.string(number, name);
        let (text_name, system_name) = (text(function.name)?, text(function.system_name)?);
        let id = Function {
            name: if text_name.is_empty() { system_name } else { text_name },
            system_name: if text_name == system_name { StringId::EMPTY } else { system_name },
            file: text(function.filename)?,
            start_line: function.start_line,
        };
        let id = self.profile.intern_function(id);
        register(&mut self.functions, function.id, id, name)
    }

    fn location(&mut self, at: usize, part: &[u8]) -> Result<(), Error> {
        let name = || format!("location {at}");
        let location: proto::Location = message(part, name)?;
        let lines = location.line.iter().map(|line| {
            let function = self.functions.get(&line.function_id).copied();
            let reason = || format!("names function {}, which the file does not have", line.function_id);
            let function = function.ok_or_else(|| Error::malformed(name(), reason()))?;
            Ok(Line { function, line: line.line })
        });
        let lines = lines.collect::<Result<Vec<_>, Error>>()?;
        let mapping = self.mappings.get(&location.mapping_id).copied();
        let id = self.profile.push_location(Location { mapping, address: location.address, lines });
        register(&mut self.locations, location.id, id, name)
    }

    /// The samples, with the chunks that they came in if there are several.
    fn samples(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let grew = self.durations > 1;
        let mut sample = SampleReader::default();
        let mut chunk = Chunk::default();
        let mut at = 0;
        for field in Fields::new(bytes) {
            match field {
                Field::Bytes(field::SAMPLE, part) => {
                    let row = sample.read(self, at, part)?;
                    at += 1;
                    if let Some(row) = row.filter(|_| grew) {
                        // No more than 2³² rows, which `Samples` holds.
                        chunk.rows.push(row as u32);
                        chunk.values.extend(&sample.message.value);
                    }
                }
                Field::Number(field::DURATION_NANOS, until) if grew => {
                    chunk.until_ns = until as i64;
                    self.profile.chunks.push(std::mem::take(&mut chunk));
                }
                _ => {}
            }
        }
        if !chunk.rows.is_empty() {
            // The file broke off in this one.
            self.profile.chunks.push(Chunk { until_ns: self.profile.duration_nanos, ..chunk });
        }
        Ok(())
    }
}

/// Reads samples, with its buffers kept from one to the next.
#[derive(Default)]
struct SampleReader {
    message: proto::Sample,
    locations: Vec<LocationId>,
    labels: Vec<Label>,
}

impl SampleReader {
    /// Reads one and gives its row; `None` if it is the self-check.
    fn read(&mut self, reader: &mut Reader, at: usize, part: &[u8]) -> Result<Option<usize>, Error> {
        let name = || format!("sample {at}");
        self.message.clear();
        self.message.merge(part).map_err(|error| Error::malformed(name(), error))?;
        let (have, want) = (self.message.value.len(), reader.profile.sample_types.len());
        if want == 0 {
            return Err(Error::malformed("the profile", "has samples but no sample types"));
        }
        if have != want {
            let plural = if have == 1 { "" } else { "s" };
            return Err(Error::malformed(name(), format_args!("has {have} value{plural}, expected {want}")));
        }
        self.locations.clear();
        for id in &self.message.location_id {
            let location = reader.locations.get(id).copied();
            let reason = || format!("names location {id}, which the file does not have");
            self.locations.push(location.ok_or_else(|| Error::malformed(name(), reason()))?);
        }
        if self.locations.is_empty() && self.message.value.iter().all(|&value| value == 0) && self.self_check(reader)? {
            return Ok(None);
        }
        self.labels.clear();
        for label in &self.message.label {
            let key = reader.string(label.key, name)?;
            let value = if label.str != 0 {
                LabelValue::Text(reader.string(label.str, name)?)
            } else {
                LabelValue::Number(label.num, reader.string(label.num_unit, name)?)
            };
            self.labels.push(Label { key, value });
        }
        let profile = &mut reader.profile;
        let stack = profile.stacks.intern(self.locations.iter().copied());
        let labels = if self.labels.is_empty() { LabelSetId::EMPTY } else { profile.label_sets.intern(&self.labels) };
        Ok(Some(profile.samples.add(stack, labels, &self.message.value)))
    }

    /// Takes the sample as the self-check if it is one.
    fn self_check(&self, reader: &mut Reader) -> Result<bool, Error> {
        let mut check = SelfCheck::default();
        let mut found = false;
        for label in &self.message.label {
            let key = reader.string(label.key, || "the self-check".to_owned())?;
            let key = &reader.profile.strings[key];
            found |= key.starts_with(self_check::KEY_PREFIX);
            check.set_field(key, label.num as u64);
        }
        if found {
            reader.profile.set_self_check(check);
        }
        Ok(found)
    }
}

fn message<M: Message + Default>(part: &[u8], name: impl Fn() -> String) -> Result<M, Error> {
    M::decode(part).map_err(|error| Error::malformed(name(), error))
}

fn register<T>(table: &mut FxHashMap<u64, T>, number: u64, id: T, name: impl Fn() -> String) -> Result<(), Error> {
    if number == 0 {
        return Err(Error::malformed(name(), "has the number 0, which profile.proto keeps for none"));
    }
    match table.insert(number, id) {
        None => Ok(()),
        Some(_) => Err(Error::malformed(name(), format_args!("has the number {number} of another"))),
    }
}
