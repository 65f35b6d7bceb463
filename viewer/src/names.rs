//! Names of functions: demangled, shortened for labels without losing what tells them apart, and placed in a crate and a
//! module. Works on names alone; knows no profile.

use std::borrow::Cow;

use crate::function::{Function, hash};

/// The name that a person reads for a linker's symbol: Rust (both manglings, without hash) or C++; any other is itself.
pub(crate) fn demangle(symbol: &str) -> String {
    if let Ok(name) = rustc_demangle::try_demangle(symbol) {
        return format!("{name:#}");
    }
    let cpp = || cpp_demangle::Symbol::new(symbol).ok()?.demangle().ok();
    // A short C name such as `f` is no C++ symbol, though the grammar of types would take it for one.
    let name = if symbol.starts_with("_Z") || symbol.starts_with("__Z") { cpp() } else { None };
    name.or_else(|| unescape(symbol)).unwrap_or_else(|| without_hash(symbol).to_owned())
}

/// The name that was meant by one of Rust's older mangling that a tool for C++ has taken apart and left full of escapes:
/// `_$LT$app..Buffer$u20$as$u20$app..Read$GT$::read::h0123456789abcdef`.
fn unescape(name: &str) -> Option<String> {
    if !["$LT$", "$GT$", "$RF$", "$BP$", "$u7b$", "$u20$"].iter().any(|escape| name.contains(escape)) {
        return None;
    }
    let name = name.split_once(" (.llvm.").map_or(name, |(name, _)| name);
    let symbol: String = without_hash(name).split("::").map(|part| format!("{}{part}", part.len())).collect();
    let symbol = format!("_ZN{symbol}E");
    rustc_demangle::try_demangle(&symbol).ok().map(|name| format!("{name:#}"))
}

/// The name without the hash that Rust's older mangling puts behind it (`::h0123456789abcdef`).
fn without_hash(name: &str) -> &str {
    match name.rsplit_once("::h") {
        Some((name, hash)) if hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => name,
        _ => name,
    }
}

/// What the viewer knows of a function from its name, its source file, and the file that its code is mapped from; the
/// latter two may be empty.
pub(crate) fn describe(name: &str, file: &str, mapped: &str) -> Function {
    let name = if name.starts_with('_') || name.contains('$') { demangle(name) } else { without_hash(name).to_owned() };
    // Older tools leave the underscore that Rust's mangling puts before a bracket.
    let name = if name.contains("_<") { name.replace("::_<", "::<") } else { name };
    let parts = Parts::of(&name, file, mapped);
    let (mut label, krate, module) = (parts.label, parts.krate, parts.module);
    if label.trim().is_empty() {
        // Some tools write frames of a space.
        "(no name)".clone_into(&mut label);
    }
    let file = if file.is_empty() { mapped } else { file };
    Function { id: hash(&[&name, file]), label, krate, module, file: file.to_owned(), name, instances: 0 }
}

/// The name of the function that an instance or a closure belongs to: generic arguments and closures left out.
/// `<a::Foo<u8> as Iterator>::next` gives `<a::Foo as Iterator>::next`, `a::run::{{closure}}` gives `a::run`.
pub(crate) fn family(name: &str) -> Cow<'_, str> {
    if !name.contains(['<', '{']) {
        return Cow::Borrowed(name);
    }
    let kept = segments(name).into_iter().filter(|segment| !is_closure(segment));
    let kept: Vec<String> =
        kept.map(|segment| pointed_at_any(segment).unwrap_or_else(|| erase_arguments(segment))).collect();
    if kept.is_empty() { Cow::Borrowed(name) } else { Cow::Owned(kept.join("::")) }
}

/// The type that a name begins with, if it is a slice, an array or a pointer, whose methods are the same whatever is in it:
/// `<[u8]>` gives `<[T]>`, as Rust's older mangling has it.
fn pointed_at_any(segment: &str) -> Option<String> {
    let of = segment.strip_prefix('<')?.strip_suffix('>').filter(|of| split_at_as(of).1.is_none())?;
    if let Some(elements) = of.strip_prefix('[') {
        return Some(if elements.contains("; ") { "<[T; N]>" } else { "<[T]>" }.to_owned());
    }
    ["*mut ", "*const "].iter().find(|pointer| of.starts_with(**pointer)).map(|pointer| format!("<{pointer}T>"))
}

/// Whether a segment is what a function holds without a name: a closure, or the state machine that an async function or block
/// is compiled to. Debug information has the latter as `{async_fn#0}` and its state as `{async_fn_env#0}`, symbols as closures.
fn is_closure(segment: &str) -> bool {
    let held = ["{{closure}}", "{closure", "{async_fn", "{async_block", "{async_closure", "{coroutine"];
    let segment = segment.trim_start_matches('_');
    held.iter().any(|start| segment.starts_with(start))
}

/// The segment without the generic arguments behind its identifiers. Brackets that stand for a type themselves (`<A as B>`,
/// `<impl A>`) stay, with the arguments inside them erased.
fn erase_arguments(segment: &str) -> String {
    let mut out = String::with_capacity(segment.len());
    let mut depth = 0_usize;
    let mut before = ' ';
    for (at, sign) in segment.char_indices() {
        match sign {
            '<' if depth > 0 => depth += 1,
            // A name that is markup keeps its tags.
            '<' if segment[at..].starts_with("</") => out.push(sign),
            '<' if before.is_alphanumeric() || before == '_' => depth = 1,
            // The arrow of a function type closes no bracket.
            '>' if depth > 0 && before != '-' => depth -= 1,
            _ if depth == 0 => out.push(sign),
            _ => {}
        }
        before = sign;
    }
    out
}

/// Whether a segment behind the first is the arguments of the one before it, `<T, U>`, rather than `<impl A>` or `<A as B>`.
fn is_turbofish(segment: &str) -> bool {
    let inner = segment.strip_prefix('<').and_then(|segment| segment.strip_suffix('>'));
    let is_one = |inner: &str| {
        let mut depth = 0;
        inner.char_indices().all(|(at, sign)| {
            depth += i32::from(sign == '<') - i32::from(sign == '>' && !inner[..at].ends_with('-'));
            depth >= 0
        })
    };
    inner.is_some_and(|inner| !inner.starts_with("impl ") && is_one(inner) && split_at_as(inner).1.is_none())
}

/// Splits a path at the `::` that stand outside all brackets; arguments of their own, `::<T>`, are left out.
fn segments(name: &str) -> Vec<&str> {
    let bytes = name.as_bytes();
    let mut parts = Vec::new();
    let (mut start, mut depth, mut at) = (0, 0_i32, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'<' | b'(' | b'[' | b'{' => depth += 1,
            b'>' if at > 0 && bytes[at - 1] == b'-' => {}
            b'>' | b')' | b']' | b'}' => depth -= 1,
            b':' if depth <= 0 && bytes.get(at + 1) == Some(&b':') => {
                parts.push(&name[start..at]);
                at += 1;
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    parts.push(&name[start.min(name.len())..]);
    let mut behind_first = false;
    parts.retain(|part| !(part.is_empty() || std::mem::replace(&mut behind_first, true) && is_turbofish(part)));
    parts
}

struct Parts {
    label: String,
    krate: String,
    module: String,
}

impl Parts {
    fn of(name: &str, file: &str, mapped: &str) -> Parts {
        if name.starts_with('[') || name.is_empty() || name.starts_with("<unknown>") {
            let krate = if name.contains("kernel") { "kernel".to_owned() } else { library(name) };
            let label = name.replace("[[", "[").replace("]]", "]");
            return Parts { label, module: krate.clone(), krate };
        }
        if name.ends_with("_[k]") || is_kernel(mapped) || is_kernel(file) {
            return Parts { label: name.to_owned(), krate: "kernel".to_owned(), module: "kernel".to_owned() };
        }
        if name.contains("::") || name.starts_with('<') && name.contains('>') && !is_bracketed_word(name) {
            return Parts::of_path(name, file);
        }
        if let Some(parts) = Parts::of_rust_file(name, file) {
            return parts;
        }
        if let Some(parts) = Parts::of_source(name, file).or_else(|| Parts::of_dotted(name)) {
            return parts;
        }
        let home = if mapped.is_empty() && !is_source(file) { file } else { mapped };
        let krate = if home.is_empty() { "native".to_owned() } else { library(home) };
        Parts { label: name.to_owned(), module: krate.clone(), krate }
    }

    /// `a::b::c`, `<a::Foo<T> as b::Trait>::method`, `a::b::{{closure}}`, `ns::Class<T>::method(int)`, `<u64>::method`.
    fn of_path(name: &str, file: &str) -> Parts {
        let without_arguments = cut_parameters(name);
        let all = segments(without_arguments);
        // The state machine of an async function is that function.
        let closure = all.last().is_some_and(|last| is_closure(last) && !last.starts_with("{async_fn"));
        let kept: Vec<&str> = all.iter().copied().filter(|segment| !is_closure(segment)).collect();
        let Some((&last, callers)) = kept.split_last() else {
            return Parts { label: name.to_owned(), krate: "native".to_owned(), module: "native".to_owned() };
        };
        let mut label = erase_arguments(last);
        let mut path: Vec<String> = callers.iter().map(|segment| erase_arguments(segment)).collect();
        let mut suffix = String::new();
        let mut type_at = None;
        let qualified = callers.iter().rposition(|segment| segment.starts_with('<') && segment.ends_with('>'));
        if let Some(at) = qualified {
            let inner = &callers[at][1..callers[at].len() - 1];
            let inner = inner.strip_prefix("impl ").unwrap_or(inner);
            let (of, implemented) = split_at_as(inner);
            let (of, implemented) = match (implemented, split_at_for(of)) {
                (None, Some((implemented, of))) => (of, Some(implemented)),
                (implemented, _) => (of, implemented),
            };
            // What a pointer points at does not have its methods.
            let of_path = if of.starts_with('*') { vec![of.to_owned()] } else { type_path(of) };
            let trait_path = implemented.map(type_path);
            if let Some(name) = trait_path.as_ref().and_then(|path| path.last()) {
                suffix = format!(" ({name})");
            }
            // A type without a crate (a reference, a slice, a type parameter) leaves its trait's, or the impl block's.
            let home = if of_path.len() > 1 { of_path.clone() } else { trait_path.clone().unwrap_or_default() };
            let shown = of_path.last().cloned().unwrap_or_else(|| of.to_owned());
            let inner_path: Vec<String> = path[at + 1..].to_vec();
            path = match home.len() {
                0 | 1 if at == 0 && is_builtin(of) => {
                    // Only the standard library gives such types methods of their own.
                    let of_file = Parts::of_rust_file(last, file).map(|parts| parts.module);
                    of_file.as_deref().unwrap_or("core").split("::").map(str::to_owned).collect()
                }
                0 | 1 => path[..at].to_vec(),
                length => home[..length - 1].to_vec(),
            };
            type_at = Some(path.len());
            path.push(shown);
            path.extend(inner_path);
        }
        if let Some(caller) = path.last().filter(|caller| !caller.is_empty()) {
            label = format!("{caller}::{label}");
        }
        if closure {
            label.push_str("::{closure}");
        }
        let krate = path.first().cloned().unwrap_or_else(|| "native".to_owned());
        let krate = krate.trim_start_matches(['&', '*', '(']).split(' ').next_back().unwrap_or("native").to_owned();
        let is_type = |part: &String| part.starts_with(|sign: char| sign.is_uppercase() || "[&(<".contains(sign));
        let types = path.iter().position(is_type).into_iter().chain(type_at).min();
        let mut module = path[..types.unwrap_or(path.len())].join("::");
        if module.is_empty() {
            module = krate.clone();
        }
        Parts { label: label + &suffix, krate, module }
    }

    /// A bare Rust name, as debug information of line tables alone has it for inlined functions: its crate and module follow
    /// from where the source lies, `library/core/src/iter/range.rs` or `tokio-1.54.1/src/runtime/task.rs`.
    fn of_rust_file(name: &str, file: &str) -> Option<Parts> {
        let path = file.strip_suffix(".rs")?;
        let parts: Vec<&str> = path.split(['/', '\\']).filter(|part| !part.is_empty()).collect();
        let source = parts.iter().rposition(|part| *part == "src");
        let (krate, inside) = match source {
            Some(at) if at > 0 => (parts[at - 1], &parts[at + 1..]),
            _ => (parts.get(parts.len().checked_sub(2)?)?.to_owned(), &parts[parts.len() - 1..]),
        };
        let version = |at: usize| krate[at + 1..].starts_with(|sign: char| sign.is_ascii_digit());
        let end = krate.match_indices('-').map(|(at, _)| at).find(|&at| version(at)).unwrap_or(krate.len());
        let krate = krate[..end].replace('-', "_");
        let modules = inside.iter().filter(|part| !["mod", "lib", "main"].contains(part)).copied();
        let module = [krate.as_str()].into_iter().chain(modules).collect::<Vec<_>>().join("::");
        let last = module.rsplit("::").next().unwrap_or(&krate);
        Some(Parts { label: format!("{last}::{}", erase_arguments(name)), krate, module })
    }

    /// A name of a language whose modules are files: Python, JavaScript, Ruby.
    fn of_source(name: &str, file: &str) -> Option<Parts> {
        let extension = file.rsplit('.').next()?.split(['?', ':', ' ']).next()?;
        let known = ["py", "pyc", "pyx", "js", "mjs", "cjs", "ts", "tsx", "jsx", "rb", "php", "lua"];
        if !known.contains(&extension) {
            return None;
        }
        let path = file.split("://").last().unwrap_or(file);
        let parts: Vec<&str> =
            path.split(['/', '\\']).filter(|part| !part.is_empty() && *part != "." && *part != "..").collect();
        let after = |folder: &str| parts.iter().rposition(|part| *part == folder).map(|at| &parts[at + 1..]);
        let inside = after("site-packages").or_else(|| after("dist-packages")).or_else(|| after("node_modules"));
        let library = parts.iter().rposition(|part| part.starts_with("python3") || part.starts_with("python2"));
        let krate = match (inside, library) {
            (Some([scope, package, ..]), _) if scope.starts_with('@') => format!("{scope}/{package}"),
            (Some([package, ..]), _) => (*package).to_owned(),
            (_, Some(at)) if at + 1 < parts.len() => parts[at + 1].to_owned(),
            _ if parts.len() > 1 => parts[parts.len() - 2].to_owned(),
            _ => (*parts.last()?).to_owned(),
        };
        let from = parts.len().saturating_sub(3);
        Some(Parts { label: name.to_owned(), krate, module: parts[from..].join("/") })
    }

    /// `net/http.(*conn).serve` of Go, `java.lang.Thread.run` of Java.
    fn of_dotted(name: &str) -> Option<Parts> {
        let folder_end = name.rfind('/').map_or(0, |at| at + 1);
        let dot = folder_end + name[folder_end..].find('.')?;
        if dot == 0
            || dot + 1 == name.len()
            || name.contains(' ')
            || name.starts_with('.')
            || is_clone(&name[dot + 1..])
        {
            return None;
        }
        let java = name[folder_end..].matches('.').count() > 1
            && name[dot + 1..].starts_with(|sign: char| sign.is_lowercase())
            && is_java(&name[folder_end..])
            || folder_end > 0 && name[folder_end..].starts_with(|sign: char| sign.is_uppercase());
        if java {
            let path: Vec<&str> = name.split(['.', '/']).collect();
            let class = path
                .iter()
                .position(|part| part.starts_with(|sign: char| sign.is_uppercase()))
                .unwrap_or(path.len() - 1);
            let package = path[..class].join(".");
            let krate = path[..class.min(2)].join(".");
            let label = path[class..].join(".");
            return Some(Parts {
                label,
                krate: if krate.is_empty() { package.clone() } else { krate },
                module: package,
            });
        }
        let package = &name[..dot];
        let label = name[folder_end..].replace("(*", "").replace(").", ".");
        Some(Parts { label, krate: package.to_owned(), module: package.to_owned() })
    }
}

/// Whether a type is part of the language, and so lies in no crate.
fn is_builtin(of: &str) -> bool {
    let is_number = |of: &str| {
        let size = of.strip_prefix(['u', 'i', 'f']);
        size.is_some_and(|size| size == "size" || size.parse::<u8>().is_ok())
    };
    of.starts_with(['[', '*', '&', '(']) || ["str", "char", "bool", "!"].contains(&of) || is_number(of)
}

/// Whether `a.b.c` is of Java rather than of Go: it has a class or a domain, and no method or closure as Go writes them.
fn is_java(name: &str) -> bool {
    let is_closure = |part: &str| {
        part.strip_prefix("func").is_some_and(|number| number.starts_with(|sign: char| sign.is_ascii_digit()))
    };
    let domains = ["com", "org", "net", "io", "java", "javax", "jdk", "sun", "kotlin", "scala"];
    let mut parts = name.split('.');
    let of_domain = parts.next().is_some_and(|first| domains.contains(&first));
    let (mut has_class, mut of_go) = (false, name.contains("(*"));
    for part in parts {
        has_class |= part.starts_with(|sign: char| sign.is_uppercase());
        of_go |= is_closure(part);
    }
    !of_go && (of_domain || has_class)
}

/// What compilers put behind the name of a C function that they made another version of: `f.isra.0`, `f.cold`.
fn is_clone(behind_dot: &str) -> bool {
    let made = ["isra", "part", "constprop", "cold", "llvm", "lto_priv", "localalias", "clone", "resolver"];
    let mut parts = behind_dot.split('.');
    parts.next().is_some_and(|first| made.contains(&first))
        && parts.all(|part| made.contains(&part) || part.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_kernel(path: &str) -> bool {
    let base = path.rsplit('/').next().unwrap_or(path);
    ["[kernel", "[guest.kernel", "vmlinux"].iter().any(|start| base.starts_with(start))
}

/// `<module>`, `<lambda>`, `<genexpr>`: a word that a language puts in brackets.
fn is_bracketed_word(name: &str) -> bool {
    name.ends_with('>') && !name.contains("::") && !name.contains(" as ")
}

fn is_source(file: &str) -> bool {
    let extension = file.rsplit('/').next().and_then(|base| base.rsplit_once('.')).map(|(_, extension)| extension);
    extension.is_some_and(|extension| {
        ["c", "cc", "cpp", "cxx", "h", "hpp", "S", "s", "rs", "go", "java"].contains(&extension)
    })
}

/// `libc` for `/lib/x86_64-linux-gnu/libc.so.6` and `libc-2.31.so`, `busy` for `/usr/bin/busy` and `[busy+0x94ac0]`.
fn library(path: &str) -> String {
    let base = path.rsplit(['/', '\\']).next().unwrap_or(path).trim_matches(['[', ']']);
    let base = base.rsplit_once("+0x").map_or(base, |(base, _)| base);
    let stem = base.split(".so").next().unwrap_or(base);
    let cut = stem
        .char_indices()
        .find(|&(at, sign)| sign == '-' && stem[at + 1..].starts_with(|next: char| next.is_ascii_digit()));
    stem[..cut.map_or(stem.len(), |(at, _)| at)].to_owned()
}

/// A C++ name without its parameters: `ns::f(int, char)` gives `ns::f`.
fn cut_parameters(name: &str) -> &str {
    match name.find('(') {
        Some(at) if at > 0 && !name[..at].ends_with(['<', ':', '&', ' ', '{', '[']) && !name[..at].contains('<') => {
            &name[..at]
        }
        _ => name,
    }
}

/// Splits `A as B` outside of brackets.
fn split_at_as(inner: &str) -> (&str, Option<&str>) {
    split_at_word(inner, " as ").map_or((inner, None), |(of, implemented)| (of, Some(implemented)))
}

/// Splits `Trait for A`, which older compilers print for an impl block.
fn split_at_for(inner: &str) -> Option<(&str, &str)> {
    split_at_word(inner, " for ")
}

fn split_at_word<'a>(text: &'a str, word: &str) -> Option<(&'a str, &'a str)> {
    let mut depth = 0;
    for (at, sign) in text.char_indices() {
        match sign {
            '<' | '(' | '[' => depth += 1,
            '>' if text[..at].ends_with('-') => {}
            '>' | ')' | ']' => depth -= 1,
            ' ' if depth == 0 && text[at..].starts_with(word) => return Some((&text[..at], &text[at + word.len()..])),
            _ => {}
        }
    }
    None
}

/// The path of a type, without references and arguments: `&mut alpha::Foo<T>` gives `alpha`, `Foo`.
fn type_path(of: &str) -> Vec<String> {
    let mut of = of.trim();
    let lifetime = |text: &str| text.starts_with('\'').then(|| text.find(' ').map(|at| at + 1)).flatten();
    of = of.strip_prefix('&').unwrap_or(of).trim_start();
    of = &of[lifetime(of).unwrap_or(0)..];
    for prefix in ["&", "*const ", "*mut ", "mut ", "dyn ", "impl "] {
        of = of.strip_prefix(prefix).unwrap_or(of).trim_start();
    }
    let first = of.split(" + ").next().unwrap_or(of);
    segments(first).into_iter().map(erase_arguments).filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    #[test]
    fn a_blank_name_can_be_read_all_the_same() {
        assert_eq!([describe(" ", "", "").label, describe("", "", "").label], ["(no name)", "(no name)"]);
    }

    fn check(name: &str, label: &str, krate: &str, module: &str) {
        let function = describe(name, "", "");
        assert_eq!((&*function.label, &*function.krate, &*function.module), (label, krate, module), "{name}");
    }

    #[test]
    fn rust_paths_read_as_their_last_two_parts() {
        check("alpha::beta::gamma", "beta::gamma", "alpha", "alpha::beta");
        check("busy::main", "busy::main", "busy", "busy");
        check("alpha::beta::Foo<T>::new", "Foo::new", "alpha", "alpha::beta");
        check("alpha::run::{{closure}}", "alpha::run::{closure}", "alpha", "alpha");
        check("alloc::vec::from_elem::<u8>", "vec::from_elem", "alloc", "alloc::vec");
        check(
            "core::slice::sort::stable::driftsort_main::h0123456789abcdef",
            "stable::driftsort_main",
            "core",
            "core::slice::sort::stable",
        );
    }

    #[test]
    fn trait_methods_belong_to_the_type_and_name_the_trait() {
        check("<alpha::Foo<T> as core::iter::Iterator>::next", "Foo::next (Iterator)", "alpha", "alpha");
        check(
            "<beta::io::Reader as alpha::Read>::read::{{closure}}",
            "Reader::read::{closure} (Read)",
            "beta",
            "beta::io",
        );
        check("<&T as core::fmt::Debug>::fmt", "T::fmt (Debug)", "core", "core::fmt");
        check(
            "<alloc::boxed::Box<F,A> as core::ops::function::FnOnce<Args>>::call_once",
            "Box::call_once (FnOnce)",
            "alloc",
            "alloc::boxed",
        );
        check("core::str::<impl str>::contains", "str::contains", "core", "core::str");
        check("<alpha::Foo>::bar", "Foo::bar", "alpha", "alpha");
        check("alpha::make::<alloc::string::String, &str>", "alpha::make", "alpha", "alpha");
        check("alpha::<b>make</b>", "alpha::<b>make</b>", "alpha", "alpha");
        check("<u64>::wrapping_mul", "u64::wrapping_mul", "core", "core");
        check("<[u8]>::sort::<fn(&u8) -> u8>", "[u8]::sort", "core", "core");
        check("<*mut alpha::Foo>::add", "*mut alpha::Foo::add", "core", "core");
        check("core::ptr::mut_ptr::<impl *mut T>::add", "*mut T::add", "core", "core::ptr::mut_ptr");
        let root = describe("<f64>::sqrt", "/rustc/5980/library/std/src/num/f64.rs", "");
        assert_eq!((&*root.label, &*root.krate, &*root.module), ("f64::sqrt", "std", "std::num::f64"));
        check(
            "core::cmp::impls::_<impl core::cmp::PartialOrd for usize>::lt",
            "usize::lt (PartialOrd)",
            "core",
            "core::cmp",
        );
        check("<&'a mut I as core::iter::Iterator>::next", "I::next (Iterator)", "core", "core::iter");
    }

    #[test]
    fn different_types_keep_different_labels() {
        let label = |name| describe(name, "", "").label;
        assert_ne!(label("<alpha::A as Iterator>::next"), label("<beta::B as Iterator>::next"));
    }

    #[test]
    fn other_languages_find_their_library() {
        check("runtime.mallocgc", "runtime.mallocgc", "runtime", "runtime");
        check("net/http.(*conn).serve", "http.conn.serve", "net/http", "net/http");
        check("java.lang.Thread.run", "Thread.run", "java.lang", "java.lang");
        check(
            "std::vector<int, std::allocator<int> >::push_back(int const&)",
            "vector::push_back(int const&)",
            "std",
            "std::vector",
        );
        let of = |name, file, mapped| describe(name, file, mapped).krate;
        assert_eq!(of("malloc", "", "/lib/x86_64-linux-gnu/libc.so.6"), "libc");
        assert_eq!(of("malloc", "./malloc/malloc.c", "/lib/libc-2.31.so"), "libc");
        assert_eq!(of("get", "/venv/lib/python3.8/site-packages/twisted/web/http.py", ""), "twisted");
        assert_eq!(of("dumps", "/usr/lib/python3.8/json/encoder.py", ""), "json");
        assert_eq!(of("do_syscall_64", "", "[kernel.kallsyms]"), "kernel");
        assert_eq!(of("tcp_grow_window.isra.35", "/lib/modules/4.1/build/vmlinux", ""), "kernel");
        assert_eq!(of("read_line.part.0.cold", "", "/usr/bin/busy"), "busy");
        assert_eq!(of("[libfoo.so.6]", "", ""), "libfoo");
        let inlined = describe("lt<u64>", "/rustc/0123/library/core/src/cmp.rs", "/usr/bin/busy");
        assert_eq!((&*inlined.label, &*inlined.krate, &*inlined.module), ("cmp::lt", "core", "core::cmp"));
        let inlined = describe("poll", "/home/me/.cargo/registry/src/index/tokio-util-0.7.1/src/codec/mod.rs", "");
        assert_eq!(
            (&*inlined.label, &*inlined.krate, &*inlined.module),
            ("codec::poll", "tokio_util", "tokio_util::codec")
        );
    }

    #[test]
    fn instances_and_closures_are_of_one_family() {
        assert_eq!(family("alpha::run::{{closure}}::{{closure}}"), "alpha::run");
        assert_eq!(family("alpha::run::{closure#0}"), "alpha::run");
        assert_eq!(family("alpha::Foo<u8>::new"), "alpha::Foo::new");
        assert_eq!(family("alpha::make::<u8>"), "alpha::make");
        assert_eq!(
            family("<alpha::Foo<u8> as core::iter::Iterator>::next"),
            "<alpha::Foo as core::iter::Iterator>::next"
        );
        assert_eq!(family("<alpha::Foo>::bar"), "<alpha::Foo>::bar");
        assert_eq!(family("<u64>::wrapping_mul"), "<u64>::wrapping_mul");
        assert_eq!(family("<[u8]>::sort::<fn(&u8) -> u8>"), "<[T]>::sort");
        assert_eq!(family("<[u8; 4]>::map::<u8>"), "<[T; N]>::map");
        assert_eq!(family("<*mut alpha::Foo<u8>>::add"), "<*mut T>::add");
        assert_eq!(family("alpha::make::<<u8 as alpha::Of>::Item>"), "alpha::make");
        assert_eq!(family("<[u8] as alpha::Of>::of"), "<[u8] as alpha::Of>::of");
        assert_eq!(family("core::ptr::drop_in_place<fn(u8) -> Vec<u8>>"), "core::ptr::drop_in_place");
        assert_eq!(family("plain"), "plain");
    }

    #[test]
    fn symbols_are_demangled_and_c_names_left_alone() {
        assert_eq!(demangle("_ZN5alpha4beta17h0123456789abcdefE"), "alpha::beta");
        assert_eq!(demangle("_RNvC5alpha4beta"), "alpha::beta");
        assert_eq!(demangle("_ZNSt6vectorIiE4sizeEv"), "std::vector<int>::size()");
        assert_eq!(demangle("_start"), "_start");
        let escaped =
            "_$LT$app..Buf$LT$T$GT$$u20$as$u20$app..Read$GT$::read::h0123456789abcdef (.llvm.15516475458848885060)";
        assert_eq!(demangle(escaped), "<app::Buf<T> as app::Read>::read");
        assert_eq!(describe("app::run::_$u7b$$u7b$closure$u7d$$u7d$", "", "").name, "app::run::{{closure}}");
        assert_eq!(demangle("malloc"), "malloc");
    }

    #[test]
    fn ids_are_the_published_hash() {
        // FNV-1a of a single NUL byte, the input for an empty name and file.
        assert_eq!(hash(&["", ""]), 0xaf63_bd4c_8601_b7df);
        assert_ne!(hash(&["a", "b"]), hash(&["ab", ""]));
    }

    #[test]
    fn go_packages_end_at_the_first_dot_behind_the_last_slash() {
        let krate = |name: &str| describe(name, "", "").krate;
        assert_eq!(krate("main.main.func2"), "main");
        assert_eq!(krate("main.slowFunction.func1.1"), "main");
        assert_eq!(krate("net/http.(*conn).serve"), "net/http");
        assert_eq!(krate("github.com/x/y/pyroscope.(*Session).take.func1"), "github.com/x/y/pyroscope");
        assert_eq!(krate("java.lang.Thread.run"), "java.lang");
        assert_eq!(krate("com.example.function097"), "com.example");
    }

    #[test]
    fn async_functions_and_blocks_belong_to_their_function() {
        let names = [
            "app::fetch::{{closure}}",
            "app::fetch::{async_fn#0}",
            "app::fetch::{async_fn_env#0}<u8>",
            "app::fetch::{async_block#1}::{closure#0}",
            "app::fetch::{{closure}}::{{closure}}",
        ];
        for name in names {
            assert_eq!(family(name), "app::fetch", "{name}");
        }
        let apart = describe("app::fetch::{async_fn#0}", "", "");
        assert_eq!((&*apart.label, &*apart.krate), ("app::fetch", "app"));
    }
}
