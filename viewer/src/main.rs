//! `plop-view`: the command line. All it does is in the library.

fn main() -> std::process::ExitCode {
    plop_view::run()
}
