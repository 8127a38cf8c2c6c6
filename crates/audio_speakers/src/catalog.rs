//! The model files with their sizes and digests. `tools/speakers/export.py` writes exactly these bytes.

/// One file of the speaker models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelFile {
    /// Name of the file in the model directory and below a mirror's address.
    pub file_name: &'static str,
    /// Size of the file in bytes.
    pub size: u64,
    /// SHA-256 of the file in hexadecimal.
    pub sha256: &'static str,
}

/// Name under which `harkback models` lists both files.
pub const NAME: &str = "speakers";

/// pyannote segmentation-3.0 (MIT): 10 s of samples to the activity of up to three speakers.
pub const SEGMENTATION: ModelFile = ModelFile {
    file_name: "speaker-segmentation.onnx",
    size: 5_975_434,
    sha256: "19d9ff8fd5ccaf0da9714a38eb29d30b694ac280870d1cb20ae8d233cc157c4c",
};

/// CAM++ of 3D-Speaker, Chinese and English (Apache-2.0): mel bands to an embedding of 192 dimensions.
pub const EMBEDDING: ModelFile = ModelFile {
    file_name: "speaker-embedding.onnx",
    size: 27_414_003,
    sha256: "18bb22ac9c3beb3b33fa57069518aa9c3c1c3c4cd3ab6ddc30e11d6baeed8742",
};

/// The segmentation and the embedding model.
pub const FILES: [ModelFile; 2] = [SEGMENTATION, EMBEDDING];
