//! The files that the dynamic loader has mapped. Asks it with its lock held, so it must never be called in a handler.

use std::ffi::{CStr, OsStr, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::Mapping;

/// A section's bytes, copied, since its library may be unloaded at any time, and the address where they lay.
pub(crate) struct Section {
    pub(crate) address: usize,
    pub(crate) bytes: Vec<u8>,
}

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

/// All loaded files, each with its `.eh_frame`.
pub(crate) fn objects() -> Vec<(Object, Option<Section>)> {
    let mut objects = Vec::new();
    visit(&mut |info| {
        objects.push(object(info));
        true
    });
    objects
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

fn object(info: &libc::dl_phdr_info) -> (Object, Option<Section>) {
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
    let build_id = notes.filter_map(crate::elf_file::build_id).next().unwrap_or_default().to_vec();
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
    let code = code.collect();
    let eh_frame = of_kind(libc::PT_GNU_EH_FRAME).find_map(|header| eh_frame(headers, base, header));
    (Object { base, code }, eh_frame)
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
    Some(Section { address: base.wrapping_add(address as usize), bytes: bytes.to_vec() })
}
