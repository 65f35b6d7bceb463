//! What an ELF file says of itself in its tables: how its bytes lie in memory, which build it is, and where a section is. Enough
//! to tell where an address of a mapping lies in the file's own numbering. Knows nothing of functions' names.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// From the ELF specification (`elf.h`), for 64-bit files of this machine's byte order.
const MAGIC: &[u8] = b"\x7fELF\x02";
const HEADER: usize = 64;
const PROGRAM_HEADER: usize = 56;
const SECTION_HEADER: u64 = 64;
const SHT_NOBITS: u32 = 8;
const SHF_COMPRESSED: u64 = 0x800;
const PT_LOAD: u32 = 1;
const PT_NOTE: u32 = 4;
const NT_GNU_BUILD_ID: u32 = 3;
/// More notes than any linker writes.
const MAX_NOTES: u64 = 64 << 10;

/// The segments and the build ID.
#[derive(Debug, Default)]
pub(crate) struct ElfFile {
    segments: Vec<Segment>,
    pub(crate) build_id: Vec<u8>,
}

#[derive(Debug)]
struct Segment {
    offset: u64,
    length: u64,
    address: u64,
}

impl ElfFile {
    /// Reads the first table of `file`.
    pub(crate) fn read(file: &File) -> io::Result<ElfFile> {
        let mut header = [0; HEADER];
        file.read_exact_at(&mut header, 0)?;
        if !header.starts_with(MAGIC) {
            return Err(io::Error::from(io::ErrorKind::InvalidData));
        }
        let (table, entry_size, count) = (long(&header, 32), half(&header, 54), half(&header, 56));
        let mut elf = ElfFile::default();
        for at in 0..u64::from(count) {
            let mut entry = [0; PROGRAM_HEADER];
            file.read_exact_at(&mut entry, table.saturating_add(at * u64::from(entry_size)))?;
            let segment = Segment { offset: long(&entry, 8), length: long(&entry, 32), address: long(&entry, 16) };
            match word(&entry, 0) {
                PT_LOAD => elf.segments.push(segment),
                PT_NOTE if elf.build_id.is_empty() => {
                    let mut notes = vec![0; segment.length.min(MAX_NOTES) as usize];
                    file.read_exact_at(&mut notes, segment.offset)?;
                    elf.build_id = build_id(&notes).unwrap_or_default().to_vec();
                }
                _ => {}
            }
        }
        Ok(elf)
    }

    /// The address, in the file's own numbering, of the byte at `offset`.
    pub(crate) fn address_of(&self, offset: u64) -> Option<u64> {
        // The page in which a segment begins is mapped whole, so the last segment that begins before it is meant.
        let holds = |segment: &&Segment| segment.offset <= offset && offset - segment.offset < segment.length;
        let segment = self.segments.iter().rfind(holds)?;
        Some(segment.address + (offset - segment.offset))
    }
}

/// Where a section is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SectionAt {
    pub(crate) address: u64,
    pub(crate) offset: u64,
    pub(crate) length: u64,
    pub(crate) is_compressed: bool,
    /// The number of the section that goes with it: for symbols, that of their names.
    pub(crate) link: u32,
}

/// The address and the bytes of the section of that name, if the file has one that is not compressed.
pub(crate) fn section(file: &File, name: &str) -> Option<(u64, Vec<u8>)> {
    let at = find_section(file, |_, found| found == name.as_bytes()).filter(|at| !at.is_compressed)?;
    Some((at.address, read(file, at.offset, at.length)?))
}

/// The first section with bytes in the file whose number and name are as wanted.
pub(crate) fn find_section(file: &File, mut wanted: impl FnMut(u32, &[u8]) -> bool) -> Option<SectionAt> {
    let header = read(file, 0, HEADER as u64)?;
    let (table, entry_size) = (long(&header, 40), u64::from(half(&header, 58)));
    let entry = |number: u64| read(file, table.checked_add(entry_size.checked_mul(number)?)?, SECTION_HEADER);
    let names = entry(u64::from(half(&header, 62)))?;
    let names = read(file, long(&names, 24), long(&names, 32))?;
    (0..half(&header, 60)).find_map(|number| {
        let entry = entry(u64::from(number))?;
        let name = names.get(word(&entry, 0) as usize..)?.split(|&byte| byte == 0).next()?;
        let found = word(&entry, 4) != SHT_NOBITS && wanted(u32::from(number), name);
        found.then(|| SectionAt {
            address: long(&entry, 16),
            offset: long(&entry, 24),
            length: long(&entry, 32),
            is_compressed: long(&entry, 8) & SHF_COMPRESSED != 0,
            link: word(&entry, 40),
        })
    })
}

/// A stretch of the file, if it is there.
fn read(file: &File, offset: u64, length: u64) -> Option<Vec<u8>> {
    if offset.checked_add(length)? > file.metadata().ok()?.len() {
        return None;
    }
    let mut bytes = vec![0; length as usize];
    file.read_exact_at(&mut bytes, offset).ok()?;
    Some(bytes)
}

/// The build ID among notes: each a length of its name, of its content, a type, and both, padded to four bytes.
pub(crate) fn build_id(mut notes: &[u8]) -> Option<&[u8]> {
    while notes.len() >= 12 {
        let (name, content) = (word(notes, 0) as usize, word(notes, 4) as usize);
        let begin = 12_usize.checked_add(name.checked_next_multiple_of(4)?)?;
        let end = begin.checked_add(content)?;
        if word(notes, 8) == NT_GNU_BUILD_ID && notes.get(12..)?.starts_with(b"GNU\0") {
            return notes.get(begin..end);
        }
        notes = notes.get(end.checked_next_multiple_of(4)?..)?;
    }
    None
}

fn half(bytes: &[u8], at: usize) -> u16 {
    u16::from_ne_bytes(number(bytes, at))
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes(number(bytes, at))
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from_ne_bytes(number(bytes, at))
}

/// The bytes at that place; zeros beyond the end.
fn number<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes.get(at..at + N).and_then(|bytes| bytes.try_into().ok()).unwrap_or([0; N])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_program_s_own_code_is_found_where_the_loader_put_it() {
        let file = File::open("/proc/self/exe").expect("a program can read itself");
        let elf = ElfFile::read(&file).expect("it is an ELF file");
        // The first byte of the file is at the lowest address.
        let lowest = elf.segments.iter().map(|segment| segment.address).min();
        assert_eq!(elf.address_of(0), lowest);
        let end = file.metadata().expect("it is open").len();
        assert_eq!(elf.address_of(end + (1 << 40)), None);
    }

    #[test]
    fn a_section_is_found_by_its_whole_name() {
        let file = File::open("/proc/self/exe").expect("a program can read itself");
        let (address, bytes) = section(&file, ".text").expect("a program has code");
        let function = a_section_is_found_by_its_whole_name as fn() as usize;
        let first = (function..function + 8).map(|at| at as *const u8);
        // SAFETY: every function has more than eight bytes of code with what follows it.
        let first: Vec<u8> = first.map(|at| unsafe { at.read() }).collect();
        assert!(address > 0 && bytes.windows(8).any(|window| window == first));
        assert_eq!(section(&file, ".tex"), None);
        assert_eq!(section(&File::open("/proc/self/comm").expect("it is there"), ".text"), None);
    }

    #[test]
    fn notes_that_lie_about_their_length_have_no_build_id() {
        let note = |name: u32, content: u32| {
            let mut note = Vec::new();
            [name, content, NT_GNU_BUILD_ID].iter().for_each(|word| note.extend(word.to_ne_bytes()));
            note.extend(b"GNU\0\x12\x34");
            note
        };
        assert_eq!(build_id(&note(4, 2)), Some(&[0x12, 0x34][..]));
        assert_eq!(build_id(&note(4, 3)), None);
        assert_eq!(build_id(&note(u32::MAX, u32::MAX)), None);
        assert_eq!(build_id(&[]), None);
    }

    #[test]
    fn a_file_that_is_no_elf_file_is_an_error() {
        assert!(ElfFile::read(&File::open("/proc/self/comm").expect("it is there")).is_err());
    }
}
