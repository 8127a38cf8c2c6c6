/// The bundled speech model cannot be used. The only cause is another version of the `silero` crate: build with the
/// version in Cargo.lock.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The bytes are not those of an ONNX model with a branch for 16 kHz.
    #[error("the speech model is malformed: it has {0}")]
    Malformed(&'static str),
    /// A tensor is missing.
    #[error("the speech model lacks the tensor `{0}`")]
    Missing(&'static str),
    /// A tensor has an unexpected shape.
    #[error("the speech model's tensor `{name}` has the shape {found:?} instead of {expected:?}")]
    Shape {
        /// Name of the tensor.
        name: &'static str,
        /// The shape in Silero v6.
        expected: Vec<usize>,
        /// The shape in the model.
        found: Vec<u64>,
    },
    /// The tensor of the spectral transform has other contents.
    #[error("the speech model's tensor `{0}` is not a windowed Fourier transform")]
    Transform(&'static str),
}
