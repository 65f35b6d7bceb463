//! Call frame information (`.eh_frame`, `.debug_frame`) read into flat, sorted rules. Its programs are run here, by gimli, so
//! that the handler only has to look up what came out.

use std::collections::hash_map::Entry;

use gimli::{
    BaseAddresses, CfaRule, CieOrFde, CommonInformationEntry, DebugFrame, EhFrame, EndianSlice, FrameDescriptionEntry,
    NativeEndian, RegisterRule, UnwindContext, UnwindSection, UnwindTableRow, Vendor,
};
use rustc_hash::FxHashMap;

use super::common::{Common, register_of, registers};
use super::rule::{Base, Register, Return, Rule, Saved};
use super::table::{Table, TableBuilder, Third};

/// A section's bytes, and the address that they lie at.
pub(crate) struct Section {
    pub(crate) kind: Kind,
    pub(crate) address: usize,
    pub(crate) bytes: Vec<u8>,
}

impl Section {
    /// What stands in an entry behind where its CIE is, and the address of that; nothing where the length is written long.
    fn body(&self, offset: usize, length: usize) -> Option<(&[u8], u64)> {
        const LONG: [u8; 4] = [0xff; 4];
        let entry = self.bytes.get(offset..)?;
        let is_short = !entry.starts_with(&LONG);
        let body = entry.get(8..length.checked_add(4)?).filter(|_| is_short)?;
        Some((body, self.address.wrapping_add(offset).wrapping_add(8) as u64))
    }
}

/// The two forms of the same thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Loaded with the code; its addresses are relative to where it lies.
    EhFrame,
    /// In the file only, for debuggers; its addresses are the file's own.
    DebugFrame,
}

type Bytes<'a> = EndianSlice<'a, NativeEndian>;
type Cie<'a> = CommonInformationEntry<Bytes<'a>>;

/// Reads the section of a module that lies at `base`. What is malformed is left out.
pub(crate) fn read(section: &Section, base: usize) -> Table {
    let bases = BaseAddresses::default().set_eh_frame(section.address as u64);
    match section.kind {
        Kind::EhFrame => {
            let frames = eh_frame(&section.bytes);
            let common = |cie: &Cie<'_>| Common::new(cie, cie.instructions(&frames, &bases));
            read_entries(section, &frames, &bases, base as u64, common)
        }
        Kind::DebugFrame => {
            let mut frames = DebugFrame::new(&section.bytes, NativeEndian);
            frames.set_address_size(size_of::<usize>() as u8);
            frames.set_vendor(VENDOR);
            read_entries(section, &frames, &bases, 0, |_| None)
        }
    }
}

/// Whose instructions stand among the common ones: aarch64's say where return addresses are signed, which the walk strips of it.
const VENDOR: Vendor = if cfg!(target_arch = "aarch64") { Vendor::AArch64 } else { Vendor::Default };

fn eh_frame(bytes: &[u8]) -> EhFrame<Bytes<'_>> {
    let mut frames = EhFrame::new(bytes, NativeEndian);
    frames.set_vendor(VENDOR);
    frames
}

/// Reads the entries of all functions: where their CIE gives something in common, by that as far as it goes.
fn read_entries<'a, S: UnwindSection<Bytes<'a>>>(
    section: &Section,
    frames: &S,
    bases: &BaseAddresses,
    base: u64,
    common: impl Fn(&Cie<'a>) -> Option<Common>,
) -> Table
where
    S::Offset: std::hash::Hash + Eq + Copy,
{
    let mut cies = FxHashMap::default();
    let mut context = UnwindContext::new();
    let mut builder = TableBuilder::default();
    let mut entries = frames.entries(bases);
    while let Ok(Some(entry)) = entries.next() {
        let CieOrFde::Fde(partial) = entry else { continue };
        let (cie, common) = match cies.entry(partial.cie_offset()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let Ok(cie) = frames.cie_from_offset(bases, partial.cie_offset()) else { continue };
                let common = common(&cie);
                new.insert((cie, common))
            }
        };
        builder.next_function();
        let end = common.as_ref().and_then(|common| {
            let (body, address) = section.body(partial.offset(), partial.entry_len())?;
            common.read(body, address, base, |from, row| builder.begin(from, row.rule(), row.third()))
        });
        if let Some(end) = end {
            builder.end(end);
            continue;
        }
        builder.again();
        if let Ok(fde) = partial.parse(|_, _, _| Ok(cie.clone())) {
            read_any(&fde, frames, bases, base, &mut context, &mut builder);
        }
    }
    builder.build()
}

/// Reads a function's entry, whatever it says.
fn read_any<'a, S: UnwindSection<Bytes<'a>>>(
    fde: &FrameDescriptionEntry<Bytes<'a>>,
    frames: &S,
    bases: &BaseAddresses,
    base: u64,
    context: &mut UnwindContext<usize>,
    builder: &mut TableBuilder,
) {
    let place = |address: u64| u32::try_from(address.checked_sub(base)?).ok();
    let Ok(mut rows) = fde.rows(frames, bases, context) else { return };
    let mut end = None;
    while let Ok(Some(row)) = rows.next_row() {
        let (Some(from), Some(to)) = (place(row.start_address()), place(row.end_address())) else { break };
        if to <= from {
            continue;
        }
        let rule = if fde.is_signal_trampoline() {
            Rule { base: Base::Signal, ..Rule::UNKNOWN }
        } else {
            rule_of(row, frames)
        };
        builder.begin(from, rule, third_of(row));
        end = end.max(Some(to));
    }
    if let Some(end) = end {
        builder.end(end);
    }
}

fn rule_of<'a>(row: &UnwindTableRow<usize>, section: &impl UnwindSection<Bytes<'a>>) -> Rule {
    let expression = |expression: &gimli::UnwindExpression<usize>| expression.get(section).ok().map(|it| it.0.slice());
    let return_address = match row.register(registers::RETURN) {
        Some(RegisterRule::Undefined) => Return::None,
        Some(RegisterRule::Offset(offset)) => match i16::try_from(offset) {
            Ok(offset) => Return::At(offset),
            Err(_) => return Rule::UNKNOWN,
        },
        None | Some(RegisterRule::SameValue) if cfg!(target_arch = "aarch64") => Return::Register,
        _ => return Rule::UNKNOWN,
    };
    let frame_pointer = match row.register(registers::FRAME) {
        Some(RegisterRule::Offset(offset)) => i16::try_from(offset).map_or(Saved::Not, Saved::At),
        Some(RegisterRule::Expression(at)) => match expression(&at).and_then(place_by_register) {
            Some((Register::Frame, offset)) => Saved::AtFrame(offset),
            _ => Saved::Not,
        },
        _ => Saved::Not,
    };
    let cfa = match row.cfa() {
        CfaRule::RegisterAndOffset { register, offset } => {
            register_of(*register).and_then(|register| Some((Base::Register(register), i32::try_from(*offset).ok()?)))
        }
        CfaRule::Expression(at) => expression(at).and_then(|code| plt(code).or_else(|| word(code))),
    };
    match cfa {
        Some((base, offset)) => Rule { base, offset, return_address, frame_pointer },
        None => Rule::UNKNOWN,
    }
}

fn third_of(row: &UnwindTableRow<usize>) -> Third {
    match registers::THIRD.and_then(|third| row.register(third)) {
        Some(RegisterRule::Offset(offset)) => Third::saved_at(offset),
        _ => Third::default(),
    }
}

/// What GNU ld and lld write for x86_64's PLT: `breg7 8; breg16 0; lit15; and; lit11; ge; lit3; shl; plus`, with lit10 where
/// entries begin with `endbr64`.
fn plt(expression: &[u8]) -> Option<(Base, i32)> {
    match expression {
        [0x77, 8, 0x80, 0, 0x3f, 0x1a, literal @ 0x30..=0x4f, 0x2a, 0x33, 0x24, 0x22] => {
            Some((Base::Plt(literal - 0x30), 0))
        }
        _ => None,
    }
}

/// What GCC writes where a function aligns its stack (`breg6 -8; deref`) and OpenSSL's assembly where it keeps the old stack
/// pointer in memory (`breg7 152; deref; plus_uconst 8`).
fn word(expression: &[u8]) -> Option<(Base, i32)> {
    let deref = expression.iter().rposition(|&byte| byte == 0x06)?;
    let (place, rest) = expression.split_at(deref);
    let (register, offset) = place_by_register(place)?;
    let plus = match rest {
        [_] => 0,
        // One byte of LEB128 holds up to 127.
        [_, 0x23, plus @ 0..=0x7f] => i32::from(*plus),
        _ => return None,
    };
    Some((Base::WordAt(register, offset), plus))
}

/// `breg<n> <offset>`, alone.
fn place_by_register(expression: &[u8]) -> Option<(Register, i16)> {
    let (&operation @ 0x70..=0x8f, offset) = expression.split_first()? else { return None };
    let register = register_of(gimli::Register(u16::from(operation - 0x70)))?;
    // SLEB128 of one or two bytes, seven bits each, the last one's sixth bit the sign.
    let (value, bits) = match *offset {
        [low @ 0..=0x7f] => (i16::from(low), 7),
        [low @ 0x80..=0xff, high @ 0..=0x7f] => (i16::from(low & 0x7f) | i16::from(high) << 7, 14),
        _ => return None,
    };
    Some((register, value << (16 - bits) >> (16 - bits)))
}

#[cfg(test)]
mod tests {
    use super::super::loaded;
    use super::super::rule::{Packed, Shape};
    use super::*;
    use std::process::Command;

    /// What the program itself is loaded with.
    fn own() -> (usize, Section) {
        let mut objects = loaded::objects(|_| false);
        let (object, section) = objects.swap_remove(0);
        (object.base, section.expect("cargo links programs with a table"))
    }

    /// As [`read`], by nothing but gimli.
    fn read_by_gimli(section: &Section, base: usize) -> Table {
        let bases = BaseAddresses::default().set_eh_frame(section.address as u64);
        read_entries(section, &eh_frame(&section.bytes), &bases, base as u64, |_| None)
    }

    #[test]
    fn what_is_common_is_read_as_gimli_reads_it() {
        let mut bytes = 0;
        for (object, section) in loaded::objects(|_| false) {
            let Some(section) = section.filter(|section| section.kind == Kind::EhFrame) else { continue };
            let (table, expected) = (read(&section, object.base), read_by_gimli(&section, object.base));
            // Not by assert_eq, which would print megabytes.
            assert!(table == expected, "{:?}", object.code);
            bytes += table.memory_bytes();
        }
        // The program and libc at least.
        assert!(bytes > 200_000, "{bytes}");
    }

    /// Rust's own programs are known to keep to what is understood; what is malformed must be left out without a panic, an
    /// endless loop, or memory without bound.
    #[test]
    fn bytes_changed_at_random_are_read_or_left_out() {
        const ROUNDS: u64 = 400;
        const LENGTH: usize = 8 << 10;
        let (base, section) = own();
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = |below: usize| {
            // Xorshift (Marsaglia, 2003): the same at every run.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as usize % below
        };
        let begin = &section.bytes[..LENGTH];
        let table = read(&Section { kind: Kind::EhFrame, address: section.address, bytes: begin.to_vec() }, base);
        // Of the first 16 MiB of code, where these entries' functions are.
        let places: Vec<_> = (0..1 << 24).step_by(16).filter(|&at| table.rule(at) != Packed::UNKNOWN).collect();
        let (mut rules, mut unknown) = (0, 0);
        for _ in 0..ROUNDS {
            let mut bytes = begin.to_vec();
            for _ in 0..=random(32) {
                let at = random(bytes.len());
                bytes[at] = random(256) as u8;
            }
            bytes.truncate(LENGTH - random(LENGTH / 2));
            for kind in [Kind::EhFrame, Kind::DebugFrame] {
                let section = Section { kind, address: section.address, bytes: bytes.clone() };
                let table = read(&section, base);
                assert!(kind == Kind::DebugFrame || table == read_by_gimli(&section, base));
                // A row for each byte is more than any program can say.
                assert!(table.memory_bytes() < (1 << 20) + 64 * LENGTH, "{} bytes", table.memory_bytes());
                for _ in 0..200 {
                    match table.rule(places[random(places.len())]) {
                        Packed::UNKNOWN => unknown += 1,
                        _ => rules += 1,
                    }
                }
            }
        }
        assert!(rules > 1000 && unknown > 1000, "{rules} {unknown}: both ways have been tried");
    }

    /// A library with nothing but what debuggers read, walked by the same rules as one that has `.eh_frame`.
    #[test]
    fn debug_frame_says_the_same_as_eh_frame() {
        let folder = tempfile::tempdir().expect("there is room");
        let source = folder.path().join("code.c");
        let code = "int last(int *); int first(int n) { int of[50]; of[n] = n; return last(of) + n; }";
        std::fs::write(&source, code).expect("there is room");
        let built = |name: &str, flags: &[&str]| {
            let library = folder.path().join(name);
            let mut compiler = Command::new("cc");
            compiler.args(["-O1", "-g", "-shared", "-fPIC", "-nostdlib", "-o"]).arg(&library).arg(&source).args(flags);
            // Rust needs a C compiler to link, so there is one.
            assert!(compiler.status().expect("cc can be started").success());
            std::fs::File::open(library).expect("it was built")
        };
        let without = ["-fno-asynchronous-unwind-tables", "-fno-unwind-tables", "-Wl,--no-eh-frame-hdr"];
        let (loaded, debug) = (built("loaded.so", &["-fasynchronous-unwind-tables"]), built("debug.so", &without));
        let table = |file: &std::fs::File, kind, name| {
            let (address, bytes) = crate::elf_file::section(file, name).unwrap_or_else(|| panic!("it has {name}"));
            read(&Section { kind, address: address as usize, bytes }, 0)
        };
        let loaded_table = table(&loaded, Kind::EhFrame, ".eh_frame");
        let debug_table = table(&debug, Kind::DebugFrame, ".debug_frame");
        let code = |file| crate::elf_file::section(file, ".text").expect("it has code");
        let ((at, bytes), (debug_at, debug_bytes)) = (code(&loaded), code(&debug));
        assert_eq!(bytes.len(), debug_bytes.len());
        let mut shapes = std::collections::BTreeSet::new();
        for offset in 0..bytes.len() as u64 {
            let rule = loaded_table.rule((at + offset) as usize);
            assert_eq!(debug_table.rule((debug_at + offset) as usize), rule, "at {offset}");
            shapes.insert(rule);
        }
        assert!(shapes.len() >= 2, "{shapes:?}");
        assert!(shapes.iter().any(|rule| matches!(rule.shape(), Shape::Plain(_))));
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn expressions_that_compilers_write_are_understood() {
        assert_eq!(plt(&[0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22]), Some((Base::Plt(11), 0)));
        let word_at = |register, offset, plus| Some((Base::WordAt(register, offset), plus));
        assert_eq!(word(&[0x76, 0x78, 0x06]), word_at(Register::Frame, -8, 0));
        assert_eq!(word(&[0x77, 0x98, 0x01, 0x06, 0x23, 8]), word_at(Register::Stack, 152, 8));
        assert_eq!(place_by_register(&[0x76, 0]), Some((Register::Frame, 0)));
        assert_eq!(place_by_register(&[0x76, 0xf0, 0x7e]), Some((Register::Frame, -144)));
        for unknown in [&[][..], &[0x06], &[0x77], &[0x77, 0x80], &[0x71, 8, 0x06], &[0x77, 8, 0x06, 0x06], &[0x77, 8]]
        {
            assert_eq!(word(unknown), None, "{unknown:x?}");
        }
    }
}
