//! End-to-end tests, in one binary.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod access;
mod analysis;
mod analyze_formats;
mod audio_streams;
mod backup;
mod bad_media;
mod cache;
mod calling;
mod captions;
mod clients;
mod clips;
mod command_line;
mod damaged_blobs;
mod demo;
mod documents;
mod edits;
mod exports;
mod fairness;
mod formats;
mod gc;
mod idempotency;
mod job_processes;
mod jobs;
mod layers;
mod limits;
mod lineage;
mod mutants;
mod openai;
mod openapi;
mod operations;
mod outages;
mod plots;
mod registration;
mod renders;
mod reprobe;
mod resource_limits;
mod samples;
mod shot_lists;
mod shutdown;
mod snippets;
mod speakers;
mod style;
mod tenant_isolation;
mod words;
