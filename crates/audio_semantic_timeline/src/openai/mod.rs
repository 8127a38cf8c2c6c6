//! `POST /v1/audio/transcriptions`: transcription of uploads, compatible with clients of OpenAI's API
//! (<https://platform.openai.com/docs/api-reference/audio/createTranscription>).

mod error;
mod form;
mod routes;
mod service;

pub use routes::router;
