//! The library on made music.

mod align;
mod conform;
mod identify;
mod landmarks;
mod music;
