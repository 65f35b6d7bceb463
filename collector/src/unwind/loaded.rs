//! The files that the dynamic loader has mapped. Asks it with its lock held, so it must never be called in a handler.

use std::ffi::{CStr, OsStr, c_int, c_void};
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::Mapping;
use super::cfi::{Kind, Section};
use crate::elf_file::{self, ElfFile};

/// A loaded file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Object {
    /// What its own addresses are counted from.
    pub(crate) base: usize,
    /// Its code, as mapped.
    pub(crate) code: Vec<Mapping>,
}

/// `DW_EH_PE_pcrel | DW_EH_PE_sdata4`: how every linker writes the one pointer of `.eh_frame_hdr` that is needed here.
const PCREL_SDATA4: u8 = 0x1b;

/// How many files were ever loaded, and unloaded.
pub(crate) fn changes() -> (u64, u64) {
    let mut changes = (0, 0);
    // The figures come with every object; the first is enough.
    visit(&mut |info| {
        changes = (info.dlpi_adds, info.dlpi_subs);
        false
    });
    changes
}

/// All loaded files, each with its call frame information unless it is known already.
pub(crate) fn objects(is_known: impl Fn(&Object) -> bool) -> Vec<(Object, Option<Section>)> {
    let mut objects = Vec::new();
    visit(&mut |info| {
        objects.push(object(info, &is_known));
        true
    });
    // What is not loaded is read once the loader's lock is given back.
    for (object, section) in &mut objects {
        if section.is_none() && !is_known(object) {
            *section = in_file(object);
        }
    }
    objects
}

/// The call frame information that the file has and the loader has not shown: `.eh_frame` in a program linked without a table
/// for it, or what debuggers read.
fn in_file(object: &Object) -> Option<Section> {
    let mapped = object.code.first()?;
    let file = File::open(&mapped.path).ok()?;
    if ElfFile::read(&file).ok()?.build_id != mapped.build_id {
        return None;
    }
    let section = |kind, name| {
        let (address, bytes) = elf_file::section(&file, name)?;
        Some(Section { kind, address: object.base.wrapping_add(address as usize), bytes })
    };
    section(Kind::EhFrame, ".eh_frame").or_else(|| section(Kind::DebugFrame, ".debug_frame"))
}

type Visitor<'a> = dyn FnMut(&libc::dl_phdr_info) -> bool + 'a;

/// Calls `visitor` for each object until it says no.
fn visit(mut visitor: &mut Visitor<'_>) {
    unsafe extern "C" fn callback(info: *mut libc::dl_phdr_info, _size: usize, visitor: *mut c_void) -> c_int {
        // SAFETY: the loader passes an object that stays as it is while its lock is held, which is during this call.
        let info = unsafe { &*info };
        // SAFETY: this is the pointer that `visit` passes below, to a visitor that it has alone.
        let visitor = unsafe { &mut *visitor.cast::<&mut Visitor<'_>>() };
        c_int::from(!visitor(info))
    }
    // SAFETY: the callback gets the pointer that it expects, which lives until the call returns; it does not unwind but by an
    // abort, being `extern "C"`.
    unsafe { libc::dl_iterate_phdr(Some(callback), (&raw mut visitor).cast()) };
}

fn object(info: &libc::dl_phdr_info, is_known: &impl Fn(&Object) -> bool) -> (Object, Option<Section>) {
    let base = info.dlpi_addr as usize;
    let headers: &[libc::Elf64_Phdr] = if info.dlpi_phdr.is_null() {
        &[]
    } else {
        // SAFETY: the loader says that so many headers are there, and keeps them mapped while its lock is held.
        unsafe { std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) }
    };
    let of_kind = |kind: u32| headers.iter().filter(move |header| header.p_type == kind);
    let path = path(info);
    let notes = of_kind(libc::PT_NOTE).filter_map(|header| memory(headers, base, header.p_vaddr, header.p_memsz));
    let build_id = notes.filter_map(elf_file::build_id).next().unwrap_or_default().to_vec();
    let executable = of_kind(libc::PT_LOAD).filter(|header| header.p_flags & libc::PF_X != 0);
    let code = executable.map(|header| {
        let page = 4096;
        let before = header.p_vaddr % page;
        let start = (base as u64).wrapping_add(header.p_vaddr - before);
        Mapping {
            start,
            limit: start + (before + header.p_memsz).next_multiple_of(page),
            file_offset: header.p_offset.saturating_sub(before),
            path: path.clone(),
            build_id: build_id.clone(),
        }
    });
    let object = Object { base, code: code.collect() };
    let mut tables = of_kind(libc::PT_GNU_EH_FRAME).filter(|_| !is_known(&object));
    let section = tables.find_map(|header| eh_frame(headers, base, header));
    (object, section)
}

fn path(info: &libc::dl_phdr_info) -> PathBuf {
    let name = if info.dlpi_name.is_null() {
        c""
    } else {
        // SAFETY: the loader keeps the name while its lock is held.
        unsafe { CStr::from_ptr(info.dlpi_name) }
    };
    match name.to_bytes() {
        b"" => std::fs::read_link("/proc/self/exe").unwrap_or_default(),
        name if name.starts_with(b"linux-vdso") || name.starts_with(b"linux-gate") => PathBuf::from("[vdso]"),
        name => PathBuf::from(OsStr::from_bytes(name)),
    }
}

/// The bytes at an address of the file's own numbering, if they lie in what is loaded of it and can be read.
fn memory(headers: &[libc::Elf64_Phdr], base: usize, address: u64, length: u64) -> Option<&[u8]> {
    let end = address.checked_add(length)?;
    let loaded = headers.iter().filter(|header| header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_R != 0);
    let holds = |header: &&libc::Elf64_Phdr| header.p_vaddr <= address && end <= header.p_vaddr + header.p_filesz;
    loaded.into_iter().find(holds)?;
    let start = base.wrapping_add(address as usize) as *const u8;
    // SAFETY: the range lies in a segment that the loader has mapped for reading, and keeps while its lock is held.
    Some(unsafe { std::slice::from_raw_parts(start, length as usize) })
}

/// The section that `.eh_frame_hdr` points to: from there to the end of its segment; it says itself where it ends.
fn eh_frame(headers: &[libc::Elf64_Phdr], base: usize, header: &libc::Elf64_Phdr) -> Option<Section> {
    let start = memory(headers, base, header.p_vaddr, 8)?;
    if start.first() != Some(&1) || start.get(1) != Some(&PCREL_SDATA4) {
        return None;
    }
    let relative = i32::from_ne_bytes(start.get(4..8)?.try_into().ok()?);
    let address = (header.p_vaddr + 4).checked_add_signed(i64::from(relative))?;
    let segment = headers.iter().find(|header| {
        header.p_type == libc::PT_LOAD && (header.p_vaddr..header.p_vaddr + header.p_filesz).contains(&address)
    })?;
    let bytes = memory(headers, base, address, segment.p_vaddr + segment.p_filesz - address)?;
    Some(Section { kind: Kind::EhFrame, address: base.wrapping_add(address as usize), bytes: bytes.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_loader_shows_is_what_the_file_holds() {
        let objects = objects(|_| false);
        let (program, shown) = objects.first().expect("the program itself is loaded");
        let shown = shown.as_ref().expect("cargo links programs with a table");
        let held = in_file(program).expect("the file is there and has the section");
        assert_eq!((held.kind, held.address), (Kind::EhFrame, shown.address));
        assert!(shown.bytes.starts_with(&held.bytes));
    }

    #[test]
    fn what_is_known_is_not_copied() {
        assert!(objects(|_| true).iter().all(|(_, section)| section.is_none()));
    }
}
