//! Where functions begin, which files without symbols tell, too: in `.eh_frame_hdr`, the table that unwinders search.

use std::fs::File;
use std::ops::Range;

use gimli::{DW_EH_PE_datarel, DW_EH_PE_pcrel, DW_EH_PE_sdata4, DW_EH_PE_udata4, DwEhPe};

use super::mapped::Mapped;
use crate::elf_file;

const AS_LINKERS_WRITE_IT: [u8; 4] = [1, DW_EH_PE_pcrel.0 | DW_EH_PE_sdata4.0, DW_EH_PE_udata4.0, SORTED.0];
const SORTED: DwEhPe = DwEhPe(DW_EH_PE_datarel.0 | DW_EH_PE_sdata4.0);

/// The table: four bytes that say how the rest is written, the place of `.eh_frame`, a count, and for each function its begin and
/// its rules, both from the table's own address on
/// (<https://refspecs.linuxfoundation.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/ehframechpt.html>).
pub(super) struct UnwindIndex {
    range: Range<usize>,
    address: u64,
}

impl UnwindIndex {
    pub(super) fn find(file: &File) -> Option<UnwindIndex> {
        let at = elf_file::find_section(file, |_, name| name == b".eh_frame_hdr")?;
        Some(UnwindIndex { range: at.offset as usize..at.offset.checked_add(at.length)? as usize, address: at.address })
    }

    /// Where the function at an address begins.
    pub(super) fn begin(&self, mapped: &Mapped, address: u64) -> Option<u64> {
        let (head, entries) = mapped.get(self.range.clone())?.split_at_checked(12)?;
        mapped.touch(entries);
        if head[..4] != AS_LINKERS_WRITE_IT {
            return None;
        }
        let (entries, _) = entries.as_chunks::<8>();
        let begin =
            |&[a, b, c, d, ..]: &[u8; 8]| self.address.checked_add_signed(i32::from_ne_bytes([a, b, c, d]).into());
        let after = entries.partition_point(|entry| begin(entry).is_some_and(|begin| begin <= address));
        begin(entries.get(after.checked_sub(1)?)?)
    }
}
