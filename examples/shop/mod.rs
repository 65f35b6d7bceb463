//! A shop's work, for a profiler to find: each function has a body of its own and is kept out of its caller.

use std::collections::HashMap;

/// Finds products: async on the outside, sorting and arithmetic within.
pub(crate) async fn search(query: &str) -> String {
    let words = tokenize(query);
    tokio::task::yield_now().await;
    let mut hits = score_products(&words);
    rank_hits(&mut hits);
    render_list(&hits)
}

#[inline(never)]
fn tokenize(query: &str) -> Vec<String> {
    query.split(['+', ' ']).map(|word| word.trim().to_lowercase()).collect()
}

#[inline(never)]
fn score_products(words: &[String]) -> Vec<(u64, f64)> {
    (0..3_000).map(|product| (product, words.iter().map(|word| similarity(product, word)).sum())).collect()
}

#[inline(never)]
fn similarity(product: u64, word: &str) -> f64 {
    let seed = word.bytes().fold(product, |state, byte| state.wrapping_mul(31).wrapping_add(u64::from(byte)));
    (1..40).map(|term| ((seed % (term + 7)) as f64).sqrt() / term as f64).sum()
}

#[inline(never)]
fn rank_hits(hits: &mut [(u64, f64)]) {
    hits.sort_by(|left, right| right.1.total_cmp(&left.1));
}

#[inline(never)]
fn render_list(hits: &[(u64, f64)]) -> String {
    hits.iter().take(200).map(|(product, score)| format!("{product}: {score:.3}\n")).collect()
}

/// Draws a small picture of a product.
pub(crate) async fn thumbnail(id: u64) -> Vec<u8> {
    let pixels = decode_image(id);
    let blurred = blur(&pixels, 3);
    encode_image(&blurred)
}

const SIDE: usize = 96;

#[inline(never)]
fn decode_image(id: u64) -> Vec<u16> {
    let mut state = id | 1;
    let mut pixel = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state & 0xff) as u16
    };
    (0..SIDE * SIDE).map(|_| pixel()).collect()
}

#[inline(never)]
fn blur(pixels: &[u16], radius: usize) -> Vec<u16> {
    let at = |x: usize, y: usize| u32::from(pixels[y.min(SIDE - 1) * SIDE + x.min(SIDE - 1)]);
    let mut out = Vec::with_capacity(pixels.len());
    for y in 0..SIDE {
        for x in 0..SIDE {
            let window = (0..=2 * radius).flat_map(|dy| (0..=2 * radius).map(move |dx| (dx, dy)));
            let sum: u32 =
                window.map(|(dx, dy)| at((x + dx).saturating_sub(radius), (y + dy).saturating_sub(radius))).sum();
            out.push((sum / ((2 * radius + 1) * (2 * radius + 1)) as u32) as u16);
        }
    }
    out
}

/// Run lengths, as the simplest of picture formats have them.
#[inline(never)]
fn encode_image(pixels: &[u16]) -> Vec<u8> {
    let mut out = Vec::new();
    for run in pixels.chunk_by(|left, right| left == right) {
        out.push(run.len().min(255) as u8);
        out.extend(run[0].to_le_bytes());
    }
    out
}

/// Takes an order: parses it, checks its signature, keeps it.
pub(crate) async fn checkout(id: u64, order: &str) -> String {
    let counts = parse_order(order);
    let signature = sign_order(id, &counts);
    tokio::task::yield_now().await;
    format!("{signature:016x}\n")
}

#[inline(never)]
fn parse_order(order: &str) -> HashMap<String, u64> {
    let mut counts = HashMap::new();
    for line in order.lines() {
        let mut numbers = line.split(|sign: char| !sign.is_ascii_digit()).filter_map(|part| part.parse::<u64>().ok());
        let (Some(item), Some(count)) = (numbers.next(), numbers.next()) else { continue };
        *counts.entry(format!("item-{item}")).or_default() += count;
    }
    counts
}

#[inline(never)]
fn sign_order(id: u64, counts: &HashMap<String, u64>) -> u64 {
    let mut items: Vec<_> = counts.iter().collect();
    items.sort();
    (0..300).fold(id, |state, _| items.iter().fold(state, |state, (name, count)| stir(state, name, **count)))
}

#[inline(never)]
fn stir(state: u64, name: &str, count: u64) -> u64 {
    name.bytes().fold(state ^ count, |state, byte| (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// What goes on in the background: words sorted into a tree, recursively.
pub(crate) fn rebuild_index() {
    let words: Vec<u64> = (0..20_000_u64).map(|word| word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20).collect();
    std::hint::black_box(build_tree(&words));
    std::thread::sleep(std::time::Duration::from_millis(3));
}

/// A node with the words below and above it.
struct Tree {
    depth: usize,
    children: Option<[Box<Tree>; 2]>,
}

#[inline(never)]
fn build_tree(words: &[u64]) -> Tree {
    if words.len() < 16 {
        return Tree { depth: 1, children: None };
    }
    let pivot = choose_pivot(words);
    let (below, above): (Vec<u64>, Vec<u64>) = words.iter().partition(|&&word| word < pivot);
    let children = [Box::new(build_tree(&below)), Box::new(build_tree(&above))];
    Tree { depth: 1 + children[0].depth.max(children[1].depth), children: Some(children) }
}

#[inline(never)]
fn choose_pivot(words: &[u64]) -> u64 {
    let mut some: Vec<u64> = words.iter().step_by((words.len() / 63).max(1)).copied().collect();
    some.sort_unstable();
    some[some.len() / 2]
}

impl Drop for Tree {
    fn drop(&mut self) {
        self.children.take();
    }
}
