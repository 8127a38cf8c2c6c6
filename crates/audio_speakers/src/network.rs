//! An ONNX graph with one input and one output, run by `rten`.

use std::path::Path;
use std::sync::Arc;

use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, op_registry};
use rten_tensor::Tensor;
use rten_tensor::prelude::*;

use crate::{ModelError, SpeakerError};

/// A loaded ONNX graph.
pub(crate) struct Network {
    name: &'static str,
    model: Model,
    input: NodeId,
    output: NodeId,
}

impl Network {
    /// Loads a graph from `bytes`, the contents of the file at `path`, which appears in error messages.
    pub(crate) fn load(name: &'static str, path: &Path, bytes: Vec<u8>) -> Result<Self, ModelError> {
        let invalid = |reason: String| ModelError::Invalid { path: path.to_owned(), reason };
        // Only the operators of the two graphs are linked.
        let operators = op_registry!(
            Abs,
            Add,
            AveragePool,
            Cast,
            Concat,
            Conv,
            Div,
            Expand,
            InstanceNormalization,
            LSTM,
            LeakyRelu,
            LogSoftmax,
            MatMul,
            MaxPool,
            Mul,
            ReduceMean,
            ReduceSum,
            Relu,
            Reshape,
            Shape,
            Sigmoid,
            Slice,
            Sqrt,
            Squeeze,
            Sub,
            Transpose,
            Unsqueeze
        );
        let model =
            ModelOptions::with_ops(operators).load(bytes).map_err(|error| invalid(error.to_string()))?;
        let (&[input], &[output]) = (model.input_ids(), model.output_ids()) else {
            return Err(invalid("it has other inputs or outputs than one each".to_owned()));
        };
        Ok(Self { name, model, input, output })
    }

    /// Runs the graph on `values` of shape `shape` with the threads of `pool`; returns the output in row-major order.
    pub(crate) fn run(
        &self,
        pool: &Arc<ThreadPool>,
        shape: &[usize],
        values: Vec<f32>,
    ) -> Result<Vec<f32>, SpeakerError> {
        let failed = |reason: String| SpeakerError::Inference { network: self.name, reason };
        let input = Tensor::try_from_data(shape, values).map_err(|error| failed(error.to_string()))?;
        let options = RunOptions::default().with_thread_pool(Some(pool.clone()));
        let [output] = self
            .model
            .run_n(vec![(self.input, input.into())], [self.output], Some(options))
            .map_err(|error| failed(error.to_string()))?;
        let output: Tensor<f32> =
            output.try_into().map_err(|_| failed("its output is not of 32-bit floats".to_owned()))?;
        Ok(output.to_vec())
    }
}
