//! `api/function` and `api/matches`: one function by its id, and what a search finds.

use std::borrow::Cow;

use axum::extract::{Path, RawQuery};
use plop_profile::{CallGraph, FrameTree};
use serde::Serialize;
use serde_json::json;

use super::answer::{Answer, as_json, with_view};
use super::compare::Measured;
use super::query::Query;
use super::reply::Refusal;
use super::{State, compare};
use crate::filter::Viewed;
use crate::names;

/// A function as `api/function` answers it.
#[derive(Serialize)]
struct Known<'a> {
    id: String,
    name: &'a str,
    label: &'a str,
    #[serde(rename = "crate")]
    krate: &'a str,
    module: &'a str,
    file: &'a str,
    /// The name that its instances have in common, and how many are shown as it.
    family: Cow<'a, str>,
    instances: usize,
    #[serde(rename = "self")]
    self_value: i64,
    total: i64,
    unit: &'a str,
    view_total: i64,
    #[serde(flatten)]
    sides: Option<Measured>,
}

/// What is known of a function whose samples are summed in `graph`.
fn known<'a>(viewed: &'a Viewed<'_>, item: u64, graph: &CallGraph) -> Result<(usize, Known<'a>), Refusal> {
    let frame = viewed.frame_with(item).ok_or_else(|| Refusal::no_function(item))? as usize;
    let function = &viewed.functions[frame];
    let known = Known {
        id: format!("{item:016x}"),
        name: &function.name,
        label: &function.label,
        krate: &function.krate,
        module: &function.module,
        file: &function.file,
        family: names::family(&function.name),
        instances: function.instances,
        self_value: graph.self_values[frame],
        total: graph.totals[frame],
        unit: viewed.unit(),
        view_total: graph.total,
        sides: None,
    };
    Ok((frame, known))
}

/// `api/function/{id}`.
pub(super) async fn function(shared: State, Path(id): Path<String>, RawQuery(query): RawQuery) -> Answer {
    let query = Query::parse(query.as_deref())?;
    let item = query.wanted_item()?;
    if let Some(base) = query.base() {
        let answer = compare::of_both(shared, id, query, base, move |both, _| {
            let graphs = both.graphs();
            let (at, known) = known(&both.viewed, item, &graphs.after)?;
            let (own, total) = (graphs.map(|graph| graph.self_values[at]), graphs.map(|graph| graph.totals[at]));
            Ok(json!(Known { sides: Some(Measured::new(both, &own, &total)), ..known }))
        });
        return as_json(answer.await?);
    }
    let answer = with_view(shared, id, query, move |_, viewed, _| {
        known(viewed, item, &viewed.call_graph()).map(|(_, known)| json!(known))
    });
    as_json(answer.await?)
}

/// `api/matches/{id}`.
pub(super) async fn matches(shared: State, Path(id): Path<String>, RawQuery(query): RawQuery) -> Answer {
    let query = Query::parse(query.as_deref())?;
    let count = |viewed: &Viewed<'_>, own: &[i64], query: &Query| {
        let found: Vec<bool> =
            viewed.functions.iter().map(|function| function.name.to_lowercase().contains(&query.search)).collect();
        let (functions, weight) = weigh(&viewed.tree, own, &found);
        json!({"functions": functions, "weight": weight, "total": own.iter().sum::<i64>()})
    };
    if let Some(base) = query.base() {
        let answer = compare::of_both(shared, id, query, base, move |both, query| {
            Ok(count(&both.viewed, &both.together(), query))
        });
        return as_json(answer.await?);
    }
    let answer = with_view(shared, id, query, move |_, viewed, query| {
        let own = viewed.node_self(viewed.sample_type);
        Ok(count(viewed, &own, query))
    });
    as_json(answer.await?)
}

/// How many of the wanted functions the tree has, and what the samples weigh in whose stack one of them stands.
fn weigh(tree: &FrameTree, own: &[i64], wanted: &[bool]) -> (usize, i64) {
    let mut touched = vec![false; tree.nodes.len()];
    let mut stand = vec![false; wanted.len()];
    let mut weight = 0_i64;
    for (at, node) in tree.nodes.iter().enumerate().skip(1) {
        let is_wanted = wanted[node.frame as usize];
        stand[node.frame as usize] |= is_wanted;
        touched[at] = is_wanted || touched[node.parent as usize];
        if touched[at] {
            weight = weight.saturating_add(own[at]);
        }
    }
    (stand.into_iter().filter(|&stands| stands).count(), weight)
}
