//! How much room items take: their circles, whose areas all share one scale, and estimates of their labels.

/// What share of the window the circles cover.
const COVERED: f64 = 0.1;
const LEAST_RADIUS: f64 = 4.5;
const GREATEST_RADIUS: f64 = 60.0;

/// The page's labels: 11.5 px, or 13 px and bold from a share of 3 % on, shortened to some 24 characters; a character is 0.55 em
/// wide on average. Behind the name stands the share, if there is any.
const CHARACTER: f64 = 0.55 * 11.5;
const LARGE_CHARACTER: f64 = 0.57 * 13.0;
const LARGE: f64 = 0.03;
const LABEL_CHARACTERS: usize = 24;
const SHARE_CHARACTERS: usize = 6;
const SHARE_SHOWN: f64 = 0.005;
/// In a window smaller than this they are smaller.
const SMALL_WINDOW: f64 = 800_000.0;
const SMALLER: f64 = 0.9;
pub(super) const LABEL_HEIGHT: f64 = 15.0;

/// The room that an item takes around its place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Size {
    pub(super) radius: f64,
    /// The label's width.
    pub(super) label: f64,
    /// Whether the label stands to the right of the circle, rather than below it.
    pub(super) beside: bool,
}

impl Size {
    /// The room of an item with this share of the total itself, in a window of so many pixels.
    pub(super) fn new(radius: f64, label: &str, share: f64, window: f64) -> Self {
        let name = label.chars().count().min(LABEL_CHARACTERS);
        let characters = name + if share >= SHARE_SHOWN { SHARE_CHARACTERS } else { 0 };
        let character = if share > LARGE { LARGE_CHARACTER } else { CHARACTER };
        let part = if window < SMALL_WINDOW { SMALLER } else { 1.0 };
        Size { radius, label: part * characters as f64 * character, beside: false }
    }

    /// How far circle and label reach to the left and to the right of the circle's centre.
    pub(super) fn widths(&self) -> [f64; 2] {
        let circle = self.radius + 3.0;
        match self.beside {
            true if self.is_inside() => [circle; 2],
            true => [circle, circle + 2.0 + self.label],
            false => [circle.max(self.label / 2.0 + 3.0); 2],
        }
    }

    /// How far they reach above and below it.
    pub(super) fn heights(&self) -> [f64; 2] {
        let circle = self.radius + 3.0;
        match self.beside {
            true => [circle.max(LABEL_HEIGHT / 2.0); 2],
            false if self.is_inside() => [circle; 2],
            false => [circle, circle + LABEL_HEIGHT],
        }
    }

    /// Whether the label stands in the circle.
    pub(super) fn is_inside(&self) -> bool {
        self.label + 8.0 <= 2.0 * self.radius
    }
}

/// The radii: their areas stand in the ratio of the values, except that none is too small to be seen, and cover a fixed
/// share of the window unless the greatest circle would be too great: `part` of how great it may be.
pub(super) fn radii(values: &[i64], width: f64, height: f64, part: f64) -> Vec<f64> {
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
    let (mut low, mut high) = (0.0, (part * GREATEST_RADIUS.min(0.12 * width.min(height))).max(least) / greatest);
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
