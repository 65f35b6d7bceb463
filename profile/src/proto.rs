//! profile.proto, version 3, as prost messages: the wire's shapes and nothing more. They are told to prost by the macro below
//! rather than by its derive, which would bring eight more crates into the build of every program that links the collector.
//!
//! Field numbers and meanings: <https://github.com/google/pprof/blob/main/proto/profile.proto>. Strings are indices into
//! the string table; ids of mappings, functions and locations are the writer's choice, but never 0.

use prost::bytes::{Buf, BufMut};
use prost::encoding::{self, DecodeContext, WireType};
use prost::{DecodeError, Message};

/// The fields of the outermost message, `Profile`. It is never decoded as a whole: `decode` walks its fields one by one,
/// so that a torn tail costs only itself and no field is held twice.
pub(crate) mod field {
    pub(crate) const SAMPLE_TYPE: u32 = 1;
    pub(crate) const SAMPLE: u32 = 2;
    pub(crate) const MAPPING: u32 = 3;
    pub(crate) const LOCATION: u32 = 4;
    pub(crate) const FUNCTION: u32 = 5;
    pub(crate) const STRING_TABLE: u32 = 6;
    pub(crate) const DROP_FRAMES: u32 = 7;
    pub(crate) const KEEP_FRAMES: u32 = 8;
    pub(crate) const TIME_NANOS: u32 = 9;
    pub(crate) const DURATION_NANOS: u32 = 10;
    pub(crate) const PERIOD_TYPE: u32 = 11;
    pub(crate) const PERIOD: u32 = 12;
    pub(crate) const COMMENT: u32 = 13;
    pub(crate) const DEFAULT_SAMPLE_TYPE: u32 = 14;
}

/// How a field's type stands on the wire. A value that is its type's default is left out.
trait Field {
    fn encode(&self, number: u32, to: &mut impl BufMut);
    fn merge(&mut self, wire: WireType, from: &mut impl Buf, context: DecodeContext) -> Result<(), DecodeError>;
    fn encoded_len(&self, number: u32) -> usize;
}

macro_rules! numbers {
    ($($type:ty: $codec:ident),*) => { $(
        impl Field for $type {
            fn encode(&self, number: u32, to: &mut impl BufMut) {
                if *self != Self::default() {
                    encoding::$codec::encode(number, self, to);
                }
            }

            fn merge(&mut self, wire: WireType, from: &mut impl Buf, context: DecodeContext) -> Result<(), DecodeError> {
                encoding::$codec::merge(wire, self, from, context)
            }

            fn encoded_len(&self, number: u32) -> usize {
                if *self == Self::default() { 0 } else { encoding::$codec::encoded_len(number, self) }
            }
        }
    )* };
}

/// Several of a kind: numbers are packed into one field, and read in either form.
macro_rules! lists {
    ($($type:ty: $codec:ident, $encode:ident, $len:ident);*) => { $(
        impl Field for Vec<$type> {
            fn encode(&self, number: u32, to: &mut impl BufMut) {
                encoding::$codec::$encode(number, self, to);
            }

            fn merge(&mut self, wire: WireType, from: &mut impl Buf, context: DecodeContext) -> Result<(), DecodeError> {
                encoding::$codec::merge_repeated(wire, self, from, context)
            }

            fn encoded_len(&self, number: u32) -> usize {
                encoding::$codec::$len(number, self)
            }
        }
    )* };
}

numbers!(u64: uint64, i64: int64, bool: bool);
lists! {
    u64: uint64, encode_packed, encoded_len_packed;
    i64: int64, encode_packed, encoded_len_packed;
    Label: message, encode_repeated, encoded_len_repeated;
    Line: message, encode_repeated, encoded_len_repeated
}

/// Structs whose fields have a number before their name.
macro_rules! messages {
    ($(struct $message:ident { $($(#[$attribute:meta])* $number:literal: $field:ident: $type:ty,)* })*) => { $(
        #[derive(Debug, Clone, PartialEq, Default)]
        pub(crate) struct $message { $($(#[$attribute])* pub(crate) $field: $type,)* }

        impl Message for $message {
            fn encode_raw(&self, to: &mut impl BufMut) {
                $(Field::encode(&self.$field, $number, to);)*
            }

            fn merge_field(
                &mut self,
                number: u32,
                wire: WireType,
                from: &mut impl Buf,
                context: DecodeContext,
            ) -> Result<(), DecodeError> {
                match number {
                    $($number => Field::merge(&mut self.$field, wire, from, context).map_err(|mut error| {
                        error.push(stringify!($message), stringify!($field));
                        error
                    }),)*
                    _ => encoding::skip_field(wire, number, from, context),
                }
            }

            fn encoded_len(&self) -> usize {
                0 $(+ Field::encoded_len(&self.$field, $number))*
            }

            fn clear(&mut self) {
                *self = Self::default();
            }
        }
    )* };
}

messages! {
    struct ValueType {
        1: kind: i64,
        2: unit: i64,
    }

    struct Sample {
        /// Leaf first.
        1: location_id: Vec<u64>,
        2: value: Vec<i64>,
        3: label: Vec<Label>,
    }

    struct Label {
        1: key: i64,
        2: str: i64,
        3: num: i64,
        4: num_unit: i64,
    }

    struct Mapping {
        1: id: u64,
        2: memory_start: u64,
        3: memory_limit: u64,
        4: file_offset: u64,
        5: filename: i64,
        6: build_id: i64,
        7: has_functions: bool,
        8: has_filenames: bool,
        9: has_line_numbers: bool,
        10: has_inline_frames: bool,
    }

    struct Location {
        1: id: u64,
        2: mapping_id: u64,
        3: address: u64,
        /// Several where calls were inlined: the innermost callee first.
        4: line: Vec<Line>,
        5: is_folded: bool,
    }

    struct Line {
        1: function_id: u64,
        2: line: i64,
        3: column: i64,
    }

    struct Function {
        1: id: u64,
        2: name: i64,
        3: system_name: i64,
        4: filename: i64,
        5: start_line: i64,
    }
}
