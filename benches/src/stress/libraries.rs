//! The hazard of code that comes and goes: a library loaded, run and unloaded, under names that change.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::Course;

/// Copies of the library, so that the loader maps each one anew.
const COPIES: usize = 4;

/// Loads a copy, runs code in it, unloads it.
pub(super) fn load_and_unload(course: &Course) {
    let folder = std::env::temp_dir().join(format!("plop-stress-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the folder for temporary files is writable");
    let copies: Vec<CString> = (0..COPIES)
        .map(|copy| {
            let path = folder.join(format!("libplugin{copy}.so"));
            std::fs::copy(plugin(), &path).expect("the library can be copied");
            CString::new(path.as_os_str().as_bytes()).expect("a path holds no NUL")
        })
        .collect();
    for path in copies.iter().cycle() {
        if !course.goes_on() {
            break;
        }
        // SAFETY: the library has no constructors that could misbehave.
        let library = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        assert!(!library.is_null(), "the library can be loaded");
        // SAFETY: the library is loaded, the name ends with NUL.
        let spin = unsafe { libc::dlsym(library, c"plop_bench_plugin_spin".as_ptr()) };
        assert!(!spin.is_null(), "the library has its function");
        // SAFETY: the function has this signature, see the plugin.
        let spin = unsafe { std::mem::transmute::<*mut libc::c_void, extern "C" fn(u64) -> u64>(spin) };
        std::hint::black_box(spin(200_000));
        // SAFETY: nothing of the library is used after this.
        unsafe { libc::dlclose(library) };
    }
    std::fs::remove_dir_all(&folder).expect("our own folder can be removed");
}

/// Cargo builds it with this program, as a dependency.
fn plugin() -> PathBuf {
    let program = std::env::current_exe().expect("the program's own path is known");
    let folder = program.parent().expect("a program lies in a folder");
    let candidates = ["deps/libplop_bench_plugin.so", "libplop_bench_plugin.so"].map(|name| folder.join(name));
    candidates.into_iter().find(|path| path.exists()).expect("cargo builds the plugin beside this program")
}
