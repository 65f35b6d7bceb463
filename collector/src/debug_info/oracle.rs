//! Tests that `addr2line`, which keeps all that it has read, says the same.

use std::fs::File;
use std::path::Path;

use gimli::{Dwarf, EndianSlice, NativeEndian};
use memmap2::Mmap;

use super::{DebugInfo, Frame};
use crate::elf_file;

/// How many addresses to ask about.
const ADDRESSES: u64 = 2000;

fn from_addr2line(context: &addr2line::Context<EndianSlice<'_, NativeEndian>>, address: u64) -> Vec<Frame> {
    let mut frames = Vec::new();
    let Ok(mut found) = context.find_frames(address).skip_all_loads() else { return frames };
    while let Ok(Some(frame)) = found.next() {
        let Some(Ok(name)) = frame.function.as_ref().map(|function| function.raw_name()) else { continue };
        let (file, line) = frame.location.map_or((None, None), |location| (location.file, location.line));
        let (file, line) = (file.unwrap_or_default().to_owned(), line.unwrap_or(0));
        frames.push(Frame { name: name.into_owned(), file, line });
    }
    frames
}

/// Asks both about addresses all over the code of a file; gives how many frames that made.
fn compare(path: &Path) -> usize {
    let file = File::open(path).expect("it is there");
    // SAFETY: nobody writes to it while this test runs.
    let bytes = unsafe { Mmap::map(&file) }.expect("a file can be mapped");
    let section = |id: gimli::SectionId| -> Result<_, gimli::Error> {
        let at = elf_file::find_section(&file, |_, name| name == id.name().as_bytes());
        let bytes = at.map_or(&[][..], |at| &bytes[at.offset as usize..(at.offset + at.length) as usize]);
        Ok(EndianSlice::new(bytes, NativeEndian))
    };
    let context = addr2line::Context::from_dwarf(Dwarf::load(section).expect("all sections are given"));
    let context = context.expect("it has debug information");
    let mut ours = DebugInfo::open(&file).expect("it can be read");
    let text = elf_file::find_section(&file, |_, name| name == b".text").expect("a program has code");
    let mut count = 0;
    for number in 0..ADDRESSES {
        let address = text.address + text.length * number / ADDRESSES;
        let expected = from_addr2line(&context, address);
        assert_eq!(ours.frames(address), expected, "at {address:#x} of {}", path.display());
        count += expected.len();
    }
    count
}

#[test]
fn this_program_reads_the_same_as_with_addr2line() {
    let count = compare(Path::new("/proc/self/exe"));
    assert!(count > ADDRESSES as usize, "{count} frames: most addresses have some, and many inlined ones");
}
