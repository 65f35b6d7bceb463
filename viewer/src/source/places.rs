//! Where sources may be taken from. A profile is a stranger's word: the files that it names are given out only if they lie,
//! all links followed, in a folder that the user named, in the one that the program is worked on in, or in cargo's registry
//! or the standard library's sources.

use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

/// Larger files are not shown.
const LARGEST: u64 = 8 << 20;

/// What a name must end with to be taken for source.
const EXTENSIONS: &[&str] = &[
    "rs", "c", "h", "cc", "cpp", "cxx", "hh", "hpp", "hxx", "inl", "s", "S", "asm", "go", "zig", "swift", "d", "f90",
    "java", "kt", "scala", "py", "pyx", "rb", "php", "lua", "js", "mjs", "cjs", "jsx", "ts", "tsx",
];

/// The folders that sources may be taken from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    /// How paths of the profile begin, and the folder that lies there instead.
    mapped: Vec<(String, PathBuf)>,
    /// Folders of the program's own sources.
    own: Vec<PathBuf>,
    /// Folders with `crate-version/…`.
    registries: Vec<PathBuf>,
    /// Folders with `library/std/…`.
    libraries: Vec<PathBuf>,
}

/// A file that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    /// What its reader has to know, or empty.
    pub(crate) remark: String,
}

/// A path to try: under which folder it must lie, and what to say of it.
struct Candidate {
    root: PathBuf,
    path: PathBuf,
    remark: String,
}

impl Places {
    /// What cargo and rustup have installed for this user.
    pub(crate) fn installed() -> Self {
        let home = std::env::home_dir().unwrap_or_default();
        let folder = |variable: &str, default: &str| {
            std::env::var_os(variable).map_or_else(|| home.join(default), PathBuf::from)
        };
        let (cargo, rustup) = (folder("CARGO_HOME", ".cargo"), folder("RUSTUP_HOME", ".rustup"));
        let toolchains = subfolders(&rustup.join("toolchains")).into_iter();
        let toolchains = toolchains.chain(["/usr", "/usr/local"].map(PathBuf::from));
        let libraries = toolchains.map(|toolchain| toolchain.join("lib/rustlib/src/rust")).collect();
        Places { registries: subfolders(&cargo.join("registry/src")), libraries, ..Places::default() }
    }

    /// The same with the sources of the program that is worked on in this folder: the repository that it lies in, or else the
    /// folder itself, unless that is the whole machine or somebody's home.
    pub(crate) fn with_work_in(mut self, folder: &Path) -> Self {
        let Ok(folder) = folder.canonicalize() else { return self };
        let home = std::env::home_dir().and_then(|home| home.canonicalize().ok());
        let is_narrow =
            |folder: &Path| folder.parent().is_some() && home.as_ref().is_none_or(|home| !home.starts_with(folder));
        let repository = folder.ancestors().find(|above| above.join(".git").exists());
        self.own.extend(repository.into_iter().chain([&*folder]).find(|folder| is_narrow(folder)).map(Path::to_owned));
        self
    }

    /// Takes `FROM=TO`, or a folder whose files lie where the profile names them.
    ///
    /// # Errors
    /// When there is no such folder.
    pub(crate) fn map(&mut self, text: &str) -> Result<(), String> {
        let (from, to) = text.split_once('=').unwrap_or((text, text));
        let folder = Path::new(to).canonicalize().ok().filter(|folder| folder.is_dir());
        let folder = folder.ok_or_else(|| format!("--source-path: {to} is no folder; write FROM=TO"))?;
        self.mapped.push((from.trim_end_matches('/').to_owned(), folder));
        Ok(())
    }

    /// The file that a profile names, or a sentence why it can't be shown. Whether files exist elsewhere, it does not tell.
    pub(crate) fn find(&self, named: &str) -> Result<Found, String> {
        if named.is_empty() {
            return Err("the profile does not say in which file this function is".to_owned());
        }
        let extension = Path::new(named).extension().and_then(|extension| extension.to_str());
        if !extension.is_some_and(|extension| EXTENSIONS.contains(&extension)) {
            return Err(format!("{named} is no source file"));
        }
        self.candidates(named).iter().find_map(Candidate::open).ok_or_else(|| self.missing(named))
    }

    fn candidates(&self, named: &str) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        let mut add = |root: &Path, rest: &str, remark: String| {
            let path = root.join(rest.trim_start_matches('/'));
            candidates.push(Candidate { root: root.to_owned(), path, remark });
        };
        for (from, to) in &self.mapped {
            if let Some(rest) = named.strip_prefix(&**from)
                && (rest.starts_with('/') || from.is_empty())
            {
                add(to, rest, String::new());
            }
        }
        if let Some((commit, rest)) = in_library(named) {
            let mut libraries: Vec<_> = self
                .libraries
                .iter()
                .map(|folder| (folder, commit.is_none_or(|commit| is_of(folder, commit))))
                .collect();
            libraries.sort_by_key(|(_, same)| !same);
            for (folder, same) in libraries {
                let differs = "the installed standard library, perhaps not the version that the program was built with";
                add(folder, rest, if same { String::new() } else { differs.to_owned() });
            }
        }
        if let Some(rest) = in_registry(named) {
            self.registries.iter().for_each(|registry| add(registry, rest, String::new()));
        }
        for own in &self.own {
            if Path::new(named).is_relative() {
                add(own, named, String::new());
            } else if let Ok(rest) = Path::new(named).strip_prefix(own) {
                add(own, &rest.to_string_lossy(), String::new());
            }
        }
        candidates
    }

    /// Why a file was not found, and what helps.
    fn missing(&self, named: &str) -> String {
        if in_library(named).is_some() {
            return format!(
                "{named}: the standard library's sources are not installed; `rustup component add rust-src` brings them"
            );
        }
        if let Some(rest) = in_registry(named) {
            let krate = rest.split('/').next().unwrap_or_default();
            return format!(
                "{named}: {krate} is not in this user's cargo registry; `cargo fetch` in the program's folder does"
            );
        }
        format!(
            "{named}: not in a folder that sources may be shown from; start plop-view in the program's folder, or say where it is \
             with --source-path FROM=TO"
        )
    }
}

impl Candidate {
    /// The file, if it lies in its folder, has nothing hidden on the way there, and is a plain one of no absurd size.
    fn open(&self) -> Option<Found> {
        let root = self.root.canonicalize().ok()?;
        let path = self.path.canonicalize().ok()?;
        let inside = path.strip_prefix(&root).ok()?;
        let is_plain =
            |part: Component<'_>| matches!(part, Component::Normal(name) if !name.as_encoded_bytes().starts_with(b"."));
        let extension = path.extension().and_then(|extension| extension.to_str());
        if !inside.components().all(is_plain) || !extension.is_some_and(|extension| EXTENSIONS.contains(&extension)) {
            return None;
        }
        // Opening a pipe would wait for who writes to it.
        if !path.metadata().ok()?.is_file() {
            return None;
        }
        let file = File::open(&path).ok()?;
        let bytes = file.metadata().ok()?.len();
        if bytes > LARGEST {
            return None;
        }
        let mut content = Vec::with_capacity(bytes as usize);
        file.take(LARGEST).read_to_end(&mut content).ok()?;
        Some(Found { path, text: String::from_utf8_lossy(&content).into_owned(), remark: self.remark.clone() })
    }
}

/// `library/std/src/…` of `/rustc/COMMIT/library/std/src/…`, with the commit, or of a path into installed sources.
fn in_library(named: &str) -> Option<(Option<&str>, &str)> {
    if let Some(rest) = named.strip_prefix("/rustc/") {
        let (commit, rest) = rest.split_once('/')?;
        return Some((Some(commit), rest));
    }
    let (_, rest) = named.split_once("/lib/rustlib/src/rust/")?;
    Some((None, rest))
}

/// `crate-version/src/…` of `…/registry/src/INDEX/crate-version/src/…`.
fn in_registry(named: &str) -> Option<&str> {
    let (_, rest) = named.split_once("/registry/src/")?;
    Some(rest.split_once('/')?.1)
}

/// Whether a toolchain's sources are of that commit: its manifest names the first nine digits.
fn is_of(library: &Path, commit: &str) -> bool {
    let Some(start) = commit.get(..9) else { return false };
    let manifest = library.ancestors().nth(2).map(|rustlib| rustlib.join("multirust-channel-manifest.toml"));
    let text = manifest.and_then(|manifest| std::fs::read_to_string(manifest).ok());
    text.is_some_and(|text| text.contains(&format!("({start} ")))
}

fn subfolders(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// A folder with these files, each with its own name in it.
    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, name).unwrap();
        }
        folder
    }

    fn text(places: &Places, named: &str) -> Option<String> {
        places.find(named).ok().map(|found| found.text)
    }

    #[test]
    fn paths_are_mapped_at_whole_folders_only() {
        let sources = folder(&["src/main.rs"]);
        let mut places = Places::default();
        places.map(&format!("/build/app={}", sources.path().display())).unwrap();
        assert_eq!(text(&places, "/build/app/src/main.rs").as_deref(), Some("src/main.rs"));
        assert_eq!(text(&places, "/build/application/src/main.rs"), None);
        assert_eq!(text(&places, "/elsewhere/src/main.rs"), None);
        assert_eq!(
            places.map("/a=/no/such/folder").unwrap_err(),
            "--source-path: /no/such/folder is no folder; write FROM=TO"
        );
    }

    #[test]
    fn registry_and_library_paths_of_other_machines_are_found_here() {
        let (registry, library) = (folder(&["serde-1.0.1/src/de.rs"]), folder(&["library/core/src/num.rs"]));
        let places = Places {
            registries: vec![registry.path().to_owned()],
            libraries: vec![library.path().to_owned()],
            ..Places::default()
        };
        let de = "/home/them/.cargo/registry/src/index.crates.io-6f17d22bba15001f/serde-1.0.1/src/de.rs";
        assert_eq!(text(&places, de).as_deref(), Some("serde-1.0.1/src/de.rs"));
        let num = places.find("/rustc/0123456789abcdef0123456789abcdef01234567/library/core/src/num.rs").unwrap();
        assert_eq!(num.text, "library/core/src/num.rs");
        assert!(num.remark.contains("perhaps not the version"), "{}", num.remark);
        let missing = places.find("/rustc/0123/library/core/src/gone.rs").unwrap_err();
        assert!(missing.contains("rustup component add rust-src"), "{missing}");
        let missing = places.find("/x/registry/src/i/serde-2.0.0/src/de.rs").unwrap_err();
        assert!(missing.contains("serde-2.0.0 is not in this user's cargo registry"), "{missing}");
    }

    #[test]
    fn a_hostile_profile_gets_nothing_from_outside() {
        let secret = folder(&["key.rs", "passwd"]);
        let sources = folder(&["src/main.rs", ".env.rs", ".git/hook.py", "notes.txt"]);
        std::os::unix::fs::symlink(secret.path().join("key.rs"), sources.path().join("src/link.rs")).unwrap();
        std::os::unix::fs::symlink(secret.path(), sources.path().join("linked")).unwrap();
        // A link whose name is a source's to a file inside that is none.
        std::os::unix::fs::symlink(sources.path().join("notes.txt"), sources.path().join("src/notes.rs")).unwrap();
        let pipe = std::process::Command::new("mkfifo").arg(sources.path().join("src/pipe.rs")).status().unwrap();
        assert!(pipe.success());
        let root = sources.path().display();
        let mut places = Places::default().with_work_in(sources.path());
        places.registries.push(sources.path().to_owned());
        places.libraries.push(sources.path().to_owned());
        places.map(&format!("/build={root}")).unwrap();
        assert_eq!(text(&places, &format!("{root}/src/main.rs")).as_deref(), Some("src/main.rs"));
        assert_eq!(text(&places, "src/main.rs").as_deref(), Some("src/main.rs"));
        let outside = secret.path().display();
        let key = format!("{}/key.rs", secret.path().file_name().unwrap().to_str().unwrap());
        for named in [
            "/etc/passwd".to_owned(),
            "/etc/hosts.rs".to_owned(),
            format!("{outside}/key.rs"),
            format!("{outside}/passwd"),
            format!("{root}/../{key}"),
            format!("{root}/src/../../{key}"),
            format!("../{key}"),
            format!("/build/../{key}"),
            format!("/build/src/../../{key}"),
            format!("/rustc/0123/../{key}"),
            format!("/rustc/0123//{outside}/key.rs"),
            format!("/x/registry/src/i/../{key}"),
            format!("/x/registry/src/i/{outside}/key.rs"),
            format!("{root}/src/link.rs"),
            format!("{root}/linked/key.rs"),
            format!("{root}/src/notes.rs"),
            format!("{root}/src/pipe.rs"),
            format!("{root}/.env.rs"),
            format!("{root}/.git/hook.py"),
            format!("{root}/notes.txt"),
            format!("{root}/src"),
            format!("{root}/src/main.rs\0.rs"),
            "/dev/zero".to_owned(),
            "/proc/self/environ".to_owned(),
        ] {
            assert_eq!(text(&places, &named), None, "{named}");
        }
    }

    #[test]
    fn neither_the_whole_machine_nor_a_home_is_a_programs_folder() {
        assert!(Places::default().with_work_in(Path::new("/")).own.is_empty());
        if let Some(home) = std::env::home_dir().filter(|home| home.is_dir()) {
            assert!(Places::default().with_work_in(&home).own.is_empty());
        }
    }

    #[test]
    fn files_beyond_the_bound_are_not_shown() {
        let sources = folder(&["large.rs"]);
        File::options().write(true).open(sources.path().join("large.rs")).unwrap().set_len(LARGEST + 1).unwrap();
        assert_eq!(text(&Places::default().with_work_in(sources.path()), "large.rs"), None);
    }
}
