//! inferno, as a program to measure: `inferno_peer collapse-perf|flamegraph FILE`, output thrown away.

use std::fs::File;
use std::io::{BufReader, sink};

use inferno::collapse::Collapse;
use inferno::collapse::perf::Folder;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [mode, path] = &arguments[..] else { panic!("usage: inferno_peer collapse-perf|flamegraph FILE") };
    let input = BufReader::new(File::open(path).expect("the input is there"));
    match mode.as_str() {
        "collapse-perf" => Folder::default().collapse(input, sink()).expect("inferno reads it"),
        "flamegraph" => {
            let mut options = inferno::flamegraph::Options::default();
            inferno::flamegraph::from_reader(&mut options, input, sink()).expect("inferno draws it");
        }
        _ => panic!("{mode}: no such mode; there are collapse-perf and flamegraph"),
    }
}
