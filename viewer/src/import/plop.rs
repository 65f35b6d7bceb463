//! What Python's Plop writes: the literal of a dictionary from stacks to counts, each stack a tuple of frames from the leaf
//! on, each frame a tuple of file, line and function: `{(('app.py', 12, 'parse'), ('app.py', 3, 'main')): 8}`.
//!
//! Its `.flame` files are folded stacks.

use plop_profile::{Function, LabelSetId, Line, Location, LocationId, Profile};
use rustc_hash::FxHashMap;

use super::source::Source;
use super::{Import, Json, Malformed};

pub(super) const FORMAT: &str = "Python plop";

/// How deep a stack may be; Python's own limit is 1,000 unless it is raised.
const DEEPEST: usize = 100_000;

pub(super) fn import(source: &Source<'_>, _: &Json<'_>) -> Import {
    let bytes = source.bytes;
    let start = bytes.trim_ascii_start();
    let mut sniffed = Literal { bytes: start, at: 0 };
    if !(sniffed.takes(b'{') && sniffed.takes(b'(') && sniffed.takes(b'(') && sniffed.string().is_ok()) {
        return Ok(None);
    }
    let mut literal = Literal { bytes, at: 0 };
    read(&mut literal).map(Some).map_err(|reason| {
        let line = bytes[..literal.at.min(bytes.len())].iter().filter(|&&byte| byte == b'\n').count() + 1;
        Malformed { format: FORMAT, reason: format!("line {line}, byte {}: {reason}", literal.at) }
    })
}

fn read(literal: &mut Literal<'_>) -> Result<Profile, String> {
    let mut profile = Profile::new([("samples", "count")]);
    let mut locations: FxHashMap<Location, LocationId> = FxHashMap::default();
    let mut frames = Vec::new();
    literal.expect(b'{')?;
    while !literal.takes(b'}') {
        literal.expect(b'(')?;
        frames.clear();
        while !literal.takes(b')') {
            literal.expect(b'(')?;
            let file = literal.string()?;
            literal.expect(b',')?;
            let line = literal.number()?;
            literal.expect(b',')?;
            let name = literal.string()?;
            literal.takes(b',');
            literal.expect(b')')?;
            literal.takes(b',');
            let (name, file) = (profile.strings.intern(&name), profile.strings.intern(&file));
            let function = profile.intern_function(Function { name, file, ..Function::default() });
            let location = Location { lines: vec![Line { function, line }], ..Location::default() };
            let known =
                locations.entry(location).or_insert_with_key(|location| profile.push_location(location.clone()));
            frames.push(*known);
            if frames.len() > DEEPEST {
                return Err(format!("a stack of more than {DEEPEST} frames"));
            }
        }
        literal.expect(b':')?;
        let count = literal.number()?;
        literal.takes(b',');
        let stack = profile.stacks.intern(frames.iter().copied());
        profile.samples.add(stack, LabelSetId::EMPTY, &[count]);
    }
    Ok(profile)
}

/// A Python literal, read from the front.
struct Literal<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Literal<'_> {
    fn peek(&mut self) -> Option<u8> {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    /// Whether this sign comes next; then it is passed.
    fn takes(&mut self, sign: u8) -> bool {
        let found = self.peek() == Some(sign);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: u8) -> Result<(), String> {
        let found = self.peek();
        if self.takes(sign) {
            return Ok(());
        }
        let found = found.map_or("the file ends".to_owned(), |found| format!("found {:?}", found as char));
        Err(format!("expected {:?}, {found}", sign as char))
    }

    fn number(&mut self) -> Result<i64, String> {
        self.peek();
        let rest = &self.bytes[self.at.min(self.bytes.len())..];
        let length = rest.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'-').count();
        let number = std::str::from_utf8(&rest[..length]).ok().and_then(|text| text.parse().ok());
        let number = number.ok_or("expected a whole number")?;
        self.at += length;
        // Python 2 writes long numbers with an L.
        if self.bytes.get(self.at) == Some(&b'L') {
            self.at += 1;
        }
        Ok(number)
    }

    /// A text in either kind of quotes, with a `u` or `b` before it or not.
    fn string(&mut self) -> Result<String, String> {
        if let Some(b'u' | b'b') = self.peek() {
            self.at += 1;
        }
        let quote = self.peek().filter(|sign| [b'\'', b'"'].contains(sign)).ok_or("expected a text in quotes")?;
        self.at += 1;
        let mut text = Vec::new();
        loop {
            let &sign = self.bytes.get(self.at).ok_or("the file ends in a text")?;
            self.at += 1;
            match sign {
                sign if sign == quote => return Ok(String::from_utf8_lossy(&text).into_owned()),
                b'\\' => self.escape(&mut text)?,
                sign => text.push(sign),
            }
        }
    }

    fn escape(&mut self, text: &mut Vec<u8>) -> Result<(), String> {
        let &sign = self.bytes.get(self.at).ok_or("the file ends in a text")?;
        self.at += 1;
        let digits = match sign {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            plain => {
                text.push(match plain {
                    b'n' => b'\n',
                    b't' => b'\t',
                    b'r' => b'\r',
                    other => other,
                });
                return Ok(());
            }
        };
        let hex = self.bytes.get(self.at..self.at + digits).and_then(|hex| std::str::from_utf8(hex).ok());
        let code = hex.and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32);
        let code = code.ok_or("a broken escape in a text")?;
        self.at += digits;
        text.extend(code.encode_utf8(&mut [0; 4]).bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::import::tests::{open_bytes, refusal};
    use plop_profile::Frame;

    #[test]
    fn a_dictionary_of_stacks_is_read_with_its_lines() {
        let text = br#"{(('app.py', 12, 'par\'se'), (u"m\xe4in.py", 3, 'main')): 8,
            (('app.py', 13, 'par\'se'), (u"m\xe4in.py", 3, 'main'),): 2L}"#;
        let profile = open_bytes(text);
        assert_eq!(profile.total(0), 10);
        let edges = profile.call_edges();
        assert_eq!(edges.len(), 1, "functions are merged, whatever their lines");
        assert_eq!((&*profile.frame_name(edges[0].callee), edges[0].values[0]), ("par'se", 10));
        assert_eq!(profile.frame_file(edges[0].caller), "mäin.py");
        assert!(matches!(edges[0].caller, Frame::Function(_)));
        assert_eq!(profile.locations.len(), 3, "lines stay apart");
    }

    #[test]
    fn other_literals_and_broken_ones_are_told_apart() {
        for foreign in ["{}", "[1, 2]", "{\"nodes\": []}"] {
            assert!(refusal(foreign).starts_with("no profile of a known format"), "{foreign}");
        }
        let error = refusal("{(('app.py', 12, 'parse'),): 8, (('app.py', x");
        assert_eq!(error, "broken Python plop: line 1, byte 44: expected a whole number");
    }
}
