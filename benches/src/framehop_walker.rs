//! framehop by itself: a handler that walks the stack as its documentation shows, without allocating, and keeps nothing. What
//! the best general unwinder costs in a handler.

use std::cell::UnsafeCell;
use std::ffi::{CStr, c_int, c_void};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};
use std::time::Duration;

use framehop::x86_64::{CacheX86_64, UnwindRegsX86_64, UnwinderX86_64};
use framehop::{ExplicitModuleSectionInfo, Module, MustNotAllocateDuringUnwind, Unwinder};
use object::{Object, ObjectSection};

type Cache = CacheX86_64<MustNotAllocateDuringUnwind>;

struct Walker {
    unwinder: UnwinderX86_64<Vec<u8>, MustNotAllocateDuringUnwind>,
    /// One for each handler that runs at the time.
    caches: Vec<(AtomicBool, UnsafeCell<Cache>)>,
    walks: AtomicU64,
}

static WALKER: AtomicPtr<Walker> = AtomicPtr::new(std::ptr::null_mut());

/// Samples at that interval of the process's CPU time; what it gives says how many walks there were.
///
/// # Panics
/// When a loaded file can't be read.
pub(crate) fn start(interval: Duration) -> impl FnOnce() -> u64 {
    let caches = (0..16).map(|_| (AtomicBool::new(false), UnsafeCell::new(Cache::new_in()))).collect();
    // Leaked: a signal may come late.
    let walker = Box::leak(Box::new(Walker { unwinder: unwinder(), caches, walks: AtomicU64::new(0) }));
    WALKER.store(walker, Ordering::SeqCst);
    // SAFETY: all zeroes is a valid sigaction.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
    action.sa_sigaction = walk as *const () as usize;
    // SAFETY: `walk` has the signature of a SA_SIGINFO handler, allocates nothing and takes no lock.
    unsafe { libc::sigaction(libc::SIGPROF, &action, std::ptr::null_mut()) };
    set_timer(interval);
    || {
        set_timer(Duration::ZERO);
        // SAFETY: it was leaked above.
        unsafe { &*WALKER.load(Ordering::SeqCst) }.walks.load(Ordering::SeqCst)
    }
}

fn set_timer(interval: Duration) {
    let period = libc::timeval { tv_sec: 0, tv_usec: interval.as_micros() as libc::suseconds_t };
    let timer = libc::itimerval { it_interval: period, it_value: period };
    // SAFETY: `timer` is a whole itimerval, and SIGPROF has a handler.
    unsafe { libc::setitimer(libc::ITIMER_PROF, &timer, std::ptr::null_mut()) };
}

extern "C" fn walk(_: c_int, _: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: it was stored before this handler was installed, and is never freed.
    let walker = unsafe { &*WALKER.load(Ordering::SeqCst) };
    // SAFETY: the kernel passes the interrupted thread's ucontext.
    let context = unsafe { &*context.cast::<libc::ucontext_t>() };
    let free = walker.caches.iter().find(|(taken, _)| !taken.swap(true, Ordering::Acquire));
    let Some((taken, cache)) = free else { return };
    // SAFETY: `taken` was false and is ours until it is false again.
    let cache = unsafe { &mut *cache.get() };
    let register = |at: c_int| context.uc_mcontext.gregs[at as usize] as u64;
    let registers = UnwindRegsX86_64::new(register(libc::REG_RIP), register(libc::REG_RSP), register(libc::REG_RBP));
    let mut read = |address: u64| {
        // SAFETY: framehop reads the stack of a live thread upwards from its stack pointer, by rules that fit it.
        Ok(unsafe { std::ptr::read_volatile(address as *const u64) })
    };
    let mut frames = walker.unwinder.iter_frames(register(libc::REG_RIP), registers, cache, &mut read);
    while let Ok(Some(frame)) = frames.next() {
        black_box(frame.address_for_lookup());
    }
    walker.walks.fetch_add(1, Ordering::Relaxed);
    taken.store(false, Ordering::Release);
}

/// Knows every loaded file.
fn unwinder() -> UnwinderX86_64<Vec<u8>, MustNotAllocateDuringUnwind> {
    unsafe extern "C" fn note(info: *mut libc::dl_phdr_info, _: usize, files: *mut c_void) -> c_int {
        // SAFETY: the loader passes an object that stays as it is during this call.
        let info = unsafe { &*info };
        // SAFETY: the list that is passed below.
        let files = unsafe { &mut *files.cast::<Vec<(String, u64)>>() };
        // SAFETY: the loader keeps the name during this call.
        let name = unsafe { CStr::from_ptr(info.dlpi_name) };
        files.push((name.to_string_lossy().into_owned(), info.dlpi_addr));
        0
    }
    let mut files: Vec<(String, u64)> = Vec::new();
    // SAFETY: the callback gets the list that it expects, which lives until the call returns.
    unsafe { libc::dl_iterate_phdr(Some(note), (&raw mut files).cast()) };
    let mut unwinder = UnwinderX86_64::new();
    for (path, base) in files {
        let path = if path.is_empty() { "/proc/self/exe".to_owned() } else { path };
        // The vDSO has no file.
        let Ok(bytes) = std::fs::read(&path) else { continue };
        let file = object::File::parse(&*bytes).expect("what is loaded is an object file");
        let range = |name: &str| file.section_by_name(name).map(|it| it.address()..it.address() + it.size());
        let data = |name: &str| file.section_by_name(name).and_then(|it| Some(it.data().ok()?.to_vec()));
        let info = ExplicitModuleSectionInfo {
            text_svma: range(".text"),
            text: data(".text"),
            eh_frame_svma: range(".eh_frame"),
            eh_frame: data(".eh_frame"),
            eh_frame_hdr_svma: range(".eh_frame_hdr"),
            eh_frame_hdr: data(".eh_frame_hdr"),
            got_svma: range(".got"),
            ..ExplicitModuleSectionInfo::default()
        };
        let sections = file.sections().map(|section| section.address() + section.size());
        let end = base + sections.max().unwrap_or(0);
        unwinder.add_module(Module::new(path, base..end, base, info));
    }
    unwinder
}
