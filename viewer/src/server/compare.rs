//! What the views answer when the address names a profile to compare with: both on one layout, what each thing has on either
//! side, and what it has become.

use std::sync::Arc;

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use super::State;
use super::answer::{Shown, compute};
use super::query::{Base, Query};
use super::reply::Refusal;
use crate::compare::{CompareError, Comparison, Normalize, Scale, Sides};
use crate::filter::Viewed;
use crate::library::Entry;
use crate::opened::Opened;
use crate::picture::{self, Picture, Source};
use crate::timeline::Moment;
use plop_profile::CallGraph;

/// The answer of every view of two profiles says how they were compared.
#[derive(Serialize)]
pub(super) struct Compared<T> {
    compared: How,
    #[serde(flatten)]
    shown: T,
}

#[derive(Serialize)]
struct How {
    base: String,
    normalize: Normalize,
    /// What one unit of before weighs.
    factor: f64,
    /// The totals after the filters, before in units of after.
    totals: Sides<i64>,
    measured: Sides<i64>,
}

/// Two profiles as a view shows them.
pub(super) struct Both<'a> {
    pub(super) viewed: Viewed<'a>,
    /// As measured.
    pub(super) node_self: Sides<Vec<i64>>,
    pub(super) scale: Scale,
    how: How,
}

impl Both<'_> {
    /// The self values of both together, which the layout is made of.
    pub(super) fn together(&self) -> Vec<i64> {
        let before = self.scale.spread(&self.node_self.before);
        self.node_self.after.iter().zip(before).map(|(after, before)| after.saturating_add(before)).collect()
    }
}

/// Opens both profiles and hands the two to `work`.
pub(super) async fn with_both<T: Serialize + Send + 'static>(
    shared: State,
    id: String,
    mut query: Query,
    base: Base,
    work: impl FnOnce(&Both<'_>, &Query) -> Result<T, Refusal> + Send + 'static,
) -> Result<Shown<Compared<T>>, Refusal> {
    compute(move || {
        let (after, before) = (shared.library.entry(&id)?, shared.library.entry(&base.id)?);
        let stretch = (query.view.from.take(), query.view.to.take());
        let comparison = comparison(&shared, &before, (base.from, base.to), &after, stretch)?;
        let viewed = query.view.of(&comparison.opened)?;
        let node_self = comparison.node_self(&viewed);
        let scale = comparison.scale(&viewed, base.normalize)?;
        let measured = node_self.map(|values| values.iter().fold(0_i64, |sum, value| sum.saturating_add(*value)));
        let how = How {
            base: base.id,
            normalize: base.normalize,
            factor: scale.factor(),
            totals: Sides { before: scale.of(measured.before), after: measured.after },
            measured,
        };
        let whole = comparison.unfiltered_total(&viewed);
        let unfiltered = scale.of(whole.before).saturating_add(whole.after);
        let both = Both { viewed, node_self, scale, how };
        let shown = work(&both, &query)?;
        let Both { viewed, how, .. } = both;
        Ok(Shown::of_both(&after, &viewed, unfiltered, Compared { compared: how, shown }))
    })
    .await
}

type Stretch = (Option<Moment>, Option<Moment>);

/// The two as one, made anew only when one of them has changed.
fn comparison(
    shared: &State,
    before: &Entry,
    stretch_before: Stretch,
    after: &Entry,
    stretch_after: Stretch,
) -> Result<Arc<Comparison>, Refusal> {
    let key = format!("{} {stretch_before:?} {} {stretch_after:?}", before.version, after.version);
    shared.library.comparison(key, || {
        let side = |entry: &Entry, (from, to): Stretch| -> Result<Arc<Opened>, Refusal> {
            let opened = shared.library.open(entry)?;
            if from.is_none() && to.is_none() {
                return Ok(opened);
            }
            Ok(Arc::new(opened.stretch(from, to)?))
        };
        let (before, after) = (side(before, stretch_before)?, side(after, stretch_after)?);
        Ok(Comparison::new(&before, &after)?)
    })
}

/// The picture of both.
pub(super) fn picture(both: &Both<'_>, query: &Query) -> Picture {
    let together = both.together();
    let source = Source { tree: &both.viewed.tree, node_self: &together, functions: both.viewed.functions };
    picture::compared(source, &query.settings, &both.node_self, both.scale)
}

/// The table of both: what has changed most comes first.
pub(super) fn top(both: &Both<'_>, query: &Query) -> Value {
    let Both { viewed, node_self, scale, how } = both;
    let graphs = node_self.map(|values| CallGraph::new(&viewed.tree, values));
    let colors = picture::colors(viewed.functions, query.settings.color);
    let mut rows: Vec<(i64, Value)> = Vec::new();
    for (number, function) in viewed.functions.iter().enumerate() {
        let own = graphs.map(|graph| graph.self_values.get(number).copied().unwrap_or(0));
        let total = graphs.map(|graph| graph.totals.get(number).copied().unwrap_or(0));
        if own == Sides::default() && total == Sides::default() {
            continue;
        }
        let scaled = |sides: &Sides<i64>| Sides { before: scale.of(sides.before), after: sides.after };
        let (own_scaled, total_scaled) = (scaled(&own), scaled(&total));
        let row = json!({
            "id": format!("{:016x}", function.id),
            "name": function.name,
            "label": function.label,
            "file": function.file,
            "crate": function.krate,
            "module": function.module,
            "color": colors[number],
            "self": own_scaled.after,
            "total": total_scaled.after,
            "before": {"self": own_scaled.before, "total": total_scaled.before},
            "after": {"self": own_scaled.after, "total": total_scaled.after},
            "delta": picture::delta(&total, *scale),
        });
        rows.push((own_scaled.after.saturating_sub(own_scaled.before), row));
    }
    rows.sort_by_key(|(change, _)| std::cmp::Reverse(change.unsigned_abs()));
    rows.truncate(query.count.unwrap_or(usize::MAX));
    let functions: Vec<Value> = rows.into_iter().map(|(_, row)| row).collect();
    json!({"total": how.totals.after, "functions": functions})
}

impl From<CompareError> for Refusal {
    fn from(error: CompareError) -> Self {
        Refusal(StatusCode::BAD_REQUEST, format!("base: {error}"))
    }
}
