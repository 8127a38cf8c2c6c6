//! `POST /v1/audio/transcriptions`: uploads transcribed in the shape of OpenAI's API, for clients that exist
//! (<https://platform.openai.com/docs/api-reference/audio/createTranscription>).

mod error;
mod form;
mod routes;
mod service;

pub use routes::router;
