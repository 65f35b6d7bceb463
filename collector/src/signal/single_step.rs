//! Walks the stack at every single instruction of a thread, and holds what comes out against a record of its calls and returns.
//! Tests only.

use std::cell::UnsafeCell;
use std::collections::BTreeMap;
use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicPtr, Ordering};

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, raise, sigaction};

use super::memory::StackBounds;
use super::syscall::control_block;
use super::walk::{End, walk};
use crate::unwind::Tables;

const DEPTH: usize = 512;

/// What an instruction does to the stack of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Call,
    Return,
    /// Jumps between functions are none of it: the callee returns to the same place.
    Other,
}

struct Steps {
    tables: Tables,
    /// The handler's alone: one thread is stepped through.
    state: UnsafeCell<State>,
}

struct State {
    /// The frames as calls and returns have made them.
    frames: [u64; DEPTH],
    depth: usize,
    walked: [u64; DEPTH],
    /// What the instruction at the top does.
    next: Kind,
    count: u64,
    wrong: u64,
    /// Where the first walk was that came out wrong, and what it found and should have.
    first_wrong: Option<(u64, [u64; 4], [u64; 4])>,
}

static STEPS: AtomicPtr<Steps> = AtomicPtr::new(std::ptr::null_mut());

extern "C" fn stepped(_: c_int, _: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the test leaves it in place for as long as signals can come.
    let steps = unsafe { &*STEPS.load(Ordering::Acquire) };
    // SAFETY: the kernel passes the interrupted thread's ucontext.
    let context = unsafe { &*context.cast::<libc::ucontext_t>() };
    // SAFETY: only the one thread that is stepped through gets here.
    let state = unsafe { &mut *steps.state.get() };
    let register = |at: c_int| context.uc_mcontext.gregs[at as usize] as usize;
    let (pc, sp) = (register(libc::REG_RIP), register(libc::REG_RSP));
    state.count += 1;
    // Both ways to read a stack in turn: inside bounds that are known, and page by page.
    let high = if state.count.is_multiple_of(2) { control_block() } else { 0 };
    let bounds = StackBounds { low: if high == 0 { 0 } else { 4096 }, high };
    let walked = walk(context, bounds, &steps.tables, false, &mut state.walked);
    let mut depth = state.depth;
    if depth == 0 {
        // Where it begins: what the walk finds here is what all others are held against.
        state.frames = state.walked;
        depth = walked.len;
    }
    match state.next {
        Kind::Call => {
            // SAFETY: a call has just written the return address there.
            let return_address = unsafe { std::ptr::read_volatile(sp as *const u64) };
            state.frames.copy_within(0..depth, 1);
            state.frames[1] = return_address - 1;
            depth += 1;
        }
        Kind::Return => {
            state.frames.copy_within(1..depth, 0);
            depth -= 1;
        }
        Kind::Other => {}
    }
    state.frames[0] = pc as u64;
    state.depth = depth;
    let (ours, recorded) = (&state.walked[..walked.len], &state.frames[..depth]);
    if ours != recorded || walked.end != End::Root {
        state.wrong += 1;
        if state.first_wrong.is_none() {
            let at = ours.iter().zip(recorded).position(|(ours, recorded)| ours != recorded).unwrap_or(0);
            let near = |frames: &[u64; DEPTH]| [frames[at], frames[at + 1], frames[at + 2], frames[at + 3]];
            state.first_wrong = Some((pc as u64, near(&state.walked), near(&state.frames)));
        }
    }
    // SAFETY: the thread is about to execute what is there; no page of code is followed by one that can't be read within the
    // program's and the libraries' mappings.
    state.next = kind_of(&unsafe { std::ptr::read_volatile(pc as *const [u8; 8]) });
}

/// Which kind an instruction is (Intel's manual, volume 2, appendix A). Behind a system call there is no trap before the next
/// instruction is done, too.
fn kind_of(code: &[u8]) -> Kind {
    let is_prefix = |byte: &u8| matches!(byte, 0x26 | 0x2e | 0x36 | 0x3e | 0x40..=0x4f | 0x64..=0x67 | 0xf2 | 0xf3);
    match &code[code.iter().take_while(|byte| is_prefix(byte)).count()..] {
        [0x0f, 0x05, after @ ..] => kind_of(after),
        [0xe8, ..] => Kind::Call,
        [0xff, operand, ..] if operand >> 3 & 7 == 2 => Kind::Call,
        [0xc2 | 0xc3, ..] => Kind::Return,
        _ => Kind::Other,
    }
}

std::arch::global_asm!(
    ".globl plop_test_begin_steps",
    "plop_test_begin_steps:",
    ".cfi_startproc",
    "pushfq",
    ".cfi_adjust_cfa_offset 8",
    "or qword ptr [rsp], 0x100",
    "popfq",
    ".cfi_adjust_cfa_offset -8",
    "ret",
    ".cfi_endproc",
    ".globl plop_test_end_steps",
    "plop_test_end_steps:",
    ".cfi_startproc",
    "pushfq",
    ".cfi_adjust_cfa_offset 8",
    "and qword ptr [rsp], -0x101",
    "popfq",
    ".cfi_adjust_cfa_offset -8",
    "ret",
    ".cfi_endproc",
);

unsafe extern "C" {
    /// Has the processor trap after each instruction.
    fn plop_test_begin_steps();
    fn plop_test_end_steps();
}

extern "C" fn backwards(one: *const c_void, other: *const c_void) -> c_int {
    // SAFETY: qsort passes pointers to elements.
    let one = unsafe { *one.cast::<u32>() };
    // SAFETY: as above.
    let other = unsafe { *other.cast::<u32>() };
    other.cmp(&one) as c_int
}

/// Code in C that is bound lazily and makes room on its stack as it goes.
fn lazy_library() -> LazyFunction {
    let folder = tempfile::tempdir().expect("there is room");
    let (source, library) = (folder.path().join("code.c"), folder.path().join("code.so"));
    let code = "
        long strtol(const char *, char **, int);
        static int sum(volatile char *of, int n) { int sum = 0; for (int i = 0; i < n; i++) sum += of[i]; return sum; }
        int lazy(const char *text) {
            int n = strtol(text, 0, 10);
            volatile char *room = __builtin_alloca(n);
            for (int i = 0; i < n; i++) room[i] = strtol(text + i % 2, 0, 10) % 100;
            return sum(room, n);
        }
    ";
    std::fs::write(&source, code).expect("there is room");
    let mut compiler = std::process::Command::new("cc");
    compiler.args(["-O1", "-fno-builtin", "-shared", "-fPIC", "-fplt", "-Wl,-z,lazy", "-o"]).arg(&library).arg(&source);
    // Rust needs a C compiler to link, so there is one.
    assert!(compiler.status().expect("cc can be started").success());
    let path = std::ffi::CString::new(library.to_str().expect("a plain path")).expect("a plain path");
    // SAFETY: the library has no constructors.
    let library = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_LAZY) };
    assert!(!library.is_null());
    // SAFETY: the handle is open, and stays so.
    let function = unsafe { libc::dlsym(library, c"lazy".as_ptr()) };
    assert!(!function.is_null());
    // SAFETY: that is its type.
    unsafe { std::mem::transmute::<*mut c_void, LazyFunction>(function) }
}

type LazyFunction = extern "C" fn(*const std::ffi::c_char) -> c_int;

static LAZY: std::sync::OnceLock<LazyFunction> = std::sync::OnceLock::new();

/// Leaves, recursion, arrays on the stack, the allocator, formatting, callbacks from C, the loader and its binding of a
/// function at its first call, system calls and the vDSO.
#[inline(never)]
fn work_of_many_kinds() {
    #[inline(never)]
    fn deep(left: u32) -> usize {
        let large = std::hint::black_box([left as u8; 5000]);
        if left == 0 { usize::from(large[17]) } else { deep(left - 1) + usize::from(large[4999]) }
    }
    let lazy = LAZY.get().expect("the test has loaded it");
    // SAFETY: it sets a flag that has SIGTRAP sent, which is handled.
    unsafe { plop_test_begin_steps() };
    std::hint::black_box(deep(3));
    std::hint::black_box(lazy(c"42".as_ptr()));
    let texts: BTreeMap<u32, String> = (0..12_u32).map(|n| (n.wrapping_mul(0x9e37_79b9), format!("{n:>3}"))).collect();
    std::hint::black_box(texts);
    let mut numbers: [u32; 24] = std::array::from_fn(|n| (n as u32).wrapping_mul(0x9e37_79b9) >> 8);
    // SAFETY: the elements are as many and as large as is said.
    unsafe { libc::qsort(numbers.as_mut_ptr().cast(), numbers.len(), 4, Some(backwards)) };
    numbers.sort_unstable();
    let mut text = [0_u8; 64];
    // SAFETY: there is room for 64 bytes, and the format takes a double.
    unsafe { libc::snprintf(text.as_mut_ptr().cast(), text.len(), c"%.3f %a".as_ptr(), 1.0 / 3.0, 2.5e-10) };
    std::hint::black_box((numbers, text));
    // SAFETY: it takes any name.
    std::hint::black_box(unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"strtod".as_ptr()) });
    std::hint::black_box((std::time::Instant::now(), std::time::SystemTime::now()));
    std::hint::black_box(std::fs::metadata("/").is_ok());
    // SAFETY: it clears the flag.
    unsafe { plop_test_end_steps() };
}

extern "C" fn own_handler(_: c_int) {
    work_of_many_kinds();
}

/// Steps through `run`; how many instructions there were, and what went wrong.
fn step_through(run: impl FnOnce()) -> (u64, u64) {
    let steps = Box::leak(Box::new(Steps {
        tables: Tables::build(None).expect("the first time there is always something"),
        state: UnsafeCell::new(State {
            frames: [0; DEPTH],
            depth: 0,
            walked: [0; DEPTH],
            next: Kind::Other,
            count: 0,
            wrong: 0,
            first_wrong: None,
        }),
    }));
    STEPS.store(steps, Ordering::Release);
    let action = SigAction::new(SigHandler::SigAction(stepped), SaFlags::SA_SIGINFO, SigSet::empty());
    // SAFETY: the handler allocates nothing and takes no lock.
    let before = unsafe { sigaction(Signal::SIGTRAP, &action) }.expect("a valid action");
    run();
    // SAFETY: nothing is stepped through any more.
    unsafe { sigaction(Signal::SIGTRAP, &before) }.expect("a valid action");
    // SAFETY: it is leaked above.
    let steps = unsafe { &*STEPS.load(Ordering::Acquire) };
    // SAFETY: the handler runs no more.
    let state = unsafe { &*steps.state.get() };
    if let Some((pc, ours, recorded)) = &state.first_wrong {
        println!("{} of {}: at {pc:#x} {ours:x?} instead of {recorded:x?}", state.wrong, state.count);
    }
    (state.count, state.wrong)
}

#[test]
fn the_stack_is_whole_at_every_instruction() {
    LAZY.get_or_init(lazy_library);
    let (count, wrong) = step_through(work_of_many_kinds);
    println!("{count} instructions");
    assert!(count > 20_000, "{count}");
    assert_eq!(wrong, 0, "of {count}");

    // The same inside a handler of the program's own: all goes on through its frame to the thread's start.
    let action = SigAction::new(SigHandler::Handler(own_handler), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler is called by `raise` only, where nothing is half done.
    let before = unsafe { sigaction(Signal::SIGWINCH, &action) }.expect("a valid action");
    let (count, wrong) = step_through(|| raise(Signal::SIGWINCH).expect("a valid signal"));
    // SAFETY: what was there before.
    unsafe { sigaction(Signal::SIGWINCH, &before) }.expect("a valid action");
    assert!(count > 20_000, "{count}");
    assert_eq!(wrong, 0, "of {count}");
}
