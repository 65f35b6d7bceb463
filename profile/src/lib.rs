//! What a sampling profile is: stacks, samples, mappings, and the call edges that follow from them; with profile.proto
//! in and out.
//!
//! A [`Profile`] is owned, plain data. The collector fills one while a program runs, the viewer's importers fill one
//! from a file, and everything else reads it. This crate knows no signals and no HTTP.
//!
//! ```
//! use plop_profile::{LabelSetId, Profile};
//!
//! let mut profile = Profile::new([("samples", "count")]);
//! let main = profile.named_location("main", "main.rs");
//! let parse = profile.named_location("parse", "parse.rs");
//! let stack = profile.stacks.intern([parse, main]); // leaf first
//! profile.samples.add(stack, LabelSetId::EMPTY, &[7]);
//!
//! let edges = profile.call_edges();
//! assert_eq!(edges.len(), 1);
//! assert_eq!(profile.frame_name(edges[0].caller), "main");
//! assert_eq!(profile.frame_name(edges[0].callee), "parse");
//! assert_eq!(*edges[0].values, [7]);
//! ```

mod call_graph;
mod decode;
mod encode;
mod error;
mod frame_tree;
mod labels;
mod merge;
mod profile;
mod proto;
mod samples;
mod self_check;
mod stacks;
mod stream;
mod strings;
mod timeline;
mod weighed;

pub use call_graph::{CallEdge, CallGraph, Edge};
pub use error::Error;
pub use frame_tree::{Frame, FrameNode, FrameTree, Shape};
pub use labels::{Label, LabelSetId, LabelSets, LabelValue};
pub use profile::{
    Function, FunctionId, Line, Location, LocationId, Mapping, MappingId, Profile, ValueType, is_nameless_function,
    nameless_function,
};
pub use samples::{Sample, Samples};
pub use self_check::SelfCheck;
pub use stacks::{StackId, StackNode, Stacks};
pub use stream::{Chunk, ChunkEncoder};
pub use strings::{StringId, Strings};
pub use timeline::{END_KEY, TIME_KEY, TIME_UNIT, Timeline};
pub use weighed::{Piece, Weighed};
