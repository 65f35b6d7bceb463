//! `api/function` and `api/matches`: one function by its id, and what a search finds.

use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;
use plop_profile::FrameTree;
use serde_json::json;

use super::State;
use super::answer::{Answer, as_json, with_profile};
use super::query::Query;
use super::reply::Refusal;

/// `api/function/{id}`.
pub(super) async fn function(shared: State, Path(id): Path<String>, RawQuery(query): RawQuery) -> Answer {
    let query = Query::parse(query.as_deref())?;
    let item = query.wanted_item()?;
    let answer = with_profile(shared, id, move |_, opened| {
        let viewed = query.view.of(opened)?;
        let frame = viewed.functions.iter().position(|function| function.id == item);
        let no_such = || Refusal(StatusCode::NOT_FOUND, format!("item: the view has no function {item:016x}"));
        let frame = frame.ok_or_else(no_such)?;
        let (function, graph) = (&viewed.functions[frame], viewed.call_graph());
        Ok(json!({
            "id": format!("{item:016x}"),
            "name": function.name,
            "label": function.label,
            "crate": function.krate,
            "module": function.module,
            "file": function.file,
            "self": graph.self_values[frame],
            "total": graph.totals[frame],
            "unit": viewed.unit(),
            "view_total": graph.total,
        }))
    });
    as_json(answer.await?)
}

/// `api/matches/{id}`.
pub(super) async fn matches(shared: State, Path(id): Path<String>, RawQuery(query): RawQuery) -> Answer {
    let query = Query::parse(query.as_deref())?;
    let answer = with_profile(shared, id, move |_, opened| {
        let viewed = query.view.of(opened)?;
        let found: Vec<bool> =
            viewed.functions.iter().map(|function| function.name.to_lowercase().contains(&query.search)).collect();
        let own = viewed.node_self(viewed.sample_type);
        let (functions, weight) = weigh(&viewed.tree, &own, &found);
        Ok(json!({"functions": functions, "weight": weight, "total": own.iter().sum::<i64>()}))
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
