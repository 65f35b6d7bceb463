//! Groups and their colours: an index into the page's palette that depends on the group's name alone, so that a crate has
//! its colour in every profile.

/// How many colours the palette has.
const COLORS: u64 = 12;

/// The index that stands for grey: no group in particular.
pub(super) const GREY: u8 = 255;

/// The name of the group of items that belong to none.
pub(super) const OTHER: &str = "other";

/// The colour of a group.
pub(super) fn color(group: &str) -> u8 {
    // The high bits: FNV's low ones mix badly.
    if group == OTHER { GREY } else { ((hash(&[group]) >> 32) % COLORS) as u8 }
}

/// FNV-1a, 64 bits (<http://www.isthe.com/chongo/tech/comp/fnv/>), over the texts with a NUL between them.
pub(super) fn hash(texts: &[&str]) -> u64 {
    let bytes =
        texts.iter().enumerate().flat_map(|(number, text)| (number > 0).then_some(0).into_iter().chain(text.bytes()));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
