//! The query of an address, parsed: a view, and what a picture or a table needs besides.

use axum::http::StatusCode;

use super::reply::Refusal;
use crate::compare::Normalize;
use crate::moments::Moment;
use crate::picture::{Closed, ColorBy, Direction, Settings};
use crate::top::Sort;
use crate::view::{View, moment, one_of};

/// All parameters of an address, decoded, in their order.
pub(crate) fn pairs(query: Option<&str>) -> Vec<(String, String)> {
    let decode = |text: &str| {
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text.as_bytes();
        while let [first, tail @ ..] = rest {
            rest = tail;
            match (first, tail) {
                (b'+', _) => bytes.push(b' '),
                (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                    let digit = |sign: u8| (sign as char).to_digit(16).unwrap_or(0) as u8;
                    bytes.push(digit(*high) << 4 | digit(*low));
                    rest = after;
                }
                _ => bytes.push(*first),
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let parts = query.unwrap_or_default().split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(key, value)| (decode(key), decode(value)))
        .collect()
}

/// A profile to compare with, of the address.
#[derive(Debug, Clone)]
pub(super) struct Base {
    pub(super) id: String,
    pub(super) from: Option<Moment>,
    pub(super) to: Option<Moment>,
    pub(super) normalize: Normalize,
}

impl Default for Base {
    fn default() -> Self {
        // Two runs are seldom as long; their shares can be compared.
        Base { id: String::new(), from: None, to: None, normalize: Normalize::Total }
    }
}

/// A view with what else the address asks for.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) view: View,
    pub(super) settings: Settings,
    pub(super) sort: Sort,
    pub(super) count: Option<usize>,
    pub(super) format: Option<String>,
    pub(super) item: Option<u64>,
    base: Base,
    pub(super) bins: usize,
    pub(super) rows: usize,
    /// What a table's rows, or a flame graph's first boxes, stand for: `function`, `thread`, `label:KEY` …
    pub(super) by: String,
    /// Whether a flame graph grows from the leaves to their callers.
    pub(super) inverted: bool,
    pub(super) zoom: Vec<u64>,
    pub(super) search: String,
}

impl Default for Query {
    fn default() -> Self {
        let view = View { merge_generics: true, ..View::default() };
        let (settings, sort) = (Settings::default(), Sort::default());
        Query {
            view,
            settings,
            sort,
            count: None,
            format: None,
            item: None,
            base: Base::default(),
            bins: 240,
            rows: 6,
            by: String::new(),
            inverted: false,
            zoom: Vec::new(),
            search: String::new(),
        }
    }
}

impl Query {
    pub(super) fn parse(query: Option<&str>) -> Result<Self, Refusal> {
        let mut parsed = Query::default();
        for (key, value) in pairs(query) {
            if !parsed.view.set(&key, &value)? {
                parsed.set(&key, &value)?;
            }
        }
        parsed.settings.instances.clone_from(&parsed.view.instances);
        Ok(parsed)
    }

    /// The profile to compare with, if there is one.
    pub(super) fn base(&self) -> Option<Base> {
        Some(self.base.clone()).filter(|base| !base.id.is_empty())
    }

    /// The item that the address has to name.
    pub(super) fn wanted_item(&self) -> Result<u64, Refusal> {
        self.item.ok_or_else(|| Refusal(StatusCode::BAD_REQUEST, "item: missing; name an item's id".to_owned()))
    }

    /// Parameters that none of these are (`token`, and the page's own) are passed over.
    fn set(&mut self, key: &str, value: &str) -> Result<(), Refusal> {
        match key {
            "items" => self.settings.items = number(key, value, 1, 20_000)? as usize,
            "width" => self.settings.width = number(key, value, 100, 20_000)? as f64,
            "height" => self.settings.height = number(key, value, 100, 20_000)? as f64,
            "direction" => {
                let directions = [Direction::Right, Direction::Down, Direction::Free];
                self.settings.direction = directions[one_of(key, value, ["right", "down", "free"])?];
            }
            "color" => {
                let colors = [ColorBy::Crate, ColorBy::Module, ColorBy::File];
                self.settings.color = colors[one_of(key, value, ["crate", "module", "file"])?];
            }
            "open" => self.settings.open.push(id(key, value)?),
            "close" => self.settings.close.push(closed(key, value)?),
            "item" => self.item = Some(id(key, value)?),
            "sort" => self.sort = [Sort::SelfValue, Sort::Total][one_of(key, value, ["self", "total"])?],
            "n" => self.count = Some(number(key, value, 1, 1_000_000)? as usize),
            "base" => self.base.id = value.to_owned(),
            "base_from" => self.base.from = moment(key, value)?,
            "base_to" => self.base.to = moment(key, value)?,
            "normalize" => {
                let ways = [Normalize::Total, Normalize::Time, Normalize::None];
                self.base.normalize = ways[one_of(key, value, ["total", "time", "none"])?];
            }
            "bins" => self.bins = number(key, value, 1, 2_000)? as usize,
            "rows" => self.rows = number(key, value, 1, 1_000)? as usize,
            "by" => self.by = value.to_owned(),
            "tree" => self.inverted = one_of(key, value, ["callees", "callers"])? == 1,
            "zoom" => {
                let steps = value.split('.').filter(|step| !step.is_empty());
                self.zoom = steps.map(|step| id(key, step)).collect::<Result<_, _>>()?;
            }
            "search" => self.search = value.to_lowercase(),
            "format" => self.format = Some(value.to_owned()),
            _ => {}
        }
        Ok(())
    }
}

fn number(key: &str, value: &str, least: u64, most: u64) -> Result<u64, Refusal> {
    let parsed = value.parse().ok().filter(|number| (least..=most).contains(number));
    let refusal =
        || Refusal(StatusCode::BAD_REQUEST, format!("{key}: {value} is no whole number from {least} to {most}"));
    parsed.ok_or_else(refusal)
}

/// `module:NAME` or `crate:NAME`.
fn closed(key: &str, value: &str) -> Result<Closed, Refusal> {
    match value.split_once(':') {
        Some(("module", name)) => Ok(Closed::Module(name.to_owned())),
        Some(("crate", name)) => Ok(Closed::Crate(name.to_owned())),
        _ => Err(Refusal(StatusCode::BAD_REQUEST, format!("{key}: {value} is neither module:NAME nor crate:NAME"))),
    }
}

fn id(key: &str, value: &str) -> Result<u64, Refusal> {
    let refusal =
        |_| Refusal(StatusCode::BAD_REQUEST, format!("{key}: {value} is no item's id, which is 16 hexadecimal digits"));
    u64::from_str_radix(value, 16).map_err(refusal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_decoded_pair_by_pair() {
        let pairs = pairs(Some("focus=a%2Bb+c&label=k%3Dv&flag&bad=%zz"));
        let expected = [("focus", "a+b c"), ("label", "k=v"), ("flag", ""), ("bad", "%zz")];
        assert_eq!(pairs, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        let refusal = Query::parse(Some("items=0")).unwrap_err();
        assert_eq!((refusal.0, &*refusal.1), (StatusCode::BAD_REQUEST, "items: 0 is no whole number from 1 to 20000"));
    }
}
