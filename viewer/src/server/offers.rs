//! `api/offers`, `api/controls`, and profiles dropped on the page: what a viewer lets its page do besides looking.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;
use serde_json::json;

use super::State;
use super::answer::{Answer, as_json, compute};
use super::query::pairs;
use super::reply::Refusal;

/// The largest profile that is taken from the page, in bytes. Larger ones are opened from their file.
pub(super) const MOST_RECEIVED: usize = 256 << 20;

/// `api/offers`.
pub(super) async fn offers(shared: State) -> Answer {
    let running = shared.controls.as_ref().map(|controls| json!({"running": controls.is_running()}));
    as_json(json!({"receives_bytes": if shared.receives { MOST_RECEIVED } else { 0 }, "controls": running}))
}

/// `POST api/controls/{what}`.
pub(super) async fn control(shared: State, Path(what): Path<String>) -> Answer {
    let answer = compute(move || {
        let missing = |text: &str| Refusal(StatusCode::NOT_FOUND, text.to_owned());
        let controls = shared.controls.as_ref().ok_or_else(|| missing("this viewer offers no controls"))?;
        let done = match &*what {
            "start" => controls.start(),
            "stop" => controls.stop(),
            _ => return Err(missing("there are start and stop")),
        };
        let said = done.map_err(|reason| Refusal(StatusCode::CONFLICT, reason.trim_end().to_owned()))?;
        Ok(json!({"running": controls.is_running(), "said": said.trim_end()}))
    });
    as_json(answer.await?)
}

/// `POST api/profiles`.
pub(super) async fn receive(shared: State, RawQuery(query): RawQuery, bytes: Result<Bytes, BytesRejection>) -> Answer {
    if !shared.receives {
        let reason = "this viewer takes no profiles from the page; open the file with plop-view FILE";
        return Err(Refusal(StatusCode::FORBIDDEN, reason.to_owned()));
    }
    let bytes = bytes.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            let most = MOST_RECEIVED >> 20;
            let reason = format!("the file is larger than {most} MiB; open it with plop-view FILE");
            Refusal(StatusCode::PAYLOAD_TOO_LARGE, reason)
        }
        status => Refusal(status, rejection.body_text()),
    })?;
    let name = pairs(query.as_deref()).into_iter().find(|(key, _)| key == "name").map(|(_, value)| value);
    let id = compute(move || Ok(shared.library.receive(&name.unwrap_or_default(), &bytes)?)).await?;
    as_json(json!({"id": id}))
}
