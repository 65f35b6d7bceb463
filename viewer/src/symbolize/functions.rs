//! Where a binary's functions begin, by its unwind information: a stripped binary has that, too.

use std::ops::Range;
use std::path::Path;

use addr2line::gimli::{BaseAddresses, EhFrame, EhFrameHdr, RunTimeEndian, UnwindSection};
use memmap2::Mmap;
use object::{Object, ObjectSection};

/// The functions of a binary, looked up where they lie in its file.
pub(super) struct Functions {
    bytes: Mmap,
    /// `.eh_frame_hdr`, the search table.
    table: Section,
    /// `.eh_frame`, which it leads to.
    frames: Section,
    endian: RunTimeEndian,
    address_size: u8,
}

struct Section {
    range: Range<usize>,
    address: u64,
}

impl Functions {
    /// Those of a file, if it says where they are.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let bytes = super::map(path).ok()?;
        let object = object::File::parse(&*bytes).ok()?;
        let section = |name: &str| {
            let section = object.section_by_name(name)?;
            let (start, size) = section.file_range()?;
            let range = usize::try_from(start).ok()?..usize::try_from(start.checked_add(size)?).ok()?;
            bytes.get(range.clone())?;
            Some(Section { range, address: section.address() })
        };
        let (table, frames) = (section(".eh_frame_hdr")?, section(".eh_frame")?);
        let endian = if object.is_little_endian() { RunTimeEndian::Little } else { RunTimeEndian::Big };
        let address_size = if object.is_64() { 8 } else { 4 };
        Some(Functions { table, frames, endian, address_size, bytes })
    }

    /// Where the function begins that has code at this address.
    pub(super) fn begin(&self, address: u64) -> Option<u64> {
        let Functions { bytes, table, frames, endian, address_size } = self;
        let bases = BaseAddresses::default().set_eh_frame_hdr(table.address).set_eh_frame(frames.address);
        let header = EhFrameHdr::new(&bytes[table.range.clone()], *endian).parse(&bases, *address_size).ok()?;
        let mut frames = EhFrame::new(&bytes[frames.range.clone()], *endian);
        frames.set_address_size(*address_size);
        let found = header.table()?.fde_for_address(&frames, &bases, address, EhFrame::cie_from_offset);
        found.ok().map(|function| function.initial_address())
    }
}
