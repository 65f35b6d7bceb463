//! stand-in
pub(crate) fn demangle(mangled: &str) -> String {
    if let Ok(name) = rustc_demangle::try_demangle(mangled) {
        return format!("{name:#}");
    }
    cpp_demangle::Symbol::new(mangled)
        .ok()
        .and_then(|symbol| symbol.demangle().ok())
        .unwrap_or_else(|| mangled.to_owned())
}
