//! The detector's weights, read from the ONNX model in the `silero` crate.

use std::{collections::BTreeMap, f64::consts::TAU, sync::LazyLock};

use sha2::{Digest, Sha256};

use super::{
    error::ModelError,
    onnx::{self, Tensor},
    recurrence::{HIDDEN, Recurrence},
    spectrum::{BINS, Spectrum, WINDOW},
};
use crate::dense::{Convolution, Dense};

/// Channels and strides of the four convolutions.
pub(super) const ENCODER: [ConvolutionShape; 4] = [
    ConvolutionShape { inputs: BINS, outputs: 128, stride: 1 },
    ConvolutionShape { inputs: 128, outputs: 64, stride: 2 },
    ConvolutionShape { inputs: 64, outputs: 64, stride: 2 },
    ConvolutionShape { inputs: 64, outputs: 128, stride: 1 },
];

/// Shape of one convolution.
pub(super) struct ConvolutionShape {
    pub inputs: usize,
    pub outputs: usize,
    pub stride: usize,
}

/// All weights of the network, in the layout in which they are used.
pub(super) struct Weights {
    pub spectrum: Spectrum,
    pub encoder: [Convolution; 4],
    /// From the encoder's output to the four gates of the LSTM, including the biases of both halves.
    pub gates: Dense,
    pub recurrence: Recurrence,
}

/// The bundled model: its weights, and the name under which results are cached.
pub(super) struct Model {
    pub weights: Weights,
    pub version: String,
}

/// The model, read once per process.
pub(super) fn bundled() -> Result<&'static Model, ModelError> {
    static MODEL: LazyLock<Result<Model, ModelError>> = LazyLock::new(|| {
        let hash = Sha256::digest(silero::BUNDLED_MODEL);
        let version = format!("silero_v6-{:02x}{:02x}{:02x}{:02x}", hash[0], hash[1], hash[2], hash[3]);
        Ok(Model { weights: Weights::read(silero::BUNDLED_MODEL)?, version })
    });
    MODEL.as_ref().map_err(Clone::clone)
}

impl Weights {
    /// Reads the 16 kHz branch of a Silero v5 or v6 model.
    fn read(model: &[u8]) -> Result<Self, ModelError> {
        // The outermost `If` checks whether the sample rate is 16 kHz.
        let constants = Constants(onnx::branch_constants(model, "then_branch")?);
        let [first, second, third, fourth] = &ENCODER;
        Ok(Self {
            spectrum: Spectrum::new(constants.window()?),
            encoder: [
                constants.convolution(0, first)?,
                constants.convolution(1, second)?,
                constants.convolution(2, third)?,
                constants.convolution(3, fourth)?,
            ],
            gates: constants.gates()?,
            recurrence: Recurrence::new(
                &constants.get("decoder.rnn.weight_hh", &[4 * HIDDEN, HIDDEN])?,
                &constants.get("decoder.decoder.2.weight", &[1, HIDDEN, 1])?,
                constants.get("decoder.decoder.2.bias", &[1])?[0],
            ),
        })
    }
}

/// The branch's constants by their full names.
struct Constants<'a>(BTreeMap<&'a str, Tensor<'a>>);

impl Constants<'_> {
    /// The values of the constant whose name ends in `name`, which must have this shape.
    fn get(&self, name: &'static str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
        let tensor = self.0.iter().find(|(full, _)| full.ends_with(name)).ok_or(ModelError::Missing(name))?.1;
        let values = tensor.values();
        let expected = shape.iter().map(|&size| size as u64);
        if !tensor.shape.iter().copied().eq(expected) || values.len() != shape.iter().product::<usize>() {
            return Err(ModelError::Shape { name, expected: shape.to_vec(), found: tensor.shape.clone() });
        }
        Ok(values)
    }

    fn convolution(&self, index: usize, layer: &ConvolutionShape) -> Result<Convolution, ModelError> {
        const NAMES: [(&str, &str); 4] = [
            ("encoder.0.reparam_conv.weight", "encoder.0.reparam_conv.bias"),
            ("encoder.1.reparam_conv.weight", "encoder.1.reparam_conv.bias"),
            ("encoder.2.reparam_conv.weight", "encoder.2.reparam_conv.bias"),
            ("encoder.3.reparam_conv.weight", "encoder.3.reparam_conv.bias"),
        ];
        let (weight, bias) = NAMES[index];
        let weights = self.get(weight, &[layer.outputs, layer.inputs, 3])?;
        Ok(Convolution::new(layer.inputs, layer.stride, &weights, &self.get(bias, &[layer.outputs])?))
    }

    fn gates(&self) -> Result<Dense, ModelError> {
        let weights = self.get("decoder.rnn.weight_ih", &[4 * HIDDEN, HIDDEN])?;
        let input = self.get("decoder.rnn.bias_ih", &[4 * HIDDEN])?;
        let hidden = self.get("decoder.rnn.bias_hh", &[4 * HIDDEN])?;
        let bias: Vec<f32> = input.iter().zip(&hidden).map(|(input, hidden)| input + hidden).collect();
        Ok(Dense::new(HIDDEN, &bias, |output, input| weights[output * HIDDEN + input]))
    }

    /// The window of the model's transform, which is stored as a matrix: a windowed discrete Fourier transform,
    /// cosines above negative sines. This is checked, because it is computed as an FFT.
    fn window(&self) -> Result<[f32; WINDOW], ModelError> {
        const NAME: &str = "stft.forward_basis_buffer";
        let basis = self.get(NAME, &[2 * BINS, 1, WINDOW])?;
        // The cosine of bin 0 is 1 throughout.
        let window: [f32; WINDOW] = std::array::from_fn(|n| basis[n]);
        let (cosines, sines) = basis.split_at(BINS * WINDOW);
        for (i, (&cosine, &sine)) in cosines.iter().zip(sines).enumerate() {
            let (k, n) = (i / WINDOW, i % WINDOW);
            let (sin, cos) = (TAU * (k * n % WINDOW) as f64 / WINDOW as f64).sin_cos();
            let expected = (f64::from(window[n]) * cos, -f64::from(window[n]) * sin);
            if (f64::from(cosine) - expected.0).abs() > 1e-5 || (f64::from(sine) - expected.1).abs() > 1e-5 {
                return Err(ModelError::Transform(NAME));
            }
        }
        Ok(window)
    }
}
