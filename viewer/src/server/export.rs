//! `api/export`: the view as a file.

use axum::extract::{Path, RawQuery};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;

use super::answer::{Answer, with_view};
use super::query::Query;
use super::reply::Refusal;
use super::{State, compare};
use crate::export;

/// `api/export/{id}`.
pub(super) async fn export(shared: State, Path(id): Path<String>, RawQuery(query): RawQuery) -> Answer {
    let mut query = Query::parse(query.as_deref())?;
    let name = query.format.take().unwrap_or_default();
    let exporter = export::exporter(&name).ok_or_else(|| {
        let have: Vec<_> = export::EXPORTERS.iter().map(|exporter| exporter.name()).collect();
        Refusal(StatusCode::BAD_REQUEST, format!("format: there is no {name}; there are {}", have.join(", ")))
    })?;
    // The file name is a header: nothing but plain letters of the id goes into it.
    let stem: String =
        id.chars().map(|sign| if sign.is_ascii_alphanumeric() || "-_.".contains(sign) { sign } else { '_' }).collect();
    let bytes = match query.base() {
        Some(base) => {
            let written = compare::of_both(shared, id, query, base, move |both, _| {
                let mut bytes = Vec::new();
                exporter.write_difference(both, &mut bytes)?;
                Ok(bytes)
            });
            written.await?
        }
        None => {
            let written = with_view(shared, id, query, move |_, viewed, _| {
                let mut bytes = Vec::new();
                exporter.write(viewed, &mut bytes)?;
                Ok(bytes)
            });
            written.await?
        }
    };
    let file = format!("attachment; filename=\"{stem}.{}\"", exporter.extension());
    let headers = [(header::CONTENT_TYPE, exporter.content_type().to_owned()), (header::CONTENT_DISPOSITION, file)];
    Ok((headers, bytes).into_response())
}
