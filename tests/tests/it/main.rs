//! End-to-end tests, in one binary.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod access;
mod audio_streams;
mod backup;
mod bad_media;
mod bounds;
mod bytes;
mod cache;
mod calling;
mod captions;
mod clients;
mod clips;
mod codes;
mod command_line;
mod context;
mod demo;
mod documents;
mod formats;
mod gc;
mod hostile;
mod job_processes;
mod jobs;
mod layers;
mod lineage;
mod mutants;
mod neighbours;
mod once;
mod openai;
mod openapi;
mod operations;
mod origins;
mod pictures;
mod registered;
mod renders;
mod reprobe;
mod samples;
mod snippets;
mod speakers;
mod spine;
mod stopping;
mod stores;
mod style;
mod words;
