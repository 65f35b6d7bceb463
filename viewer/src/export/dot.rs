//! The picture's items and edges for graphviz, which lays them out its own way.

use std::io::{self, Write};

use super::Exporter;
use super::svg::{color, share};
use crate::filter::Viewed;
use crate::picture::{self, Edge, EdgeKind, Item, ItemKind, Picture, Settings, Source};
use crate::quantity::Quantity;

pub(super) struct Dot;

impl Exporter for Dot {
    fn name(&self) -> &'static str {
        "dot"
    }

    fn content_type(&self) -> &'static str {
        "text/vnd.graphviz; charset=utf-8"
    }

    fn extension(&self) -> &'static str {
        "dot"
    }

    fn write(&self, viewed: &Viewed<'_>, out: &mut dyn Write) -> io::Result<()> {
        let node_self = viewed.node_self(viewed.sample_type);
        let source = Source { tree: &viewed.tree, node_self: &node_self, functions: viewed.functions };
        let picture = picture::picture(source, &Settings::default());
        let total = Quantity::new(picture.total, viewed.unit());
        writeln!(out, "digraph plop {{")?;
        writeln!(out, "  label={};", quoted(&format!("{}: {total} in all", viewed.kind())))?;
        writeln!(out, "  node [shape=box, style=\"filled,rounded\", fontname=\"sans-serif\"];")?;
        for (number, item) in picture.items.iter().enumerate() {
            write_item(&picture, number, item, viewed.unit(), out)?;
        }
        for edge in &picture.edges {
            write_edge(&picture, edge, viewed.unit(), out)?;
        }
        writeln!(out, "}}")
    }
}

/// Letters grow with the square root of what an item has itself, as the picture's circles do.
fn write_item(picture: &Picture, number: usize, item: &Item, unit: &str, out: &mut dyn Write) -> io::Result<()> {
    let percent = |value: i64| 100.0 * share(picture, value);
    let own = format!("{} ({:.1}%)", Quantity::new(item.self_value, unit), percent(item.self_value));
    let total = format!("of {} ({:.1}%)", Quantity::new(item.total, unit), percent(item.total));
    let size = 9.0 + 40.0 * share(picture, item.self_value).max(0.0).sqrt();
    let shape = match item.kind {
        ItemKind::Function => "",
        ItemKind::Fold => ", style=\"filled,dashed\"",
    };
    writeln!(
        out,
        "  n{number} [label={}, tooltip={}, fontsize={size:.0}, color=\"{}\", fillcolor=\"{}20\"{shape}];",
        quoted(&format!("{}\n{own}\n{total}", item.label)),
        quoted(&item.name),
        color(picture, item),
        color(picture, item),
    )
}

/// What the picture shows on hover only is thin and has no label here.
fn write_edge(picture: &Picture, edge: &Edge, unit: &str, out: &mut dyn Write) -> io::Result<()> {
    let Edge { from, to, .. } = edge;
    if edge.kind == EdgeKind::Faint {
        return writeln!(out, "  n{from} -> n{to} [color=\"#bbbbbb\", penwidth=0.5, arrowsize=0.5];");
    }
    let share = share(picture, edge.weight).max(0.0);
    let elided = if edge.elided > 0 { format!(" ⋯{}", edge.elided) } else { String::new() };
    writeln!(
        out,
        "  n{from} -> n{to} [label={}, weight={}, penwidth={:.2}, style={}{}];",
        quoted(&format!("{}{elided}", Quantity::new(edge.weight, unit))),
        1 + (100.0 * share) as i64,
        0.7 + 7.0 * share,
        if edge.elided > 0 { "dashed" } else { "solid" },
        if edge.kind == EdgeKind::Back { ", color=\"#d08060\"" } else { "" },
    )
}

/// A text as graphviz reads it: in quotes, in which a backslash begins an escape.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for sign in text.chars() {
        match sign {
            '"' | '\\' => out.extend(['\\', sign]),
            '\n' => out.push_str("\\n"),
            sign if sign.is_control() => out.push(' '),
            sign => out.push(sign),
        }
    }
    out.push('"');
    out
}
