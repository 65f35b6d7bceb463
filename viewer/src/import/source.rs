//! A file's bytes as importers look at them: as bytes, as text, or as the members of a JSON object, each made once for all
//! importers.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::fmt;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::Malformed;

/// How many brackets may stand open at once in a JSON text. A stack of 10,000 frames, written as a tree, is twice as deep;
/// beyond that it is no profile, and reading it would need memory without bound.
const DEEPEST: usize = 100_000;

/// What the parser needs of the stack for each level, in a build without optimization.
const STACK_PER_LEVEL: usize = 4096;

/// A file, unpacked.
pub(super) struct Source<'a> {
    pub(super) bytes: &'a [u8],
    text: OnceCell<Cow<'a, str>>,
}

impl<'a> Source<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Source { bytes, text: OnceCell::new() }
    }

    /// The bytes as text; what is no UTF-8 becomes the replacement character.
    pub(super) fn text(&self) -> &str {
        self.text.get_or_init(|| String::from_utf8_lossy(self.bytes))
    }

    /// Whether this is text at all.
    pub(super) fn is_text(&self) -> bool {
        !self.bytes[..self.bytes.len().min(4096)].contains(&0)
    }

    /// The first byte that is no white space.
    pub(super) fn first(&self) -> Option<u8> {
        self.bytes.trim_ascii_start().first().copied()
    }
}

/// The members of a JSON object, their values unread.
pub(super) struct Object<'a> {
    members: Vec<(Cow<'a, str>, &'a RawValue)>,
}

impl<'a> Object<'a> {
    /// The object that a text holds, or why it holds none.
    pub(super) fn parse(text: &'a str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.raw(key).is_some()
    }

    pub(super) fn has_all(&self, keys: &[&str]) -> bool {
        keys.iter().all(|key| self.has(key))
    }

    /// A member's value as it is written.
    pub(super) fn raw(&self, key: &str) -> Option<&'a RawValue> {
        self.members.iter().find(|(name, _)| name == key).map(|(_, value)| *value)
    }

    /// A member as an object; `None` if it is missing or something else.
    pub(super) fn object(&self, key: &str) -> Option<Object<'a>> {
        serde_json::from_str(self.raw(key)?.get()).ok()
    }

    /// A member, if there is one and it is not null.
    pub(super) fn get<T: Deserialize<'a>>(&self, key: &str) -> Result<Option<T>, String> {
        match self.raw(key) {
            None => Ok(None),
            Some(value) if value.get() == "null" => Ok(None),
            Some(value) => serde_json::from_str(value.get()).map(Some).map_err(|error| within(key, &error)),
        }
    }

    /// A member that has to be there.
    pub(super) fn want<T: Deserialize<'a>>(&self, key: &str) -> Result<T, String> {
        self.get(key)?.ok_or_else(|| format!("{key} is missing"))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Object<'de>, M::Error> {
                let mut members = Vec::new();
                while let Some((Key(key), value)) = map.next_entry()? {
                    members.push((key, value));
                }
                Ok(Object { members })
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// The elements of a JSON array, their values unread.
pub(super) struct Array<'a> {
    pub(super) elements: Vec<&'a RawValue>,
    /// Whether it ends in the middle of an element.
    pub(super) torn: bool,
}

impl<'a> Array<'a> {
    /// The array that a text holds. Programs that trace themselves can end before they write the last bracket, so it may be
    /// missing.
    fn parse(text: &'a str) -> Result<Self, String> {
        struct Elements<'a, 'b>(&'b mut Vec<&'a RawValue>);
        impl<'de: 'a, 'a> DeserializeSeed<'de> for Elements<'a, '_> {
            type Value = ();

            fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
                deserializer.deserialize_seq(self)
            }
        }
        impl<'de: 'a, 'a> Visitor<'de> for Elements<'a, '_> {
            type Value = ();

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<(), S::Error> {
                while let Some(element) = seq.next_element()? {
                    self.0.push(element);
                }
                Ok(())
            }
        }
        let mut elements = Vec::new();
        match Elements(&mut elements).deserialize(&mut serde_json::Deserializer::from_str(text)) {
            Ok(()) => Ok(Array { elements, torn: false }),
            Err(error) if error.is_eof() && !elements.is_empty() => {
                let torn = !text.trim_end().ends_with(['}', ',']);
                Ok(Array { elements, torn })
            }
            Err(error) => Err(error.to_string()),
        }
    }
}

/// The list of events of a trace whose outermost object breaks off, which Chrome opens all the same.
fn torn_trace(text: &str) -> Option<&str> {
    const KEY: &str = "\"traceEvents\"";
    let end_of_key = memchr::memmem::find(text.as_bytes(), KEY.as_bytes())? + KEY.len();
    let value = text[end_of_key..].trim_start().strip_prefix(':')?.trim_start();
    let breaks_off = serde_json::from_str::<IgnoredAny>(text).is_err_and(|error| error.is_eof());
    (value.starts_with('[') && breaks_off).then_some(value)
}

/// A file as JSON.
pub(super) enum Json<'a> {
    Object(Object<'a>),
    Array(Array<'a>),
    /// Something else; why, if it begins as if it were JSON.
    Other(Option<String>),
}

impl<'a> Json<'a> {
    pub(super) fn of(source: &'a Source<'_>) -> Self {
        let text = || source.text();
        let parsed = match source.first() {
            Some(b'{') => Object::parse(text()).map(Json::Object).or_else(|reason| {
                let torn = torn_trace(text()).and_then(|events| Array::parse(events).ok());
                torn.map(|array| Json::Array(Array { torn: true, ..array })).ok_or(reason)
            }),
            Some(b'[') => Array::parse(text()).map(Json::Array),
            _ => return Json::Other(None),
        };
        parsed.unwrap_or_else(|reason| Json::Other(Some(reason)))
    }

    /// Whether it ends in the middle of something.
    pub(super) fn is_torn(&self) -> bool {
        matches!(self, Json::Array(array) if array.torn)
    }
}

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// An error in a member's value, where it stands.
pub(super) fn within(key: &str, error: &serde_json::Error) -> String {
    format!("in {key}: {error}")
}

/// From how many bytes on two threads read a text, each a half.
const HALVED_FROM: usize = 4 << 20;

/// What `read` gives of a text: of all of it, or of its two halves if it is large, each on a thread of its own. The first
/// ends with a separator.
pub(super) fn in_halves<'a, T: Send>(
    text: &'a str,
    separator: &[u8],
    read: impl Fn(&'a str) -> T + Sync,
) -> (T, Option<T>) {
    let middle = text.len() / 2;
    let separated = || memchr::memmem::find(&text.as_bytes()[middle..], separator);
    match separated().filter(|_| text.len() >= HALVED_FROM) {
        None => (read(text), None),
        Some(at) => std::thread::scope(|scope| {
            let (first, second) = text.split_at(middle + at + separator.len());
            let reading = scope.spawn(|| read(second));
            let first = read(first);
            (first, Some(reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))))
        }),
    }
}

/// Reads JSON that nests as deep as a stack is high, on a thread with room for it. What is read must not itself be nested,
/// since dropping it would need the same room.
pub(super) fn parse_deep<T: Send>(
    text: &str,
    parse: impl FnOnce(&mut serde_json::Deserializer<serde_json::de::StrRead<'_>>) -> serde_json::Result<T> + Send,
) -> Result<T, String> {
    let depth = depth(text);
    if depth > DEEPEST {
        return Err(format!("nests more than {DEEPEST} deep"));
    }
    let read = || {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        deserializer.disable_recursion_limit();
        parse(&mut deserializer).map_err(|error| error.to_string())
    };
    // The thread's memory is only used as far as the text nests.
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size((1 << 20) + depth * STACK_PER_LEVEL);
        let reading = thread.spawn_scoped(scope, read).map_err(|error| format!("no thread to read it: {error}"))?;
        reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// How many brackets stand open at once, outside of strings.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut in_string) = (0_usize, 0, false);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => in_string = !in_string,
            b'\\' if in_string => drop(bytes.next()),
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// A number, also where it is written as a text, as some tools do; 0 for anything else.
#[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd)]
pub(super) struct Number(pub(super) f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Number(Cell::deserialize(deserializer)?.0.unwrap_or(0.0)))
    }
}

/// What a cell of a table of mixed columns holds, if it is a number.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Cell(pub(super) Option<f64>);

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyCell)
    }
}

struct AnyCell;

impl<'de> Visitor<'de> for AnyCell {
    type Value = Cell;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_u64<E>(self, number: u64) -> Result<Cell, E> {
        Ok(Cell(Some(number as f64)))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Cell, E> {
        Ok(Cell(Some(number as f64)))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Cell, E> {
        Ok(Cell(Some(number)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cell, E> {
        Ok(Cell(text.trim().parse().ok().filter(|number: &f64| number.is_finite())))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Cell, E> {
        Ok(Cell(None))
    }

    fn visit_unit<E>(self) -> Result<Cell, E> {
        Ok(Cell(None))
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Cell, S::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Cell(None))
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Cell, M::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Cell(None))
    }
}

/// Turns reasons into what an importer answers.
pub(super) fn malformed(format: &'static str) -> impl Fn(String) -> Malformed {
    move |reason| Malformed { format, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_without_reading_their_values() {
        let object = Object::parse(r#"{"a\u0041": [1, {"x": 2}], "b": null, "c": {"d": "3"}}"#).unwrap();
        assert!(object.has_all(&["aA", "b", "c"]) && !object.has("x"));
        assert_eq!(object.get::<f64>("b"), Ok(None));
        assert_eq!(object.object("c").unwrap().want::<Number>("d"), Ok(Number(3.0)));
        assert_eq!(object.want::<f64>("missing"), Err("missing is missing".to_owned()));
        assert!(Object::parse("[1]").is_err());
    }

    #[test]
    fn large_texts_are_read_in_halves_that_are_the_whole() {
        let (first, second) = in_halves("a\n\nb", b"\n\n", str::to_owned);
        assert_eq!((first.as_str(), second), ("a\n\nb", None));
        let text = "ä;b 1\n\n".repeat(HALVED_FROM / 7);
        let (first, second) = in_halves(&text, b"\n\n", str::to_owned);
        assert!(first.ends_with("\n\n") && first.len().abs_diff(text.len() / 2) < 10);
        assert!(first + &second.unwrap() == text);
        let unbroken = "a".repeat(HALVED_FROM);
        assert!(in_halves(&unbroken, b"\n", str::len).1.is_none());
    }

    #[test]
    fn depth_is_that_of_brackets_outside_of_strings() {
        assert_eq!(depth(r#"{"[[[": [[], "\"["]}"#), 3);
        let deep = "[".repeat(DEEPEST + 1);
        let error = parse_deep(&deep, |json| serde::de::IgnoredAny::deserialize(json).map(drop)).unwrap_err();
        assert_eq!(error, "nests more than 100000 deep");
    }
}
