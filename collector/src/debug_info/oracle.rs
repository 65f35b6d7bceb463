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

/// A library in C, with calls that are inlined, and the folder that it lies in.
fn library(flags: &[&str]) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().expect("there is room");
    let (source, library) = (folder.path().join("code.c"), folder.path().join("code.so"));
    let code = "
        struct pair { int a; char *b; };
        static inline __attribute__((always_inline)) int inner(struct pair *of, int n) { return of[n].a * of[n + 1].a; }
        static inline __attribute__((always_inline)) int middle(struct pair *of) { return inner(of, 3) + inner(of, 7); }
        int first(struct pair *of) { return middle(of) + 1; }
        int second(struct pair *of, int n) { for (int i = 0; i < n; i++) of[i].a += middle(of + i); return of->a; }
        int main_of_all(int n) { struct pair of[50] = { 0 }; return first(of) + second(of, n); }
    ";
    std::fs::write(&source, code).expect("there is room");
    let mut compiler = std::process::Command::new("cc");
    compiler.args(["-O2", "-shared", "-fPIC", "-nostdlib", "-o"]).arg(&library).arg(&source).args(flags);
    // Rust needs a C compiler to link, so there is one.
    assert!(compiler.status().expect("cc can be started").success());
    (folder, library)
}

#[test]
fn every_version_of_the_format_reads_the_same_as_with_addr2line() {
    for version in ["-gdwarf-2", "-gdwarf-3", "-gdwarf-4", "-gdwarf-5"] {
        let (_folder, library) = library(&[version]);
        assert!(compare(&library) > 0, "{version}");
    }
}

#[test]
fn compressed_sections_read_the_same() {
    let (_plain_folder, plain) = library(&["-g"]);
    let (_folder, packed) = library(&["-g", "-gz=zlib"]);
    let open = |path| DebugInfo::open(&File::open(path).expect("it was built")).expect("it can be read");
    let (mut plain, mut packed) = (open(&plain), open(&packed));
    let named = (0..1 << 14).filter(|&address| !plain.frames(address).is_empty()).count();
    assert!(named > 100, "{named} bytes of code");
    // The folders' names differ.
    let names = |frames: Vec<Frame>| frames.into_iter().map(|frame| (frame.name, frame.line)).collect::<Vec<_>>();
    assert!((0..1 << 14).all(|address| names(plain.frames(address)) == names(packed.frames(address))));
}

#[test]
fn bytes_changed_at_random_are_read_or_left_out() {
    let (folder, library) = library(&["-g"]);
    let whole = std::fs::read(&library).expect("it was built");
    let file = File::open(&library).expect("it was built");
    let sections = [".debug_info", ".debug_abbrev", ".debug_line", ".debug_aranges", ".debug_rnglists", ".symtab"];
    let sections = sections.map(|wanted| elf_file::find_section(&file, |_, name| name == wanted.as_bytes()));
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: u64| {
        // Xorshift (Marsaglia, 2003): the same at every run.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let (mut named, mut unnamed) = (0, 0);
    for round in 0..300 {
        let mut bytes = whole.clone();
        for _ in 0..=random(8) {
            let at = sections[random(6) as usize].expect("a library has all of them");
            bytes[(at.offset + random(at.length)) as usize] = random(256) as u8;
        }
        let changed = folder.path().join(round.to_string());
        std::fs::write(&changed, bytes).expect("there is room");
        let mut info = DebugInfo::open(&File::open(&changed).expect("it was written")).expect("it is an ELF file");
        for address in (0..1 << 14).step_by(7) {
            info.symbol(address);
            match info.frames(address)[..] {
                [] => unnamed += 1,
                _ => named += 1,
            }
        }
    }
    assert!(named > 1000 && unnamed > 1000, "{named} {unnamed}: both ways have been tried");
}
