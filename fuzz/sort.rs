//! `sort FOLDER FILE…`: copies each profile to `FOLDER/<its format>/`, where the fuzzer of that format begins. Prints the names
//! of all formats, a line each.

use std::path::Path;

use plop_view::import;

fn main() {
    let mut arguments = std::env::args_os().skip(1);
    let folder = arguments.next().expect("usage: sort FOLDER FILE...");
    for format in import::formats() {
        std::fs::create_dir_all(Path::new(&folder).join(format)).expect("the folder can be written to");
        println!("{format}");
    }
    for (number, file) in arguments.enumerate() {
        let bytes = std::fs::read(&file).expect("the files can be read");
        if let Ok(imported) = import::import(&bytes) {
            let seed = Path::new(&folder).join(imported.format).join(format!("seed-{number}"));
            std::fs::write(seed, bytes).expect("the folder can be written to");
        }
    }
}
