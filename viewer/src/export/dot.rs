//! The picture's items and edges for graphviz, which lays them out its own way.

use std::io::{self, Write};

use super::svg::{color, share};
use super::{Exporter, difference};
use crate::compare::Both;
use crate::filter::Viewed;
use crate::picture::{self, Edge, EdgeKind, EdgeSides, Item, ItemKind, ItemSides, Picture, Settings, Source};
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
        let total = format!("{} in all", Quantity::new(picture.total, viewed.unit()));
        write_picture(&picture, viewed, &total, out)
    }

    /// Coloured by what has changed; each thing with what it has before and after.
    fn write_difference(&self, both: &Both<'_>, out: &mut dyn Write) -> io::Result<()> {
        let totals = both.scaled(&both.node_self.map(|values| values.iter().sum()));
        let [before, after] = [totals.before, totals.after].map(|value| Quantity::new(value, both.viewed.unit()));
        write_picture(&difference::picture(both), &both.viewed, &format!("{before} before, {after} after"), out)
    }
}

fn write_picture(picture: &Picture, viewed: &Viewed<'_>, total: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "digraph plop {{")?;
    writeln!(out, "  label={};", quoted(&format!("{}: {total}", viewed.kind())))?;
    writeln!(out, "  node [shape=box, style=\"filled,rounded\", fontname=\"sans-serif\"];")?;
    for (number, item) in picture.items.iter().enumerate() {
        write_item(picture, number, item, viewed.unit(), out)?;
    }
    for edge in &picture.edges {
        write_edge(picture, edge, viewed.unit(), out)?;
    }
    writeln!(out, "}}")
}

/// Letters grow with the square root of what an item has itself, as the picture's circles do.
fn write_item(picture: &Picture, number: usize, item: &Item, unit: &str, out: &mut dyn Write) -> io::Result<()> {
    let percent = |value: i64| 100.0 * share(picture, value);
    let value = |value: i64| Quantity::new(value, unit);
    let (own, total) = match &item.sides {
        None => (
            format!("{} ({:.1}%)", value(item.self_value), percent(item.self_value)),
            format!("of {} ({:.1}%)", value(item.total), percent(item.total)),
        ),
        Some(ItemSides { delta, before, after }) => (
            format!("{} → {}", value(before.self_value), value(after.self_value)),
            format!("of {} → {}, {}", value(before.total), value(after.total), difference::change(*delta)),
        ),
    };
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
    let value = |value: i64| Quantity::new(value, unit);
    let (weight, color) = match &edge.sides {
        None if edge.kind == EdgeKind::Back => (value(edge.weight).to_string(), ", color=\"#d08060\"".to_owned()),
        None => (value(edge.weight).to_string(), String::new()),
        Some(EdgeSides { delta, before, after }) => {
            (format!("{} → {}", value(*before), value(*after)), format!(", color=\"{}\"", difference::tint(*delta)))
        }
    };
    writeln!(
        out,
        "  n{from} -> n{to} [label={}, weight={}, penwidth={:.2}, style={}{}];",
        quoted(&format!("{weight}{elided}")),
        1 + (100.0 * share) as i64,
        0.7 + 7.0 * share,
        if edge.elided > 0 { "dashed" } else { "solid" },
        color,
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
