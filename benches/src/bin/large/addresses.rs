//! Functions from all over this program.

use std::fs;

use object::{Object, ObjectSymbol, SymbolKind};

/// Where so many functions begin, at even distances in the order of addresses.
pub(crate) fn spread(count: usize) -> Vec<usize> {
    let bytes = fs::read("/proc/self/exe").expect("a program can read itself");
    let file = object::File::parse(&*bytes).expect("it is an ELF file");
    // Those of Rust: all have rules for unwinding, which those written by hand may lack.
    let functions = file.symbols().filter(|symbol| {
        let is_rust = symbol.name().is_ok_and(|name| name.starts_with("_R") || name.starts_with("_ZN"));
        symbol.kind() == SymbolKind::Text && symbol.size() > 1 && is_rust
    });
    let mut begins: Vec<u64> = functions.map(|symbol| symbol.address()).collect();
    begins.sort_unstable();
    begins.dedup();
    let loaded = base(&file);
    let step = begins.len() / count;
    assert!(step > 0, "there are {} functions", begins.len());
    begins.iter().step_by(step).take(count).map(|&begin| begin as usize + loaded).collect()
}

/// How far the loader has put the program from where its file says.
fn base(file: &object::File<'_>) -> usize {
    let entry = file.entry() as usize;
    // SAFETY: it takes any key.
    let loaded = unsafe { libc::getauxval(libc::AT_ENTRY) } as usize;
    loaded - entry
}
