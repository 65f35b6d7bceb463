//! Opens the user's browser.

use std::process::{Command, Stdio};

/// Opens an address in the user's browser, with whatever the system has for that. Where there is nothing, nothing happens:
/// the address was printed.
pub fn open_browser(address: &str) {
    let opener: &[&str] = match std::env::consts::OS {
        "macos" => &["open"],
        "windows" => &["rundll32", "url.dll,FileProtocolHandler"],
        _ => &["xdg-open"],
    };
    let opened = Command::new(opener[0])
        .args(&opener[1..])
        .arg(address)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    // A child that nobody waits for stays as a zombie until we end; wait for it off to the side.
    if let Ok(mut child) = opened {
        std::thread::spawn(move || child.wait());
    }
}
