//! inferno, as a program to measure: `inferno_peer collapse-perf|flamegraph|perf-flamegraph FILE`, output thrown away.

use std::fs::File;
use std::io::{BufReader, sink};

use inferno::collapse::Collapse;
use inferno::collapse::perf::Folder;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [mode, path] = &arguments[..] else { panic!("usage: inferno_peer MODE FILE") };
    let input = BufReader::new(File::open(path).expect("the input is there"));
    match mode.as_str() {
        "collapse-perf" => Folder::default().collapse(input, sink()).expect("inferno reads it"),
        "flamegraph" => draw(input),
        "perf-flamegraph" => {
            let mut folded = Vec::new();
            Folder::default().collapse(input, &mut folded).expect("inferno reads it");
            draw(&*folded);
        }
        _ => panic!("{mode}: no such mode; there are collapse-perf, flamegraph and perf-flamegraph"),
    }
}

fn draw(folded: impl std::io::BufRead) {
    let mut options = inferno::flamegraph::Options::default();
    inferno::flamegraph::from_reader(&mut options, folded, sink()).expect("inferno draws it");
}
