//! Python's marshal format, as far as cProfile's files use it: dictionaries, tuples, texts and numbers.
//!
//! The format is that of CPython's `Python/marshal.c`, versions 0 to 5.

use std::rc::Rc;

/// How deep values may lie in one another; statistics need five levels.
const DEEPEST: usize = 32;

/// A value. Shared ones are held once, as the file holds them.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Integer(i64),
    Float(f64),
    Text(Rc<str>),
    Tuple(Rc<[Value]>),
    Dictionary(Rc<[(Value, Value)]>),
    /// None, a truth value, and what else says nothing here.
    Other,
}

/// Reads values from the front of some bytes.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    /// Where it is.
    pub(super) at: usize,
    /// Values that later ones refer to.
    shared: Vec<Value>,
    /// The texts that Python 2 refers to.
    interned: Vec<Value>,
    depth: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Reader { bytes, at: 0, shared: Vec::new(), interned: Vec::new(), depth: 0 }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let taken = self.bytes.get(self.at..).and_then(|rest| rest.get(..length)).ok_or("the file ends in a value")?;
        self.at += length;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?[0])
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let taken = self.take(N)?;
        taken.try_into().map_err(|_| "the file ends in a value".to_owned())
    }

    fn length(&mut self) -> Result<usize, String> {
        Ok(u32::from_le_bytes(self.array()?) as usize)
    }

    /// The next value; `None` at the end of a dictionary.
    pub(super) fn value(&mut self) -> Result<Option<Value>, String> {
        let code = self.byte()?;
        let (kind, is_shared) = (code & 0x7f, code & 0x80 != 0);
        if self.depth == DEEPEST {
            return Err(format!("values nest more than {DEEPEST} deep"));
        }
        self.depth += 1;
        // A value's place among the shared ones is taken before what it holds.
        let place = is_shared.then(|| {
            self.shared.push(Value::Other);
            self.shared.len() - 1
        });
        let value = match kind {
            b'0' => {
                self.depth -= 1;
                return Ok(None);
            }
            b'i' => Value::Integer(i64::from(i32::from_le_bytes(self.array()?))),
            b'I' => Value::Integer(i64::from_le_bytes(self.array()?)),
            b'l' => self.long()?,
            b'g' => Value::Float(f64::from_le_bytes(self.array()?)),
            b'f' => {
                let length = usize::from(self.byte()?);
                let text = std::str::from_utf8(self.take(length)?).ok().and_then(|text| text.parse().ok());
                Value::Float(text.ok_or("a number is none")?)
            }
            b's' | b'u' | b'a' => self.text()?,
            b't' | b'A' => {
                let text = self.text()?;
                self.interned.push(text.clone());
                text
            }
            b'z' | b'Z' => {
                let length = usize::from(self.byte()?);
                Value::Text(String::from_utf8_lossy(self.take(length)?).into())
            }
            b'(' => {
                let length = self.length()?;
                self.tuple(length)?
            }
            b')' => {
                let length = usize::from(self.byte()?);
                self.tuple(length)?
            }
            b'[' => {
                let length = self.length()?;
                self.tuple(length)?
            }
            b'{' => {
                let mut members = Vec::new();
                while let Some(key) = self.value()? {
                    members.push((key, self.value()?.ok_or("a key without a value")?));
                }
                Value::Dictionary(members.into())
            }
            b'r' => {
                let number = self.length()?;
                self.shared.get(number).cloned().ok_or("refers to a value that is not there")?
            }
            b'R' => {
                let number = self.length()?;
                self.interned.get(number).cloned().ok_or("refers to a text that is not there")?
            }
            b'N' | b'T' | b'F' | b'S' | b'.' => Value::Other,
            other => return Err(format!("there is no kind of value {:?}", other as char)),
        };
        if let Some(place) = place {
            self.shared[place] = value.clone();
        }
        self.depth -= 1;
        Ok(Some(value))
    }

    fn text(&mut self) -> Result<Value, String> {
        let length = self.length()?;
        Ok(Value::Text(String::from_utf8_lossy(self.take(length)?).into()))
    }

    /// A whole number in digits of 15 bits; what is beyond 64 bits is cut off at the largest.
    fn long(&mut self) -> Result<Value, String> {
        let count = i32::from_le_bytes(self.array()?);
        let digits = self.take(2 * count.unsigned_abs() as usize)?;
        let mut number = 0_i64;
        for pair in digits.chunks_exact(2).rev() {
            let digit = i64::from(u16::from_le_bytes([pair[0], pair[1]]));
            number = number.saturating_mul(1 << 15).saturating_add(digit);
        }
        Ok(Value::Integer(if count < 0 { -number } else { number }))
    }

    fn tuple(&mut self, length: usize) -> Result<Value, String> {
        // Each value is at least one byte, so that a length beyond the file is found before room is made for it.
        if length > self.bytes.len() - self.at {
            return Err("the file ends in a tuple".to_owned());
        }
        let mut values = Vec::new();
        for _ in 0..length {
            values.push(self.value()?.ok_or("a tuple ends early")?);
        }
        Ok(Value::Tuple(values.into()))
    }
}
