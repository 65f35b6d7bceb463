//! How much room items take: their circles, whose areas all share one scale, and estimates of their labels.

/// What share of the window the circles cover.
const COVERED: f64 = 0.1;
const LEAST_RADIUS: f64 = 4.5;
const GREATEST_RADIUS: f64 = 60.0;

/// The page's labels: 12 px, shortened to some 24 characters; a character is 0.55 em wide on average.
const CHARACTER: f64 = 0.55 * 12.0;
const LABEL_CHARACTERS: usize = 24;
pub(super) const LABEL_HEIGHT: f64 = 15.0;

/// The room that an item takes around its place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Size {
    pub(super) radius: f64,
    /// The label's width.
    pub(super) label: f64,
}

impl Size {
    pub(super) fn new(radius: f64, label: &str) -> Self {
        Size { radius, label: label.chars().count().min(LABEL_CHARACTERS) as f64 * CHARACTER }
    }

    /// Half the width of circle and label, the one below the other.
    pub(super) fn half_width(&self) -> f64 {
        self.radius.max(self.label / 2.0) + 3.0
    }

    /// How far circle and label reach above and below the circle's centre.
    pub(super) fn heights(&self) -> (f64, f64) {
        let inside = self.label + 8.0 <= 2.0 * self.radius;
        (self.radius + 3.0, self.radius + 3.0 + if inside { 0.0 } else { LABEL_HEIGHT })
    }
}

/// The radii: their areas stand in the ratio of the values, except that none is too small to be seen, and cover a fixed
/// share of the window unless the greatest circle would be too great.
pub(super) fn radii(values: &[i64], width: f64, height: f64) -> Vec<f64> {
    let window = width * height;
    let root = |value: i64| (value.max(0) as f64).sqrt();
    let greatest = values.iter().map(|&value| root(value)).fold(0.0, f64::max);
    // Of very many items the smallest alone would cover more than all shall.
    let least = LEAST_RADIUS.min((0.5 * COVERED * window / (std::f64::consts::PI * values.len().max(1) as f64)).sqrt());
    let radius = |scale: f64, value: i64| least.max(scale * root(value));
    if greatest == 0.0 {
        return vec![least; values.len()];
    }
    // A small window gets smaller circles, or one would fill it.
    let (mut low, mut high) = (0.0, GREATEST_RADIUS.min(0.12 * width.min(height)).max(least) / greatest);
    let covered =
        |scale: f64| values.iter().map(|&value| radius(scale, value).powi(2)).sum::<f64>() * std::f64::consts::PI;
    if covered(high) > COVERED * window {
        for _ in 0..50 {
            let middle = (low + high) / 2.0;
            if covered(middle) > COVERED * window { high = middle } else { low = middle }
        }
    }
    values.iter().map(|&value| radius(high, value)).collect()
}
