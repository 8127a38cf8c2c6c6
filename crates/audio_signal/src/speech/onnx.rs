//! A minimal reader of ONNX's protocol buffers for the weights of a model; graphs are not run.
//!
//! Field numbers are those of `onnx.proto` (ONNX IR version 8).

use std::collections::BTreeMap;

use super::error::ModelError;

/// A tensor of 32-bit floats, as stored in the model.
#[derive(Clone, Debug)]
pub(super) struct Tensor<'a> {
    /// Size along each axis, outermost first.
    pub shape: Vec<u64>,
    /// Little-endian values, with the last axis varying fastest.
    raw: &'a [u8],
}

impl Tensor<'_> {
    /// The values, with the last axis varying fastest.
    pub(super) fn values(&self) -> Vec<f32> {
        self.raw.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
    }
}

/// The float constants of the branch `branch` of the model's outermost `If`, by the name of their output.
pub(super) fn branch_constants<'a>(
    model: &'a [u8],
    branch: &str,
) -> Result<BTreeMap<&'a str, Tensor<'a>>, ModelError> {
    const MODEL_GRAPH: u32 = 7;
    let graph = bytes_of(model, MODEL_GRAPH)?.ok_or(ModelError::Malformed("no graph"))?;
    for node in nodes(graph)? {
        if node.operator == "If" {
            for attribute in node.attributes {
                if attribute.name == branch {
                    return constants(
                        attribute.graph.ok_or(ModelError::Malformed("a branch without graph"))?,
                    );
                }
            }
        }
    }
    Err(ModelError::Malformed("no branch for the sample rate"))
}

fn constants(graph: &[u8]) -> Result<BTreeMap<&str, Tensor<'_>>, ModelError> {
    let mut found = BTreeMap::new();
    for node in nodes(graph)?.into_iter().filter(|node| node.operator == "Constant") {
        for attribute in node.attributes {
            if let Some(tensor) = attribute.tensor.map(float_tensor).transpose()?.flatten() {
                found.insert(node.output, tensor);
            }
        }
    }
    Ok(found)
}

struct Node<'a> {
    output: &'a str,
    operator: &'a str,
    attributes: Vec<Attribute<'a>>,
}

struct Attribute<'a> {
    name: &'a str,
    tensor: Option<&'a [u8]>,
    graph: Option<&'a [u8]>,
}

/// The nodes of a `GraphProto`.
fn nodes(graph: &[u8]) -> Result<Vec<Node<'_>>, ModelError> {
    const GRAPH_NODE: u32 = 1;
    let mut nodes = Vec::new();
    for field in Fields(graph) {
        if let (GRAPH_NODE, Value::Bytes(node)) = field? {
            nodes.push(Node::read(node)?);
        }
    }
    Ok(nodes)
}

impl<'a> Node<'a> {
    fn read(message: &'a [u8]) -> Result<Self, ModelError> {
        const OUTPUT: u32 = 2;
        const OPERATOR: u32 = 4;
        const ATTRIBUTE: u32 = 5;
        let mut node = Self { output: "", operator: "", attributes: Vec::new() };
        for field in Fields(message) {
            match field? {
                (OUTPUT, Value::Bytes(name)) if node.output.is_empty() => node.output = text(name)?,
                (OPERATOR, Value::Bytes(name)) => node.operator = text(name)?,
                (ATTRIBUTE, Value::Bytes(attribute)) => node.attributes.push(Attribute::read(attribute)?),
                _ => {}
            }
        }
        Ok(node)
    }
}

impl<'a> Attribute<'a> {
    fn read(message: &'a [u8]) -> Result<Self, ModelError> {
        const NAME: u32 = 1;
        const TENSOR: u32 = 5;
        const GRAPH: u32 = 6;
        let name = bytes_of(message, NAME)?.map(text).transpose()?.unwrap_or_default();
        Ok(Self { name, tensor: bytes_of(message, TENSOR)?, graph: bytes_of(message, GRAPH)? })
    }
}

/// A `TensorProto` of 32-bit floats in raw form; `None` for one of another type.
fn float_tensor(message: &[u8]) -> Result<Option<Tensor<'_>>, ModelError> {
    const DIMS: u32 = 1;
    const DATA_TYPE: u32 = 2;
    const RAW_DATA: u32 = 9;
    const FLOAT: u64 = 1;
    let (mut shape, mut data_type, mut raw) = (Vec::new(), 0, [].as_slice());
    for field in Fields(message) {
        match field? {
            (DIMS, Value::Integer(size)) => shape.push(size),
            (DIMS, Value::Bytes(mut packed)) => {
                while !packed.is_empty() {
                    shape.push(varint(&mut packed)?);
                }
            }
            (DATA_TYPE, Value::Integer(code)) => data_type = code,
            (RAW_DATA, Value::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
    }
    Ok((data_type == FLOAT).then_some(Tensor { shape, raw }))
}

/// The first length-delimited field numbered `number`.
fn bytes_of(message: &[u8], number: u32) -> Result<Option<&[u8]>, ModelError> {
    for field in Fields(message) {
        if let (found, Value::Bytes(bytes)) = field?
            && found == number
        {
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}

fn text(bytes: &[u8]) -> Result<&str, ModelError> {
    std::str::from_utf8(bytes).map_err(|_| ModelError::Malformed("a name that is not UTF-8"))
}

/// A field's value in wire form; fixed-width values are skipped, because none is needed.
enum Value<'a> {
    Integer(u64),
    Bytes(&'a [u8]),
    Skipped,
}

/// The fields of one message in order, as (number, value). Ends after the first error.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Value<'a>), ModelError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Result<(u32, Value<'a>), ModelError> {
        let key = varint(&mut self.0)?;
        let number =
            u32::try_from(key >> 3).map_err(|_| ModelError::Malformed("a field number out of range"))?;
        let value = match key & 7 {
            0 => Value::Integer(varint(&mut self.0)?),
            1 => self.take(8).map(|_| Value::Skipped)?,
            2 => {
                let length = varint(&mut self.0)?;
                Value::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Value::Skipped)?,
            _ => return Err(ModelError::Malformed("an unknown wire type")),
        };
        Ok((number, value))
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], ModelError> {
        let split = usize::try_from(length).ok().and_then(|length| self.0.split_at_checked(length));
        let (taken, rest) = split.ok_or(ModelError::Malformed("a field that ends beyond the file"))?;
        self.0 = rest;
        Ok(taken)
    }
}

/// Reads a base-128 number of at most 64 bits from the front.
fn varint(bytes: &mut &[u8]) -> Result<u64, ModelError> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first().ok_or(ModelError::Malformed("a number that ends early"))?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(ModelError::Malformed("a number of more than 64 bits"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn truncated_models_are_rejected() {
        let model = silero::BUNDLED_MODEL;
        for length in [0, 1, 100, model.len() / 2] {
            assert!(branch_constants(&model[..length], "then_branch").is_err(), "{length} bytes");
        }
    }

    proptest! {
        #[test]
        fn corrupt_models_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = branch_constants(&bytes, "then_branch");
        }

        #[test]
        fn varints_round_trip(value: u64) {
            let (mut bytes, mut rest) = (Vec::new(), value);
            while rest >= 0x80 {
                bytes.push(rest as u8 | 0x80);
                rest >>= 7;
            }
            bytes.push(rest as u8);
            prop_assert_eq!(varint(&mut bytes.as_slice()).unwrap(), value);
        }
    }
}
