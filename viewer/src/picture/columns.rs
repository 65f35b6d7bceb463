//! The edges of a picture as its answer has them: one list for each field. There can be thousands, most of them marks; as
//! columns they are a fifth of the bytes, and a browser reads them as fast as numbers can be read.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{Edge, EdgeKind, EdgeSides};

/// One list.
struct Column<I>(I);

impl<I: Iterator + Clone> Serialize for Column<I>
where
    I::Item: Serialize,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.clone())
    }
}

fn letter(kind: EdgeKind) -> char {
    match kind {
        EdgeKind::Line => 'l',
        EdgeKind::Back => 'b',
        EdgeKind::Pip => 'p',
        EdgeKind::Faint => 'f',
    }
}

pub(super) fn columns<S: Serializer>(edges: &[Edge], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry("from", &Column(edges.iter().map(|edge| edge.from)))?;
    map.serialize_entry("to", &Column(edges.iter().map(|edge| edge.to)))?;
    map.serialize_entry("weight", &Column(edges.iter().map(|edge| edge.weight)))?;
    map.serialize_entry("elided", &Column(edges.iter().map(|edge| edge.elided)))?;
    map.serialize_entry("kinds", &edges.iter().map(|edge| letter(edge.kind)).collect::<String>())?;
    let bent = edges.iter().map(|edge| &edge.bends).enumerate().filter(|(_, bends)| !bends.is_empty());
    map.serialize_entry("bends", &Column(bent))?;
    // A picture of two profiles has them at every edge.
    let sides: Vec<EdgeSides> = edges.iter().filter_map(|edge| edge.sides).collect();
    if !sides.is_empty() {
        map.serialize_entry("delta", &Column(sides.iter().map(|sides| sides.delta)))?;
        map.serialize_entry("before", &Column(sides.iter().map(|sides| sides.before)))?;
        map.serialize_entry("after", &Column(sides.iter().map(|sides| sides.after)))?;
    }
    map.end()
}
