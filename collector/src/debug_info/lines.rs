//! Line programs: which line an address belongs to. They are run here rather than by gimli, which makes a row of each step, as
//! a whole program must be run once to find where its sequences begin, and most of its rows are of no interest.

use gimli::{LineProgramHeader, constants};

use super::Bytes;
use super::entries::Rest;

/// A row of the line table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    address: u64,
    pub(super) file: u64,
    pub(super) line: u32,
}

/// Where the sequences of a program begin: the first address, and the place in the program; in order of addresses.
#[derive(Debug, Default)]
pub(super) struct Sequences(Vec<(u64, u32)>);

impl Sequences {
    pub(super) fn read(header: &LineProgramHeader<Bytes>) -> Sequences {
        let mut sequences = Vec::new();
        let (mut begin, mut first) = (0, None);
        run(header, 0, |row, end, next| {
            let from = *first.get_or_insert(row.address);
            if end {
                sequences.push((from, begin as u32));
                (begin, first) = (next, None);
            }
            true
        });
        sequences.sort_unstable();
        sequences.shrink_to_fit();
        Sequences(sequences)
    }

    /// The row that an address belongs to: the last one before the first that lies beyond it.
    pub(super) fn row(&self, header: &LineProgramHeader<Bytes>, address: u64) -> Option<Row> {
        let at = self.0.partition_point(|&(begin, _)| begin <= address).checked_sub(1)?;
        let (mut last, mut found) = (None, None);
        run(header, self.0[at].1 as usize, |row, end, _| {
            if row.address > address {
                found = last;
                return false;
            }
            last = Some(row);
            !end
        });
        found
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.0.capacity() * size_of::<(u64, u32)>()
    }
}

/// Runs a program from a place on where a sequence begins, until `visit` says that it is enough. It is given each row, whether
/// that ends a sequence, and the place of the next instruction. Ends where something is malformed.
fn run(header: &LineProgramHeader<Bytes>, from: usize, visit: impl FnMut(Row, bool, usize) -> bool) {
    let program = header.raw_program_buf();
    let _ = try_run(header, Rest { bytes: program.slice(), at: from }, visit);
}

fn try_run(
    header: &LineProgramHeader<Bytes>,
    mut rest: Rest<'_>,
    mut visit: impl FnMut(Row, bool, usize) -> bool,
) -> Option<()> {
    const BEGIN: Row = Row { address: 0, file: 1, line: 1 };
    let (base, range) = (i32::from(header.line_base()), header.line_range());
    let (first_special, step) = (header.opcode_base(), u64::from(header.minimum_instruction_length()));
    if range == 0 {
        return None;
    }
    let lengths = header.standard_opcode_lengths().slice();
    let advance = |row: &mut Row, by: u64| row.address = row.address.wrapping_add(by.wrapping_mul(step));
    let mut row = BEGIN;
    while rest.at < rest.bytes.len() {
        let opcode = rest.byte()?;
        if opcode >= first_special {
            let special = opcode - first_special;
            advance(&mut row, u64::from(special / range));
            row.line = row.line.wrapping_add_signed(base + i32::from(special % range));
            if !visit(row, false, rest.at) {
                return None;
            }
            continue;
        }
        match constants::DwLns(opcode) {
            // Extended ones begin with a zero and their length.
            constants::DwLns(0) => {
                let length = rest.leb128()? as usize;
                let end = rest.at.checked_add(length)?;
                match constants::DwLne(rest.byte()?) {
                    constants::DW_LNE_end_sequence => {
                        if !visit(row, true, end) {
                            return None;
                        }
                        row = BEGIN;
                    }
                    constants::DW_LNE_set_address => row.address = rest.number(length.checked_sub(1)?)?,
                    _ => {}
                }
                rest.at = end;
            }
            constants::DW_LNS_copy => {
                if !visit(row, false, rest.at) {
                    return None;
                }
            }
            constants::DW_LNS_advance_pc => advance(&mut row, rest.leb128()?),
            constants::DW_LNS_advance_line => row.line = row.line.wrapping_add_signed(rest.signed_leb128()? as i32),
            constants::DW_LNS_set_file => row.file = rest.leb128()?,
            constants::DW_LNS_const_add_pc => advance(&mut row, u64::from((255 - first_special) / range)),
            constants::DW_LNS_fixed_advance_pc => row.address = row.address.wrapping_add(rest.number(2)?),
            _ => {
                for _ in 0..*lengths.get(usize::from(opcode) - 1)? {
                    rest.leb128()?;
                }
            }
        }
    }
    Some(())
}
