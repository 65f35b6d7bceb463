//! Libraries that come and go while the collector runs.

mod work;

use std::hint::black_box;
use std::time::Duration;

use plop_collector::Collector;
use work::{sampled, spend};

/// CPU time of the samples that lie in a file whose name begins so: of those whose stack reaches this program, and of all.
fn in_library(profile: &plop_profile::Profile, library: &str) -> (Duration, Duration) {
    let file_of = |location: plop_profile::LocationId| {
        let mapping = profile.locations[location.0 as usize].mapping?;
        profile.strings[profile.mappings[mapping.0 as usize].file].rsplit('/').next()
    };
    let program = std::env::current_exe().expect("a test knows its file");
    let program = program.file_name().and_then(|name| name.to_str()).expect("cargo gives it a plain name");
    let (mut whole, mut all) = (0, 0);
    for sample in profile.samples.iter() {
        let files: Vec<_> = profile.stacks.leaf_first(sample.stack).map(file_of).collect();
        if files.first().is_some_and(|file| file.is_some_and(|file| file.starts_with(library))) {
            all += sample.values[1];
            if files.contains(&Some(program)) {
                whole += sample.values[1];
            }
        }
    }
    (Duration::from_nanos(whole as u64), Duration::from_nanos(all as u64))
}

#[test]
fn a_library_loaded_in_mid_run_is_walked_through_and_remembered_when_it_is_gone() {
    const INTERVAL: Duration = Duration::from_millis(5);
    let collector = Collector::builder().interval(INTERVAL).start().expect("nothing else runs");
    spend(Duration::from_millis(50), work::multiply);
    // SAFETY: the C library's mathematics has no constructors that could go wrong.
    let library = unsafe { libc::dlopen(c"libm.so.6".as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
    assert!(!library.is_null());
    // SAFETY: the handle is open.
    let bessel = unsafe { libc::dlsym(library, c"jn".as_ptr()) };
    assert!(!bessel.is_null());
    // SAFETY: this is the function's type in the C standard.
    let bessel = unsafe { std::mem::transmute::<*mut libc::c_void, extern "C" fn(i32, f64) -> f64>(bessel) };
    // Of a high order it takes microseconds, so that next to nothing is spent in the loop.
    let work = || {
        for n in 0..100 {
            black_box(bessel(500, black_box(0.1 + f64::from(n) / 9.0)));
        }
    };
    spend(Duration::from_secs(1), work);
    // From here on there are rules for the library, whenever it was found before; a snapshot looks for new ones first.
    let before = in_library(&collector.snapshot().expect("it runs"), "libm.so");
    spend(Duration::from_secs(1), work);
    // SAFETY: the function is not called any more.
    assert_eq!(unsafe { libc::dlclose(library) }, 0);
    spend(Duration::from_millis(500), work::rotate);
    let profile = collector.stop().expect("there is no output that could fail");
    let (whole, all) = in_library(&profile, "libm.so");
    let first = before.1;
    println!(
        "{first:?} and {:?} in the library, {whole:?} of both walked to here, of {:?}",
        all - first,
        sampled(&profile)
    );
    // It is looked for every 200 ms; until then its samples are of an unknown file.
    assert!(before.1 > Duration::from_millis(500), "{:?} of the first second were found in the library", before.1);
    let (whole, all) = (whole - before.0, all - before.1);
    // What was spent just before the snapshot may be sampled after it, and the reverse: on a busy machine up to 50 ms were.
    assert!(all > Duration::from_millis(800), "{all:?} of the second one");
    // A handler that was on its way as the rules came may have missed them.
    assert!(whole + INTERVAL >= all, "{whole:?} of {all:?} were walked to this program");
}
