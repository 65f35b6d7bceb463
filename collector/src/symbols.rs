//! Addresses to names: functions, files, lines and inlined frames, from what the process has loaded. Knows nothing of
//! samples.

use plop_profile::{Function, Line, Profile, StringId};

/// Fills in the lines of all locations from number `from` on that have an address.
pub(crate) fn name_locations(profile: &mut Profile, from: usize) {
    let mut frames = Vec::new();
    for at in from..profile.locations.len() {
        let address = profile.locations[at].address;
        if address == 0 {
            continue;
        }
        frames.clear();
        backtrace::resolve(address as *mut std::ffi::c_void, |symbol| {
            let Some(name) = symbol.name() else { return };
            frames.push(Frame {
                name: format!("{name:#}"),
                mangled: name.as_str().unwrap_or_default().to_owned(),
                file: symbol.filename().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default(),
                line: symbol.lineno().unwrap_or(0),
            });
        });
        profile.locations[at].lines = frames.iter().map(|frame| line_of(profile, frame)).collect();
    }
}

/// Gives the memory back that names were read with.
pub(crate) fn forget_files() {
    backtrace::clear_symbol_cache();
}

struct Frame {
    name: String,
    mangled: String,
    file: String,
    line: u32,
}

fn line_of(profile: &mut Profile, frame: &Frame) -> Line {
    let name = profile.strings.intern(&frame.name);
    let mangled = profile.strings.intern(&frame.mangled);
    let file = profile.strings.intern(&frame.file);
    let system_name = if mangled == name { StringId::EMPTY } else { mangled };
    let function = profile.intern_function(Function { name, system_name, file, start_line: 0 });
    Line { function, line: i64::from(frame.line) }
}
