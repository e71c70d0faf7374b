//! The side of the parent: what its children tell, in tables of their own, never mixed with its own cases.
//!
//! A child stands for an area of the parent's tree. Where one of its cases is shown follows the codes of its
//! areas as far as the parent's tree has them, and never leaves the child's own area.

pub mod commands;
pub mod heads;
pub mod intake;
pub mod list;
pub mod rows;
pub mod silence;
pub mod take;
