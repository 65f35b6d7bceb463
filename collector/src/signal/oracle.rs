//! Holds our walk against framehop's, frame by frame, on real interruptions of a busy thread. Tests only.

use std::cell::UnsafeCell;
use std::collections::BTreeMap;
use std::ffi::{c_int, c_void};
use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};

use framehop::x86_64::{CacheX86_64, UnwindRegsX86_64, UnwinderX86_64};
use framehop::{ExplicitModuleSectionInfo, Module, MustNotAllocateDuringUnwind, Unwinder};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

use super::memory::StackBounds;
use super::syscall::control_block;
use super::walk::{End, walk};
use crate::unwind::{Tables, loaded};

const DEPTH: usize = 512;

/// What the handler uses and counts.
struct Oracle {
    tables: Tables,
    unwinder: UnwinderX86_64<Vec<u8>, MustNotAllocateDuringUnwind>,
    /// The handler's alone: one thread is interrupted.
    work: UnsafeCell<Work>,
    same: AtomicU32,
    ours_goes_on: AtomicU32,
    different: AtomicU32,
    reached_the_root: AtomicU32,
}

struct Work {
    cache: CacheX86_64<MustNotAllocateDuringUnwind>,
    ours: [u64; DEPTH],
    theirs: [u64; DEPTH],
    turns: u32,
    /// The first pair that differed: ours, theirs, and where.
    difference: Option<([u64; DEPTH], [u64; DEPTH], usize)>,
}

static ORACLE: AtomicPtr<Oracle> = AtomicPtr::new(std::ptr::null_mut());

extern "C" fn compare(_: c_int, _: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the test leaves it in place for as long as signals can come.
    let oracle = unsafe { &*ORACLE.load(Ordering::Acquire) };
    // SAFETY: the kernel passes the interrupted thread's ucontext.
    let context = unsafe { &*context.cast::<libc::ucontext_t>() };
    // SAFETY: only the one interrupted thread gets here, and the signal is blocked meanwhile.
    let work = unsafe { &mut *oracle.work.get() };
    // Both ways to read a stack are tried in turn: inside bounds that are known, and page by page.
    work.turns = work.turns.wrapping_add(1);
    let bounds = match work.turns % 2 {
        0 => StackBounds { low: 0, high: 0 },
        _ => StackBounds { low: 4096, high: control_block() },
    };
    let ours = walk(context, bounds, &oracle.tables, true, &mut work.ours);
    let register = |at: c_int| context.uc_mcontext.gregs[at as usize] as u64;
    let registers = UnwindRegsX86_64::new(register(libc::REG_RIP), register(libc::REG_RSP), register(libc::REG_RBP));
    let mut read = |address: u64| {
        // SAFETY: framehop reads the stack of a live thread upwards from its stack pointer, by rules that fit it.
        Ok(unsafe { std::ptr::read_volatile(address as *const u64) })
    };
    let mut frames = oracle.unwinder.iter_frames(register(libc::REG_RIP), registers, &mut work.cache, &mut read);
    let mut count = 0;
    while count < DEPTH
        && let Ok(Some(frame)) = frames.next()
    {
        work.theirs[count] = frame.address_for_lookup();
        count += 1;
    }
    if ours.end == End::Root {
        oracle.reached_the_root.fetch_add(1, Ordering::Relaxed);
    }
    let (ours, theirs) = (&work.ours[..ours.len], &work.theirs[..count]);
    let counter = if ours == theirs {
        &oracle.same
    } else if ours.starts_with(theirs) {
        &oracle.ours_goes_on
    } else {
        if work.difference.is_none() {
            let at = ours.iter().zip(theirs).position(|(ours, theirs)| ours != theirs).unwrap_or(ours.len());
            work.difference = Some((work.ours, work.theirs, at));
        }
        &oracle.different
    };
    counter.fetch_add(1, Ordering::Relaxed);
}

fn oracle() -> Oracle {
    let mut unwinder = UnwinderX86_64::new();
    for (object, eh_frame) in loaded::objects(|_| false) {
        let (Some(first), Some(last)) = (object.code.first(), object.code.last()) else { continue };
        let Some(section) = eh_frame else { continue };
        let start = (section.address - object.base) as u64;
        let info = ExplicitModuleSectionInfo {
            eh_frame_svma: Some(start..start + section.bytes.len() as u64),
            eh_frame: Some(section.bytes),
            ..ExplicitModuleSectionInfo::default()
        };
        let name = first.path.to_string_lossy().into_owned();
        unwinder.add_module(Module::new(name, first.start..last.limit, object.base as u64, info));
    }
    let (ours, theirs) = ([0; DEPTH], [0; DEPTH]);
    Oracle {
        tables: Tables::build(None).expect("the first time there is always something"),
        unwinder,
        work: UnsafeCell::new(Work { cache: CacheX86_64::new_in(), ours, theirs, turns: 0, difference: None }),
        same: AtomicU32::new(0),
        ours_goes_on: AtomicU32::new(0),
        different: AtomicU32::new(0),
        reached_the_root: AtomicU32::new(0),
    }
}

/// Work of many kinds: deep and shallow, in the allocator, in formatting, in sorting, in system calls, and in sizeable crates
/// that others have written.
fn work_until(done: &AtomicBool) {
    fn deep(left: u32) -> usize {
        if left == 0 {
            return format!("{:?}", std::time::Instant::now()).len();
        }
        std::hint::black_box(deep(left - 1)) + 1
    }
    while !done.load(Ordering::Relaxed) {
        std::hint::black_box(deep(60));
        let mut map: BTreeMap<u64, String> = BTreeMap::new();
        (0..100_u64).for_each(|n| drop(map.insert(n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32, n.to_string())));
        let mut texts: Vec<&String> = map.values().collect();
        texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
        std::hint::black_box(texts.len());
        std::hint::black_box(std::fs::metadata("/proc/self").is_ok());
        others(&map);
    }
}

/// `regex`, `serde_json`, `flate2`, `tempfile` and this project's own `plop-profile`.
fn others(map: &BTreeMap<u64, String>) {
    let json = serde_json::to_string(map).expect("numbers and texts can be written");
    let read: serde_json::Value = serde_json::from_str(&json).expect("what was written can be read");
    let pattern = regex::Regex::new(r#""(\d+)":"(?P<even>\d*[02468])""#).expect("a valid pattern");
    let even = pattern.captures_iter(&json).filter_map(|found| found.name("even")).count();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(json.as_bytes()).expect("memory takes all");
    let packed = packed.finish().expect("memory takes all");
    let mut unpacked = String::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut unpacked).expect("what was packed can be unpacked");
    assert_eq!((even, unpacked == json, read.is_object()), (50, true, true));
    let mut profile = plop_profile::Profile::new([("samples", "count")]);
    let stack = map.values().fold(plop_profile::StackId::EMPTY, |caller, name| {
        let location = profile.named_location(name, "");
        profile.stacks.push(caller, location)
    });
    profile.samples.add(stack, plop_profile::LabelSetId::EMPTY, &[1]);
    let file = tempfile::NamedTempFile::new().expect("there is room");
    profile.save(file.path()).expect("there is room");
}

#[test]
fn our_walk_finds_the_same_frames_as_framehop_s() {
    const WANTED: u32 = 3000;
    // Leaked: a signal may still be on its way when the test ends.
    let oracle: &'static mut Oracle = Box::leak(Box::new(oracle()));
    ORACLE.store(oracle, Ordering::Release);
    // SAFETY: from here on it is only read, but for what the handler has alone.
    let oracle: &'static Oracle = unsafe { &*ORACLE.load(Ordering::Acquire) };
    let action =
        SigAction::new(SigHandler::SigAction(compare), SaFlags::SA_SIGINFO | SaFlags::SA_RESTART, SigSet::empty());
    // SAFETY: the handler allocates nothing and takes no lock.
    unsafe { sigaction(Signal::SIGUSR2, &action) }.expect("a valid action");
    let done = AtomicBool::new(false);
    let taken =
        || [&oracle.same, &oracle.ours_goes_on, &oracle.different].map(|counter| counter.load(Ordering::Relaxed));
    std::thread::scope(|scope| {
        let (tell, told) = std::sync::mpsc::channel();
        let done = &done;
        scope.spawn(move || {
            tell.send(super::syscall::thread_id()).expect("the test waits for it");
            work_until(done);
        });
        let tid = told.recv().expect("the worker tells it");
        let mut sent = 0;
        while taken().iter().sum::<u32>() < WANTED {
            // One at a time, at moments that depend on how long the last one took.
            if taken().iter().sum::<u32>() == sent {
                // SAFETY: tgkill takes numbers only.
                unsafe { libc::syscall(libc::SYS_tgkill, std::process::id(), tid, libc::SIGUSR2) };
                sent += 1;
            }
            std::thread::yield_now();
        }
        done.store(true, Ordering::Relaxed);
    });
    let [same, ours_goes_on, different] = taken();
    let root = oracle.reached_the_root.load(Ordering::Relaxed);
    println!("{same} the same, {ours_goes_on} where ours goes on, {different} different, {root} to the thread's start");
    // SAFETY: the worker is gone, so the handler runs no more.
    let work = unsafe { &*oracle.work.get() };
    if let Some((ours, theirs, at)) = &work.difference {
        let near = at.saturating_sub(2)..(at + 3).min(DEPTH);
        panic!("frame {at}: ours {:x?}, framehop's {:x?}", &ours[near.clone()], &theirs[near]);
    }
    assert!(root * 1000 >= WANTED * 999, "{root} of {WANTED} reached the thread's start");
}
