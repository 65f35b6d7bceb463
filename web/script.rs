//! One script made of a module and all that it imports, so that a browser asks once and not for each of fifty.
//!
//! Each module becomes a function that runs once, after those that it imports, and gives what it exports. That is all that
//! the page needs: its modules import each other in no circle, by lines of the two forms below, and export at a declaration.

use std::collections::HashMap;
use std::fmt::Write;

/// The script of the module at `path`; `read` gives the text of each. None if a module is missing.
pub(crate) fn script(path: &str, read: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let mut script = Script { read, text: "(() => {\n\"use strict\";\n".to_owned(), modules: HashMap::new() };
    script.add(path)?;
    script.text.push_str("})();\n");
    Some(script.text)
}

struct Script<'a> {
    read: &'a dyn Fn(&str) -> Option<String>,
    text: String,
    /// What each module that is in the text already is called there, by its path.
    modules: HashMap<String, String>,
}

impl Script<'_> {
    /// Adds a module behind those that it imports; gives what it is called.
    fn add(&mut self, path: &str) -> Option<String> {
        if let Some(known) = self.modules.get(path) {
            return Some(known.clone());
        }
        let (mut body, mut exported) = (String::new(), Vec::new());
        for line in (self.read)(path)?.lines() {
            match Statement::of(line) {
                Statement::Import { names, from } => {
                    let module = self.add(&beside(path, from))?;
                    match names.strip_prefix("* as ") {
                        Some(name) => writeln!(body, "const {name} = {module};"),
                        None => writeln!(body, "const {} = {module};", names.replace(" as ", ": ")),
                    }
                }
                Statement::Declaration { name, declared } => {
                    exported.push(name.to_owned());
                    writeln!(body, "{declared}")
                }
                Statement::List { code, names } => {
                    let renamed = |name: &str| match name.trim().split_once(" as ") {
                        Some((here, there)) => format!("{there}: {here}"),
                        None => name.trim().to_owned(),
                    };
                    exported.extend(names.split(',').filter(|name| !name.trim().is_empty()).map(renamed));
                    writeln!(body, "{code}")
                }
                Statement::Other => writeln!(body, "{line}"),
            }
            .ok()?;
        }
        let name = format!("module{}", self.modules.len());
        self.modules.insert(path.to_owned(), name.clone());
        let exported = exported.join(", ");
        write!(self.text, "// {path}\nconst {name} = (() => {{\n{body}return {{ {exported} }};\n}})();\n").ok()?;
        Some(name)
    }
}

/// What a line of a module says to other modules.
enum Statement<'a> {
    /// `import { a, b as c } from "./d.js";` or `import * as d from "./d.js";`
    Import {
        names: &'a str,
        from: &'a str,
    },
    /// `export` before a function, a class or a constant.
    Declaration {
        name: &'a str,
        declared: &'a str,
    },
    /// `export { a, b as c };`, also behind other code, where a minifier puts it.
    List {
        code: &'a str,
        names: &'a str,
    },
    Other,
}

impl<'a> Statement<'a> {
    fn of(line: &'a str) -> Self {
        let import = line.strip_prefix("import ").and_then(|line| line.strip_suffix("\";"));
        if let Some((names, from)) = import.and_then(|import| import.split_once(" from \"")) {
            return Statement::Import { names, from };
        }
        if let Some(declared) = line.strip_prefix("export ").filter(|rest| !rest.starts_with('{')) {
            let words = declared.split(|sign: char| !(sign.is_alphanumeric() || sign == '_' || sign == '$'));
            let keywords = ["async", "function", "class", "const", ""];
            let name = words.into_iter().find(|word| !keywords.contains(word)).unwrap_or_default();
            return Statement::Declaration { name, declared };
        }
        let list = line.strip_suffix("};").and_then(|line| line.rsplit_once("export"));
        match list.and_then(|(code, names)| Some((code, names.trim_start().strip_prefix('{')?))) {
            Some((code, names)) => Statement::List { code, names },
            None => Statement::Other,
        }
    }
}

/// The path that a module at `path` means by `relative`, which begins with `./` or `../`.
fn beside(path: &str, relative: &str) -> String {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in relative.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_comes_once_behind_those_that_it_imports_and_gives_what_it_exports() {
        let read = |path: &str| {
            let text = match path {
                "a.js" => "import { b, c as d } from \"./e/b.js\";\nimport * as f from \"./f.js\";\nd(b, f);",
                "e/b.js" => "import { g } from \"../f.js\";\nexport const b = 1;\nexport async function c(x) {\n}",
                "f.js" => "class h{}export{h as g};",
                _ => return None,
            };
            Some(text.to_owned())
        };
        let expected = "(() => {\n\"use strict\";\n\
            // f.js\nconst module0 = (() => {\nclass h{}\nreturn { g: h };\n})();\n\
            // e/b.js\nconst module1 = (() => {\nconst { g } = module0;\nconst b = 1;\nasync function c(x) {\n}\nreturn { b, c };\n})();\n\
            // a.js\nconst module2 = (() => {\nconst { b, c: d } = module1;\nconst f = module0;\nd(b, f);\nreturn {  };\n})();\n\
            })();\n";
        assert_eq!(script("a.js", &read).as_deref(), Some(expected));
        assert_eq!(script("x.js", &read), None);
    }

    #[test]
    fn every_line_of_the_page_that_imports_or_exports_is_of_a_form_that_is_understood() {
        for path in crate::paths().filter(|path| path.ends_with(".js")) {
            let file = crate::file(&path).unwrap();
            for line in std::str::from_utf8(&file.bytes).unwrap().lines() {
                let speaks = line.starts_with("import") || line.starts_with("export") || line.contains("import.meta");
                let is_understood = match Statement::of(line) {
                    Statement::Import { from, .. } => crate::file(&beside(&path, from)).is_some(),
                    Statement::Declaration { name, .. } => !name.is_empty() && !line.starts_with("export default"),
                    Statement::List { .. } => true,
                    Statement::Other => !speaks,
                };
                assert!(is_understood, "{path}: {line}");
            }
        }
    }

    #[test]
    fn no_module_imports_what_imports_it() {
        fn walk(path: &str, way: &mut Vec<String>) {
            assert!(!way.iter().any(|above| above == path), "{way:?} {path}");
            way.push(path.to_owned());
            let file = crate::file(path).unwrap();
            for line in std::str::from_utf8(&file.bytes).unwrap().lines() {
                if let Statement::Import { from, .. } = Statement::of(line) {
                    walk(&beside(path, from), way);
                }
            }
            way.pop();
        }
        for entry in crate::SCRIPTS {
            walk(entry, &mut Vec::new());
        }
    }
}
