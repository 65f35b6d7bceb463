//! A value with its unit, as a person reads it.

use std::fmt;

/// A value of a sample type.
#[derive(Debug, Clone, Copy)]
pub struct Quantity<'a> {
    value: i64,
    unit: &'a str,
}

impl<'a> Quantity<'a> {
    /// `value` in `unit`.
    pub fn new(value: i64, unit: &'a str) -> Self {
        Quantity { value, unit }
    }

    /// The larger units that a unit is shown in: how many of it they hold, and their signs.
    fn scale(&self) -> &'static [(f64, &'static str)] {
        match self.unit {
            "nanoseconds" | "ns" => &[(1.0, "ns"), (1e3, "µs"), (1e6, "ms"), (1e9, "s"), (60e9, "min"), (3600e9, "h")],
            "microseconds" | "us" => &[(1.0, "µs"), (1e3, "ms"), (1e6, "s"), (60e6, "min"), (3600e6, "h")],
            "milliseconds" | "ms" => &[(1.0, "ms"), (1e3, "s"), (60e3, "min"), (3600e3, "h")],
            "seconds" | "s" => &[(1.0, "s"), (60.0, "min"), (3600.0, "h")],
            "bytes" => &[(1.0, "B"), (1024.0, "KiB"), (1_048_576.0, "MiB"), (1_073_741_824.0, "GiB")],
            _ => &[],
        }
    }
}

impl fmt::Display for Quantity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.value.unsigned_abs() as f64;
        let fitting = self.scale().iter().rev().find(|(holds, _)| size >= *holds).or(self.scale().first());
        let text = match fitting {
            _ if self.value == 0 => "0".to_owned(),
            None => self.value.to_string(),
            Some(&(1.0, sign)) => format!("{}{sign}", self.value),
            Some((holds, sign)) => format!("{:.2}{sign}", self.value as f64 / holds),
        };
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_in_the_largest_unit_that_they_fill() {
        let show = |value, unit| Quantity::new(value, unit).to_string();
        assert_eq!(show(10_000_000, "nanoseconds"), "10.00ms");
        assert_eq!(show(8_120_000_000, "nanoseconds"), "8.12s");
        assert_eq!(show(-90_000_000_000, "nanoseconds"), "-1.50min");
        assert_eq!(show(812, "count"), "812");
        assert_eq!(show(0, "bytes"), "0");
        assert_eq!(show(1536, "bytes"), "1.50KiB");
    }
}
