//! From the handler's first instruction no call leads to an allocator, to a panic or to libc: shown on the machine code of an
//! optimised build, in which checks that can't fail are gone. Run with `cargo test --release -p plop-collector --test calls`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// A function of the program: its name, where it goes, and how it goes to places that only the processor knows.
#[derive(Debug, Default)]
struct Function {
    name: String,
    /// Where calls and jumps lead to.
    targets: BTreeSet<u64>,
    /// Calls by way of a register or of memory.
    indirect: Vec<String>,
}

/// What is run only while a panic unwinds through a function. Nothing else in the zone could begin one.
const LANDING_PADS: [&str; 2] = ["_Unwind_Resume@plt", "core::panicking::panic_cannot_unwind"];

/// What `objdump` (of binutils, as is the linker) says of this program.
fn objdump(options: &[&str]) -> String {
    let program = std::env::current_exe().expect("a test knows its file");
    let output = Command::new("objdump").args(options).arg(program).output();
    let output = output.expect("objdump can be started: it comes with the linker");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The words that the loader fills in: where each is, and what it puts there, an address or a name.
fn relocations() -> BTreeMap<u64, String> {
    let text = objdump(&["--dynamic-reloc"]);
    let relocation = |line: &str| {
        let mut fields = line.split_ascii_whitespace();
        Some((u64::from_str_radix(fields.next()?, 16).ok()?, fields.nth(1)?.to_owned()))
    };
    text.lines().filter_map(relocation).collect()
}

/// All functions by where they begin.
fn functions() -> BTreeMap<u64, Function> {
    let relocations = relocations();
    let mut functions = BTreeMap::<u64, Function>::new();
    for line in objdump(&["--disassemble", "--demangle", "--no-show-raw-insn"]).lines() {
        // `0000000000401000 <name>:` begins a function, `  401004:\tcall   402000 <name>` is an instruction.
        if let Some((begin, name)) = line.strip_suffix(">:").and_then(|line| line.split_once(" <")) {
            let begin = u64::from_str_radix(begin, 16).expect("an address");
            functions.entry(begin).or_default().name = name.to_owned();
            continue;
        }
        let Some((_, instruction)) = line.split_once(":\t") else { continue };
        let Some(mut last) = functions.last_entry() else { continue };
        let (operation, operands) = instruction.split_once(' ').unwrap_or((instruction, ""));
        let is_call = operation.starts_with("call");
        if !is_call && !operation.starts_with('j') {
            continue;
        }
        let operands = operands.trim();
        let to = operands.split(' ').next().and_then(|to| u64::from_str_radix(to, 16).ok());
        // `*0x1234(%rip)        # 5678 <name>` goes where the word at 5678 says.
        let word = operands.split_once("# ").and_then(|(_, word)| word.split(' ').next());
        let word = word.and_then(|word| relocations.get(&u64::from_str_radix(word, 16).ok()?));
        let to = to.or_else(|| u64::from_str_radix(word?.strip_prefix("*ABS*+0x")?, 16).ok());
        match to {
            Some(to) => {
                last.get_mut().targets.insert(to);
            }
            // A jump by a register is one of a table of places in the function itself.
            None if is_call || operands.contains("(%rip)") => {
                last.get_mut().indirect.push(word.map_or(operands, String::as_str).to_owned());
            }
            None => {}
        }
    }
    functions
}

/// What can be reached from functions with such names, by the names of those on the way.
fn reached(functions: &BTreeMap<u64, Function>, from: impl Fn(&str) -> bool) -> BTreeMap<&str, &Function> {
    let mut next: Vec<u64> =
        functions.iter().filter(|(_, function)| from(&function.name)).map(|(begin, _)| *begin).collect();
    assert!(!next.is_empty(), "there is such a function");
    let mut seen = BTreeSet::new();
    let mut reached = BTreeMap::new();
    while let Some(to) = next.pop() {
        // A jump may lead into the midst of a function.
        let Some((begin, function)) = functions.range(..=to).next_back() else { continue };
        if seen.insert(*begin) && !LANDING_PADS.contains(&&*function.name) {
            reached.insert(&*function.name, function);
            next.extend(&function.targets);
        }
    }
    reached
}

#[test]
fn no_call_leads_out_of_the_signal_zone() {
    if cfg!(debug_assertions) || cfg!(not(target_arch = "x86_64")) {
        eprintln!("skipped: needs an optimised build for x86_64");
        return;
    }
    // Linked in, and so is all that a collector needs.
    let collector = plop_collector::start().expect("nothing else runs");
    drop(collector);
    let functions = functions();
    let zone = reached(&functions, |name| name == "plop_collector::signal::handler::on_signal");
    let ours = [
        "plop_collector::signal::",
        "plop_collector::unwind::",
        "<plop_collector::signal::",
        "<plop_collector::unwind::",
    ];
    let is_ours = |name: &str| ours.iter().any(|ours| name.starts_with(ours));
    let mut foreign = Vec::new();
    for (name, function) in &zone {
        println!("{name}");
        if !function.indirect.is_empty() || !is_ours(name) {
            foreign.push((name, &function.indirect));
        }
    }
    assert!(foreign.is_empty(), "{foreign:#?}");
    // That this can fail: the rest of the collector leads to all of them.
    let outside = reached(&functions, |name| name.starts_with("plop_collector::") && !is_ours(name));
    for wanted in ["panic", "alloc"] {
        assert!(outside.keys().any(|name| name.contains(wanted)), "{wanted}");
    }
}
