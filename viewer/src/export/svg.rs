//! The picture as an SVG that stands by itself. Draws the seed as it is; knows no samples.

use std::borrow::Cow;
use std::fmt::Write;
use std::io;

use super::course::{Course, course};
use super::{Exporter, difference};
use crate::compare::Both;
use crate::filter::Viewed;
use crate::picture::{self, Edge, EdgeKind, Item, ItemKind, Picture, Settings, Source};

pub(super) struct Svg;

impl Exporter for Svg {
    fn name(&self) -> &'static str {
        "svg"
    }

    fn content_type(&self) -> &'static str {
        "image/svg+xml"
    }

    fn extension(&self) -> &'static str {
        "svg"
    }

    fn write(&self, viewed: &Viewed<'_>, out: &mut dyn io::Write) -> io::Result<()> {
        let node_self = viewed.node_self(viewed.sample_type);
        let source = Source { tree: &viewed.tree, node_self: &node_self, functions: viewed.functions };
        out.write_all(svg(&picture::picture(source, &Settings::default())).as_bytes())
    }

    /// Coloured by what has changed, and labelled with its sign.
    fn write_difference(&self, both: &Both<'_>, out: &mut dyn io::Write) -> io::Result<()> {
        out.write_all(svg(&difference::picture(both)).as_bytes())
    }
}

/// The page's colours in the light: eight of Okabe and Ito's, safe for colour-blind eyes, and companions of them.
const PALETTE: [&str; 12] = [
    "#0072b2", "#cc5a00", "#00946b", "#aa4499", "#a87a0a", "#2f8fc2", "#882255", "#2f9585", "#5a5fb0", "#c2527a",
    "#6b8e23", "#8c564b",
];
const GREY: &str = "#7d848f";
const GROUND: &str = "#fbfbf9";
const INK: &str = "#1d2129";
const SOFT: &str = "#565f6e";
const RING: &str = "#e3e5e9";
const EDGE: &str = "#98a0ad";
const BACK: &str = "#c26a3a";

/// What keeps letters apart from the lines below them.
const HALO: &str = r##"stroke="#fbfbf9" stroke-width="3" paint-order="stroke""##;
/// Left free at both ends of the line above the strip.
const MARGIN: f64 = 12.0;

/// From which part of the whole on an item's own share stands beside its name, and is printed large.
const SHARE_SHOWN: f64 = 0.005;
const LARGE: f64 = 0.03;
const LABEL_CHARACTERS: usize = 24;
/// The width of a character as a part of its size, on average.
const CHARACTER: f64 = 0.57;

/// The picture as SVG.
fn svg(picture: &Picture) -> String {
    let mut out = String::new();
    write_svg(picture, &mut out).expect("a string takes whatever is written");
    out
}

fn write_svg(picture: &Picture, out: &mut String) -> std::fmt::Result {
    let Picture { width, height, .. } = *picture;
    writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" font-family="DejaVu Sans, sans-serif" font-size="11">"#
    )?;
    writeln!(out, r#"<rect width="100%" height="100%" fill="{GROUND}"/>"#)?;
    write_strip_line(picture, out)?;
    for edge in &picture.edges {
        write_edge(picture, edge, out)?;
    }
    let mut taken = Vec::new();
    for item in &picture.items {
        write_circle(picture, item, out)?;
        taken.push(Rectangle { center: [item.x, item.y], half: [item.radius; 2] });
    }
    for item in &picture.items {
        taken.push(write_label(picture, item, out)?);
    }
    write_counts(picture, &mut taken, out)?;
    writeln!(out, "</svg>")
}

/// That of its group, or of what has become of it.
pub(super) fn color(picture: &Picture, item: &Item) -> Cow<'static, str> {
    match &item.sides {
        Some(sides) => Cow::Owned(difference::tint(sides.delta)),
        None => Cow::Borrowed(PALETTE.get(usize::from(picture.groups[item.group].color)).copied().unwrap_or(GREY)),
    }
}

pub(super) fn share(picture: &Picture, value: i64) -> f64 {
    value as f64 / (picture.total as f64).max(1.0)
}

fn write_edge(picture: &Picture, edge: &Edge, out: &mut String) -> std::fmt::Result {
    let (from, to) = (&picture.items[edge.from], &picture.items[edge.to]);
    match edge.kind {
        EdgeKind::Faint => return Ok(()),
        EdgeKind::Pip => {
            let (x, y) = (from.x + 0.7 * (from.radius + 5.0), from.y - 0.7 * (from.radius + 5.0));
            return writeln!(out, r#"<circle cx="{x:.1}" cy="{y:.1}" r="2.2" fill="{}"/>"#, color(picture, to));
        }
        EdgeKind::Line | EdgeKind::Back => {}
    }
    let thickness = thickness(picture, edge);
    let head = head(thickness);
    let Course { start, parts, tip, towards: [ux, uy], .. } =
        course(from.into(), to.into(), &edge.bends, picture.direction, head);
    let stroke = match &edge.sides {
        Some(sides) => Cow::Owned(difference::tint(sides.delta)),
        None => Cow::Borrowed(if edge.kind == EdgeKind::Back { BACK } else { EDGE }),
    };
    let dash = if edge.elided > 0 {
        format!(r#" stroke-dasharray="{:.1} {:.1}""#, 3.0 + thickness, 3.0 + thickness / 2.0)
    } else {
        String::new()
    };
    write!(out, r#"<path d="M{:.1},{:.1}"#, start[0], start[1])?;
    for [[ax, ay], [bx, by], [x, y]] in parts {
        write!(out, " C{ax:.1},{ay:.1} {bx:.1},{by:.1} {x:.1},{y:.1}")?;
    }
    writeln!(out, r#"" fill="none" stroke="{stroke}" stroke-width="{thickness:.2}" opacity=".8"{dash}/>"#)?;
    let (wx, wy) = (-uy * head * 0.45, ux * head * 0.45);
    let [bx, by] = [tip[0] - ux * head, tip[1] - uy * head];
    writeln!(
        out,
        r#"<path d="M{:.1},{:.1} L{:.1},{:.1} L{:.1},{:.1} Z" fill="{stroke}"/>"#,
        tip[0],
        tip[1],
        bx + wx,
        by + wy,
        bx - wx,
        by - wy
    )?;
    Ok(())
}

fn thickness(picture: &Picture, edge: &Edge) -> f64 {
    let share = share(picture, edge.weight);
    0.7 + 10.5 * share + 2.2 * share.sqrt()
}

/// The length of an arrowhead.
fn head(thickness: f64) -> f64 {
    4.0 + 1.6 * thickness.min(9.0)
}

/// What something drawn takes.
struct Rectangle {
    center: [f64; 2],
    half: [f64; 2],
}

impl Rectangle {
    fn overlaps(&self, other: &Rectangle) -> bool {
        (0..2).all(|axis| (self.center[axis] - other.center[axis]).abs() < self.half[axis] + other.half[axis])
    }
}

/// How many functions edges pass over, the heaviest edges first, where that has room between all that is drawn.
fn write_counts(picture: &Picture, taken: &mut Vec<Rectangle>, out: &mut String) -> std::fmt::Result {
    let is_written = |edge: &&Edge| edge.elided > 0 && matches!(edge.kind, EdgeKind::Line | EdgeKind::Back);
    let mut edges: Vec<&Edge> = picture.edges.iter().filter(is_written).collect();
    edges.sort_by_key(|edge| std::cmp::Reverse(edge.weight));
    for edge in edges {
        let (from, to) = (&picture.items[edge.from], &picture.items[edge.to]);
        let head = head(thickness(picture, edge));
        let course = course(from.into(), to.into(), &edge.bends, picture.direction, head);
        let text = format!("⋯{}", edge.elided);
        let half = [text.chars().count() as f64 * 3.5, 6.0];
        let mut places = course.middles.into_iter().map(|center| Rectangle { center, half });
        let Some(place) = places.find(|place| !taken.iter().any(|other| place.overlaps(other))) else { continue };
        let (x, y) = (place.center[0], place.center[1] + 3.5);
        writeln!(
            out,
            r#"<text x="{x:.1}" y="{y:.1}" text-anchor="middle" font-size="10" {HALO} fill="{SOFT}">{text}</text>"#
        )?;
        taken.push(place);
    }
    Ok(())
}

/// The line above the strip, with what it holds.
fn write_strip_line(picture: &Picture, out: &mut String) -> std::fmt::Result {
    let tops = picture.items.iter().filter(|item| item.strip).map(|item| item.y - item.radius);
    let Some(y) = tops.reduce(f64::min).map(|top| (top - 14.0).round() + 0.5) else { return Ok(()) };
    let (from, to) = (MARGIN, picture.width - MARGIN);
    writeln!(out, r#"<path d="M{from},{y} H{to}" stroke="{RING}"/>"#)?;
    let text = "shared callees and folded groups; a dot beside a circle marks a call to one";
    writeln!(out, r#"<text x="{from}" y="{:.1}" fill="{SOFT}">{text}</text>"#, y - 4.0)
}

fn write_circle(picture: &Picture, item: &Item, out: &mut String) -> std::fmt::Result {
    let Item { x, y, radius, .. } = *item;
    let color = color(picture, item);
    let ring = radius + 2.5;
    writeln!(out, r#"<circle cx="{x}" cy="{y}" r="{ring:.1}" fill="none" stroke="{RING}" stroke-width="2"/>"#)?;
    let turn = share(picture, item.total).clamp(0.0, 0.9999) * std::f64::consts::TAU;
    let (end_x, end_y) = (x + ring * turn.sin(), y - ring * turn.cos());
    let large = u8::from(turn > std::f64::consts::PI);
    writeln!(
        out,
        r#"<path d="M{x},{:.1} A{ring:.1},{ring:.1} 0 {large} 1 {end_x:.1},{end_y:.1}" fill="none" stroke="{color}" stroke-width="2"/>"#,
        y - ring
    )?;
    let (fill, stroke) = match item.kind {
        ItemKind::Fold => (format!(r#"fill="{color}" fill-opacity=".35""#), r#" stroke-dasharray="2.5 2""#),
        ItemKind::Function if item.self_value == 0 => (format!(r#"fill="{GROUND}" stroke-width="1.6""#), ""),
        ItemKind::Function => (format!(r#"fill="{color}""#), ""),
    };
    writeln!(out, r#"<circle cx="{x}" cy="{y}" r="{radius}" {fill} stroke="{color}"{stroke}/>"#)
}

/// Gives what it takes.
fn write_label(picture: &Picture, item: &Item, out: &mut String) -> Result<Rectangle, std::fmt::Error> {
    let mut label: String = item.label.chars().take(LABEL_CHARACTERS).collect();
    if item.label.chars().count() > LABEL_CHARACTERS {
        label.pop();
        label.push('…');
    }
    let part = share(picture, item.self_value);
    let change = item.sides.map(|sides| difference::change(sides.delta)).filter(|change| change != "same");
    if let Some(change) = &change {
        label = format!("{label}  {change}");
    } else if part >= SHARE_SHOWN {
        label = format!("{label}  {:.*} %", usize::from(part < 0.0995), 100.0 * part);
    }
    let size = if part > LARGE { 13.0 } else { 11.0 };
    let half = [label.chars().count() as f64 * CHARACTER * size / 2.0, size * 0.6];
    let (x, y, anchor, center) = match item.beside {
        true => (item.x + item.radius + 6.0, item.y + 4.0, "start", item.x + item.radius + 6.0 + half[0]),
        false => (item.x, item.y + item.radius + 4.0 + size, "middle", item.x),
    };
    let weight = if part > LARGE { r#" font-weight="600""# } else { "" };
    let (slant, fill) = match item.kind {
        ItemKind::Fold => (r#" font-style="italic""#, SOFT),
        ItemKind::Function => ("", INK),
    };
    writeln!(
        out,
        r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" font-size="{size}"{weight}{slant} {HALO} fill="{fill}"><title>{} {:.1}%</title>{}</text>"#,
        escaped(&item.name),
        100.0 * part,
        escaped(&label)
    )?;
    Ok(Rectangle { center: [center, y - 0.35 * size], half })
}

/// Names are text, never markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use plop_profile::{FrameTree, LabelSetId, Profile};

    use super::*;
    use crate::Function;
    use crate::picture::{Settings, Source};

    #[test]
    fn a_name_that_looks_like_markup_stays_text() {
        let name = "</text><script>alert('&')</script>";
        let mut profile = Profile::new([("samples", "count")]);
        let [main, other] = ["main", name].map(|name| profile.named_location(name, ""));
        let stack = profile.stacks.intern([other, main]);
        profile.samples.add(stack, LabelSetId::EMPTY, &[3]);
        let tree = FrameTree::new(&profile);
        let named =
            |id, name: &str| Function { id, name: name.to_owned(), label: name.to_owned(), ..Function::default() };
        let functions: Vec<Function> =
            tree.frames.iter().zip(1..).map(|(&frame, id)| named(id, &profile.frame_name(frame))).collect();
        let node_self = tree.self_values(&profile, 0, |_| true);
        let source = Source { tree: &tree, node_self: &node_self, functions: &functions };
        let svg = svg(&picture::picture(source, &Settings::default()));
        assert!(!svg.contains("<script"));
        assert!(svg.contains("&lt;/text&gt;&lt;script&gt;alert('&amp;')&lt;/script&gt;"));
        assert_eq!(svg.matches("<text").count(), 2);
    }
}
