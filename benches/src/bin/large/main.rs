//! A large program that names the functions of its own that it was in: plop-view with a collector, built with full debug
//! information. The bench `symbols` runs it.
//!
//! `large plop|backtrace ADDRESSES`: a collector samples stacks that hold so many functions from all over the program, and stops;
//! or the `backtrace` crate, as pprof-rs uses it, resolves the same addresses. Prints a line of JSON.

#[cfg(target_arch = "x86_64")]
mod addresses;
#[cfg(target_arch = "x86_64")]
mod made_up_stack;

#[cfg(target_arch = "x86_64")]
fn main() {
    use std::time::Instant;

    use plop_benches::figures::Naming;
    use plop_benches::process;

    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [way, count] = &arguments[..] else {
        // What makes it large.
        plop_view::run();
        return;
    };
    let addresses = addresses::spread(count.parse().expect("ADDRESSES is a whole number"));
    let collector = (way == "plop").then(|| made_up_stack::sample(&addresses));
    process::forget_peak();
    let (resident, _) = process::resident_kib();
    let begun = Instant::now();
    let named = match collector {
        Some(collector) => {
            let profile = collector.stop().expect("there is no output that could fail");
            let wanted: std::collections::HashSet<u64> = addresses.iter().map(|&address| address as u64).collect();
            let of_wanted = profile.locations.iter().filter(|location| wanted.contains(&location.address));
            of_wanted.filter(|location| !location.lines.is_empty()).count()
        }
        None => addresses.iter().filter(|&&address| resolve(address)).count(),
    };
    let figures = Naming {
        asked: addresses.len(),
        named,
        ms: begun.elapsed().as_secs_f64() * 1e3,
        grown_kib: process::resident_kib().1.saturating_sub(resident),
    };
    println!("{}", serde_json::to_string(&figures).expect("figures are plain data"));
}

/// What pprof-rs does with each address, and keeps.
#[cfg(target_arch = "x86_64")]
fn resolve(address: usize) -> bool {
    let mut named = false;
    backtrace::resolve(address as *mut std::ffi::c_void, |symbol| {
        let kept = (symbol.name().map(|name| name.to_string()), symbol.filename().map(ToOwned::to_owned));
        named |= kept.0.is_some();
        // Whoever makes a profile of it keeps it.
        std::mem::forget(kept);
    });
    named
}

#[cfg(not(target_arch = "x86_64"))]
fn main() {
    panic!("its stacks are made for x86_64");
}
