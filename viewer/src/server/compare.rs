//! What the views answer when the address names a profile to compare with: both on one layout, what each thing has on either
//! side, and what it has become.

use std::sync::Arc;

use axum::http::StatusCode;
use serde::Serialize;

use super::State;
use super::answer::{Shown, compute};
use super::query::{Base, Query};
use super::reply::Refusal;
use crate::compare::{Both, CompareError, Comparison, Normalize, Sides};
use crate::library::Entry;
use crate::moments::Moment;
use crate::opened::Opened;
use crate::picture::{self, Measures, Picture, Source};

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
    /// Whether what chance alone could have made is told from change.
    judged: bool,
    /// The totals after the filters, before in units of after.
    totals: Sides<i64>,
    measured: Sides<i64>,
}

/// Opens both profiles and hands the two to `work`, for an answer that says how they were compared.
pub(super) async fn with_both<T: Serialize + Send + 'static>(
    shared: State,
    id: String,
    query: Query,
    base: Base,
    work: impl FnOnce(&Both<'_>, &Query) -> Result<T, Refusal> + Send + 'static,
) -> Result<Shown<Compared<T>>, Refusal> {
    let version = shared.library.entry(&id)?.version.to_string();
    let of = base.id.clone();
    of_both(shared, id, query, base, move |both, query| Ok(Compared::with(both, of, version, work(both, query)?))).await
}

/// Opens both profiles and hands the two to `work`.
pub(super) async fn of_both<T: Send + 'static>(
    shared: State,
    id: String,
    mut query: Query,
    base: Base,
    work: impl FnOnce(&Both<'_>, &Query) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    compute(move || {
        let (after, before) = (shared.library.entry(&id)?, shared.library.entry(&base.id)?);
        let stretch = (query.view.from.take(), query.view.to.take());
        let comparison = comparison(&shared, &before, (base.from, base.to), &after, stretch)?;
        let instances = query.view.with_instances(&comparison.opened);
        let viewed = query.view.of(instances.as_ref().unwrap_or(&comparison.opened))?;
        work(&Both::new(&comparison, viewed, base.normalize)?, &query)
    })
    .await
}

impl<T: Serialize> Compared<T> {
    /// An answer about both, with how they were compared; `base` is what before is called.
    pub(super) fn with(both: &Both<'_>, base: String, version: String, shown: T) -> Shown<Compared<T>> {
        let measured = both.node_self.map(|values| values.iter().fold(0_i64, |sum, value| sum.saturating_add(*value)));
        let compared = How {
            base,
            normalize: both.normalize,
            factor: both.scale.factor(),
            judged: both.scale.is_judged(),
            totals: both.scaled(&measured),
            measured,
        };
        let whole = both.scaled(&both.comparison.unfiltered_total(&both.viewed));
        let unfiltered = whole.before.saturating_add(whole.after);
        Shown::of_both(version, &both.viewed, unfiltered, Compared { compared, shown })
    }
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

/// What something has on either side, and what has become of it.
#[derive(Serialize)]
pub(super) struct Measured {
    before: Measures,
    after: Measures,
    delta: f64,
}

impl Measured {
    pub(super) fn new(both: &Both<'_>, own: &Sides<i64>, total: &Sides<i64>) -> Self {
        let (own, scaled) = (both.scaled(own), both.scaled(total));
        Measured {
            before: Measures { self_value: own.before, total: scaled.before },
            after: Measures { self_value: own.after, total: scaled.after },
            delta: picture::delta(total, both.scale),
        }
    }

    /// How much more or less it has itself.
    pub(super) fn change(&self) -> u64 {
        self.after.self_value.saturating_sub(self.before.self_value).unsigned_abs()
    }
}

impl From<CompareError> for Refusal {
    fn from(error: CompareError) -> Self {
        Refusal(StatusCode::BAD_REQUEST, format!("base: {error}"))
    }
}
