//! A file's debug information and symbol table, mapped rather than read, so that what is not asked for takes no memory. By
//! `addr2line` without its own loader, which would bring five more crates into every user's build.

use std::fs::File;
use std::io::Read;
use std::ops::Range;

use addr2line::{Context, FrameIter};
use gimli::{
    DW_EH_PE_datarel, DW_EH_PE_pcrel, DW_EH_PE_sdata4, DW_EH_PE_udata4, DwEhPe, Dwarf, EndianSlice, NativeEndian,
};
use memmap2::Mmap;

use crate::elf_file::{self, SectionAt};

/// Lives as long as the file that it was read from; see [`DebugInfo::open`].
type Bytes = EndianSlice<'static, NativeEndian>;

/// Size of a symbol in a 64-bit file, and the types of those that are code (`elf.h`).
const SYMBOL: usize = 24;
const STT_FUNC: u8 = 2;
const STT_GNU_IFUNC: u8 = 10;

pub(crate) struct DebugInfo {
    /// Dropped before what it points into.
    context: Option<Context<Bytes>>,
    /// Where functions begin, in order, each with its place in the symbol table.
    functions: Vec<(u64, u32)>,
    symbols: Range<usize>,
    names: Range<usize>,
    /// The table that unwinders search, and its address.
    unwind_index: Option<(Range<usize>, u64)>,
    /// Sections that are compressed in the file.
    _unpacked: Vec<Vec<u8>>,
    file: Mmap,
}

impl DebugInfo {
    /// Maps the file.
    pub(crate) fn open(file: &File) -> Option<DebugInfo> {
        // SAFETY: whoever changes a program's file while it runs changes its code, too; nothing can be done about that.
        let mapped = unsafe { Mmap::map(file) }.ok()?;
        let range = |at: SectionAt| {
            let range = at.offset as usize..at.offset.checked_add(at.length)? as usize;
            mapped.get(range.clone()).map(|_| range)
        };
        let mut unpacked = Vec::new();
        let mut load = |id: gimli::SectionId| -> Result<Bytes, gimli::Error> {
            let at = elf_file::find_section(file, |_, name| name == id.name().as_bytes());
            let bytes = at.and_then(|at| Some((mapped.get(range(at)?)?, at.is_compressed)));
            let bytes = match bytes {
                Some((bytes, false)) => bytes,
                Some((bytes, true)) => {
                    unpacked.push(unpack(bytes).unwrap_or_default());
                    unpacked.last().map_or(&[][..], Vec::as_slice)
                }
                None => &[],
            };
            // SAFETY: the mapping and the unpacked sections are kept, where they are, until the context is gone, and nothing else
            // that is given out keeps a reference.
            let bytes = unsafe { std::mem::transmute::<&[u8], &'static [u8]>(bytes) };
            Ok(EndianSlice::new(bytes, NativeEndian))
        };
        let context = Dwarf::load(&mut load).ok().and_then(|dwarf| Context::from_dwarf(dwarf).ok());
        let symbols = [".symtab", ".dynsym"].into_iter().find_map(|wanted| {
            let symbols = elf_file::find_section(file, |_, name| name == wanted.as_bytes())?;
            let names = elf_file::find_section(file, |number, _| number == symbols.link)?;
            Some((range(symbols)?, range(names)?))
        });
        let (symbols, names) = symbols.unwrap_or_default();
        let functions = mapped.get(symbols.clone()).map(functions).unwrap_or_default();
        let unwind_index = elf_file::find_section(file, |_, name| name == b".eh_frame_hdr");
        let unwind_index = unwind_index.and_then(|at| Some((range(at)?, at.address)));
        Some(DebugInfo { context, functions, symbols, names, unwind_index, _unpacked: unpacked, file: mapped })
    }

    /// The functions at an address, the innermost inlined one first.
    pub(crate) fn frames(&self, address: u64) -> Option<FrameIter<'_, Bytes>> {
        // What lies in files of its own (split debug information) is left to the viewer.
        self.context.as_ref()?.find_frames(address).skip_all_loads().ok()
    }

    /// The name of the function that the symbol table has at an address.
    pub(crate) fn symbol(&self, address: u64) -> Option<&str> {
        let at = self.functions.partition_point(|&(begin, _)| begin <= address).checked_sub(1)?;
        let (begin, number) = self.functions[at];
        let symbol = self.file.get(self.symbols.clone())?.chunks_exact(SYMBOL).nth(number as usize)?;
        let size = u64::from_ne_bytes(symbol[16..24].try_into().ok()?);
        // Hand-written functions may have no size; then they go on until the next one.
        if size > 0 && address - begin >= size {
            return None;
        }
        let name = u32::from_ne_bytes(symbol[..4].try_into().ok()?) as usize;
        let name = self.file.get(self.names.clone())?.get(name..)?.split(|&byte| byte == 0).next()?;
        std::str::from_utf8(name).ok().filter(|name| !name.is_empty())
    }

    /// Where the function at an address begins, which files without symbols tell, too: in `.eh_frame_hdr`, four bytes that say
    /// how the rest is written, the place of `.eh_frame`, a count, and for each function its begin and its rules, both from the
    /// table's own address on (<https://refspecs.linuxfoundation.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/ehframechpt.html>).
    pub(crate) fn begin(&self, address: u64) -> Option<u64> {
        const AS_LINKERS_WRITE_IT: [u8; 4] = [1, DW_EH_PE_pcrel.0 | DW_EH_PE_sdata4.0, DW_EH_PE_udata4.0, SORTED.0];
        const SORTED: DwEhPe = DwEhPe(DW_EH_PE_datarel.0 | DW_EH_PE_sdata4.0);
        let (range, own) = self.unwind_index.clone()?;
        let (head, entries) = self.file.get(range)?.split_at_checked(12)?;
        if head[..4] != AS_LINKERS_WRITE_IT {
            return None;
        }
        let (entries, _) = entries.as_chunks::<8>();
        let begin = |&[a, b, c, d, ..]: &[u8; 8]| own.checked_add_signed(i32::from_ne_bytes([a, b, c, d]).into());
        let after = entries.partition_point(|entry| begin(entry).is_some_and(|begin| begin <= address));
        begin(entries.get(after.checked_sub(1)?)?)
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

/// A section that is compressed by zlib; its header says how long it is unpacked (`Elf64_Chdr`).
fn unpack(bytes: &[u8]) -> Option<Vec<u8>> {
    const HEADER: usize = 24;
    const ELFCOMPRESS_ZLIB: u32 = 1;
    let (header, packed) = bytes.split_at_checked(HEADER)?;
    if u32::from_ne_bytes(header[..4].try_into().ok()?) != ELFCOMPRESS_ZLIB {
        return None;
    }
    let mut unpacked = Vec::new();
    flate2::read::ZlibDecoder::new(packed).read_to_end(&mut unpacked).ok()?;
    Some(unpacked)
}
