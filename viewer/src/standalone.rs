//! The page in one file: its scripts and the answers about a view, to be opened from disk without a server.
//!
//! The answers lie in the file as JSON in which no `<` stands, so that no text of a profile can end it; a content-security
//! policy lets the stylesheet and the scripts count by their hashes, and nothing else.

use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value};

use crate::compare::Both;
use crate::export::exporter::Exporter;
use crate::filter::Viewed;
use crate::server::kept;

pub(crate) struct Html;

impl Exporter for Html {
    fn name(&self) -> &'static str {
        "html"
    }

    fn content_type(&self) -> &'static str {
        "text/html; charset=utf-8"
    }

    fn extension(&self) -> &'static str {
        "html"
    }

    fn write(&self, viewed: &Viewed<'_>, out: &mut dyn Write) -> io::Result<()> {
        write_page(kept::answers(viewed, &name(viewed)), out)
    }

    fn write_difference(&self, both: &Both<'_>, out: &mut dyn Write) -> io::Result<()> {
        write_page(kept::answers_of_both(both, &name(&both.viewed)), out)
    }
}

fn write_page(answers: Map<String, Value>, out: &mut dyn Write) -> io::Result<()> {
    let answers = serde_json::to_string(&answers)?.replace('<', "\\u003c");
    let (style, before) = (page_file("style.css")?, page_file("standalone.js")?);
    let script = plop_web::script("app.js").ok_or_else(|| broken("app.js"))?;
    let policy = format!(
        "default-src 'none'; script-src {} {}; style-src {}; img-src data: blob:; \
             connect-src blob:; base-uri 'none'; form-action 'none'",
        hash(&before),
        hash(&script),
        hash(&style),
    );
    let icon = page_file("icon.svg")?;
    let icon = format!("data:image/svg+xml;base64,{}", BASE64.encode(&icon.bytes));
    let index = text(&page_file("index.html")?);
    let style = format!("<style>{}</style>", text(&style));
    let start = format!(
        "<script type=\"application/json\" id=\"plop-data\">{answers}</script>\n\
             <script>{}</script>\n<script>{}</script>\n</body>",
        text(&before),
        text(&script)
    );
    let page = index
        .replace("<html", "<html data-standalone")
        .replace("<head>", &format!("<head>\n<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">"))
        .replace("<link rel=\"stylesheet\" href=\"style.css\">", &style)
        .replace("<script type=\"module\" src=\"app.js\"></script>\n", "")
        .replace("\"icon.svg\"", &format!("\"{icon}\""));
    // The data come last: nothing of them is looked for and replaced.
    let (before, after) = page.rsplit_once("</body>").ok_or_else(|| broken("index.html"))?;
    write!(out, "{before}{start}{after}")
}

/// What the profile is called: by the program that it is of, if it says so.
fn name(viewed: &Viewed<'_>) -> String {
    let profile = &viewed.opened.profile;
    let program = profile.mappings.first().map(|mapping| &profile.strings[mapping.file]);
    let program = program.and_then(|file| file.rsplit(['/', '\\']).next()).filter(|name| !name.is_empty());
    program.unwrap_or(viewed.opened.format).to_owned()
}

fn page_file(path: &'static str) -> io::Result<plop_web::File> {
    plop_web::file(path).ok_or_else(|| broken(path))
}

fn broken(path: &str) -> io::Error {
    io::Error::other(format!("the page of this program lacks {path}"))
}

fn text(file: &plop_web::File) -> String {
    String::from_utf8_lossy(&file.bytes).into_owned()
}

/// How a policy names what stands in the page.
fn hash(file: &plop_web::File) -> String {
    format!("'sha256-{}'", BASE64.encode(file.sha256))
}
