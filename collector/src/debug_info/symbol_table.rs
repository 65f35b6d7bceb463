//! A file's symbol table: where functions begin.

use std::fs::File;
use std::ops::Range;

use super::mapped::Mapped;
use crate::elf_file::{self, SectionAt};

/// Size of a symbol in a 64-bit file, and the types of those that are code (`elf.h`).
const SYMBOL: usize = 24;
const STT_FUNC: u8 = 2;
const STT_GNU_IFUNC: u8 = 10;

#[derive(Default)]
pub(super) struct SymbolTable {
    /// Where functions begin, in order, each with its place in the table.
    functions: Vec<(u64, u32)>,
    symbols: Range<usize>,
    names: Range<usize>,
}

impl SymbolTable {
    pub(super) fn read(file: &File, mapped: &Mapped) -> Option<SymbolTable> {
        let range = |at: SectionAt| {
            let range = at.offset as usize..at.offset.checked_add(at.length)? as usize;
            mapped.get(range.clone()).map(|_| range)
        };
        let (symbols, names) = [".symtab", ".dynsym"].into_iter().find_map(|wanted| {
            let symbols = elf_file::find_section(file, |_, name| name == wanted.as_bytes())?;
            let names = elf_file::find_section(file, |number, _| number == symbols.link)?;
            Some((range(symbols)?, range(names)?))
        })?;
        let all = mapped.get(symbols.clone())?;
        mapped.touch(all);
        Some(SymbolTable { functions: functions(all), symbols, names })
    }

    /// The name of the function at an address.
    pub(super) fn name<'a>(&self, mapped: &'a Mapped, address: u64) -> Option<&'a str> {
        let at = self.functions.partition_point(|&(begin, _)| begin <= address).checked_sub(1)?;
        let (begin, number) = self.functions[at];
        let symbol = mapped.get(self.symbols.clone())?.chunks_exact(SYMBOL).nth(number as usize)?;
        mapped.touch(symbol);
        let size = u64::from_ne_bytes(symbol[16..24].try_into().ok()?);
        // Hand-written functions may have no size; then they go on until the next one.
        if size > 0 && address - begin >= size {
            return None;
        }
        let name = u32::from_ne_bytes(symbol[..4].try_into().ok()?) as usize;
        let name = mapped.get(self.names.clone())?.get(name..)?.split(|&byte| byte == 0).next()?;
        mapped.touch(name);
        std::str::from_utf8(name).ok().filter(|name| !name.is_empty())
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.functions.capacity() * size_of::<(u64, u32)>()
    }
}

/// Where functions begin, in order.
fn functions(symbols: &[u8]) -> Vec<(u64, u32)> {
    let function = |(number, symbol): (u32, &[u8])| {
        let is_defined = symbol[6..8] != [0, 0];
        let begin = u64::from_ne_bytes(symbol[8..16].try_into().ok()?);
        (is_defined && matches!(symbol[4] & 15, STT_FUNC | STT_GNU_IFUNC)).then_some((begin, number))
    };
    let mut functions: Vec<_> = (0..).zip(symbols.chunks_exact(SYMBOL)).filter_map(function).collect();
    functions.sort_unstable();
    functions
}
